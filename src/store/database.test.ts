import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isProblem } from '../base/problem.ts';
import { checkSqliteVersion, Database, readTally } from './database.ts';
import { SIGNATURE } from './testing/store-world.ts';

test('database: rollback: rows and counters return to the last commit', () => {
  const database = new Database({ path: ':memory:', signature: SIGNATURE });
  database.begin();
  database.tally.appliedLsn = 5;
  database.tally.nextBodyId = 9;
  database.commit();
  database.begin();
  database.connection.exec("INSERT INTO subscription VALUES (1, 'x')");
  database.tally.appliedLsn = 6;
  database.tally.nextBodyId = 10;
  database.rollback();
  assert.equal(database.appliedLsn, 5);
  assert.equal(database.tally.nextBodyId, 9);
  assert.deepEqual(database.connection.prepare('SELECT * FROM subscription').all(), []);
});

test('database: a commit when nothing has changed: writes nothing, and a counter that moved on is written', () => {
  const database = new Database({ path: ':memory:', signature: SIGNATURE });
  const written = (): unknown => database.connection.prepare('SELECT total_changes() AS count').get()?.['count'];
  database.tally.appliedLsn = 5;
  database.commit();
  assert.equal(readTally(database.connection).appliedLsn, 5);
  const before = written();
  database.commit();
  assert.equal(written(), before);
});

test('database: an image of another stream: is refused', () => {
  const image = new Database({ path: ':memory:', signature: SIGNATURE }).connection.serialize();
  assert.throws(
    () => new Database({ path: ':memory:', signature: Buffer.alloc(16, 9), image }),
    (error) => isProblem(error, 'DatabaseUnusable'),
  );
  assert.equal(new Database({ path: ':memory:', signature: SIGNATURE, image }).appliedLsn, 0);
});

test('database: bytes that are no database, and a schema from the future: are refused', () => {
  assert.throws(
    () => new Database({ path: ':memory:', signature: SIGNATURE, image: Buffer.alloc(8192, 1) }),
    (error) => isProblem(error, 'DatabaseUnusable'),
  );
  const future = new Database({ path: ':memory:', signature: SIGNATURE });
  future.connection.exec("UPDATE meta SET value = 99 WHERE name = 'schema_version'");
  assert.throws(
    () => new Database({ path: ':memory:', signature: SIGNATURE, image: future.connection.serialize() }),
    (error) => isProblem(error, 'DatabaseUnusable'),
  );
});

test('database: made by an earlier version, before rows had checksums: is refused, to be made anew', () => {
  const old = new Database({ path: ':memory:', signature: SIGNATURE });
  old.connection.exec("UPDATE meta SET value = 2 WHERE name = 'schema_version'");
  assert.throws(
    () => new Database({ path: ':memory:', signature: SIGNATURE, image: old.connection.serialize() }),
    (error) => isProblem(error, 'DatabaseUnusable') && /schema 2/.test(error.message),
  );
});

test('database: a SQLite that can corrupt a database with two connections: is refused', () => {
  for (const version of ['3.51.2', '3.50.4', '2.99.99']) {
    assert.throws(
      () => checkSqliteVersion(version),
      (error) => isProblem(error, 'DatabaseUnusable'),
    );
  }
  for (const version of ['3.51.3', '3.53.4', '4.0.0']) checkSqliteVersion(version);
});
