/** What only a database in a file can show: reopening, second connections, snapshots, the write-ahead file. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { SeededRandom } from '../base/random.ts';
import { Database, openReader } from './database.ts';
import { digestApplied, digestOf } from './digest.ts';
import { Packs } from './packs.ts';
import { takeSnapshot } from './snapshot.ts';
import { StorageGroup } from './storage-group.ts';
import { MemoryJournal } from './testing/memory-journal.ts';
import { MemoryPacks } from './testing/memory-packs.ts';
import { makeMailbox, newMessage, SIGNATURE, TestClock } from './testing/store-world.ts';

async function withFile(use: (path: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-store-'));
  try {
    await use(join(folder, 'database.sqlite'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function open(path: string) {
  const database = new Database({ path, signature: SIGNATURE });
  const packs = new Packs(new MemoryPacks());
  const journal = new MemoryJournal();
  const store = new StorageGroup({ database, packs, journal, clock: new TestClock(), random: new SeededRandom(1) });
  return { database, packs, journal, store };
}

/** What the host's helper thread does. */
async function checkpoint(path: string): Promise<boolean> {
  const connection = new DatabaseSync(path);
  const row = connection.prepare('PRAGMA wal_checkpoint(PASSIVE)').get();
  connection.close();
  return row?.['busy'] === 0 && row['log'] === row['checkpointed'];
}

test('database file: closed in the middle: opens at the last commit', async () => {
  await withFile(async (path) => {
    const { database, store } = open(path);
    const { inbox } = await makeMailbox(store, 'ada@example.test');
    const committed = await store.commitDatabase();
    const digest = digestOf(database.connection);
    await store.append(inbox.id, [newMessage('later')]);
    database.close();
    const again = new Database({ path, signature: SIGNATURE });
    assert.equal(again.appliedLsn, committed);
    assert.deepEqual(digestOf(again.connection), digest);
    again.close();
  });
});

test('database file: a reader beside the serving connection: sees the last commit', async () => {
  await withFile(async (path) => {
    const { database, store } = open(path);
    const { inbox } = await makeMailbox(store, 'ada@example.test');
    await store.commitDatabase();
    const digest = digestApplied(database);
    await store.append(inbox.id, [newMessage('later')]);
    const reader = openReader(path);
    assert.deepEqual(digestOf(reader), digest);
    assert.notDeepEqual(digestApplied(database), digest);
    reader.close();
    database.close();
  });
});

test('snapshot: taken while changes go on and are committed: is the database of one commit', async () => {
  await withFile(async (path) => {
    const { database, store, packs } = open(path);
    const { inbox } = await makeMailbox(store, 'ada@example.test');
    await store.append(
      inbox.id,
      Array.from({ length: 4_000 }, () => newMessage('long subject '.repeat(100))),
    );
    await store.commitDatabase();
    const digest = digestApplied(database);
    const { packEnd } = database.tally;
    await store.append(inbox.id, [newMessage('not committed')]);
    const taking = takeSnapshot(path, packs, `${path}.copy`);
    await store.commitDatabase();
    await store.append(inbox.id, [newMessage('later')]);
    const snapshot = await taking;
    assert.deepEqual(snapshot, { lsn: digest.lsn, packs: [{ pack: 1, length: packEnd }] });
    const copy = new Database({ path: `${path}.copy`, signature: SIGNATURE });
    assert.deepEqual(digestOf(copy.connection), digest);
    copy.close();
    database.close();
  });
});

test('database file: commits with a checkpoint: the write-ahead file starts anew and does not grow', async () => {
  await withFile(async (path) => {
    const { database, store } = open(path);
    const { inbox } = await makeMailbox(store, 'ada@example.test');
    const sizes: number[] = [];
    for (let round = 0; round < 12; round++) {
      await store.append(
        inbox.id,
        Array.from({ length: 200 }, () => newMessage('x')),
      );
      await store.commitDatabase(() => checkpoint(path));
      sizes.push(statSync(`${path}-wal`).size);
    }
    assert.ok(Math.max(...sizes.slice(6)) <= Math.max(...sizes.slice(0, 6)) * 1.5, String(sizes));
    database.close();
  });
});

test('database: pages that rot while it is open: a statement that meets them says so in our words, and it is told', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-rot-'));
  try {
    const path = join(folder, 'database.sqlite');
    const made = new Database({ path, signature: SIGNATURE });
    made.begin();
    const text = 'x'.repeat(900);
    for (let row = 1; row <= 2_000; row++) made.connection.exec(`INSERT INTO subscription VALUES (${row}, '${text}')`);
    made.commit();
    made.close();
    const bytes = readFileSync(path);
    bytes.fill(0x55, bytes.length / 4, (bytes.length * 3) / 4);
    writeFileSync(path, bytes);
    const told: string[] = [];
    const database = new Database({ path, signature: SIGNATURE, onUnreadable: (what) => told.push(what) });
    const count = database.prepare('SELECT count(name) FROM subscription NOT INDEXED');
    assert.throws(() => count.get(), {
      code: 'DatabaseDamaged',
      message: /^Cannot use the database \(database\.sqlite\): /,
    });
    assert.equal(told.length, 1);
    database.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
