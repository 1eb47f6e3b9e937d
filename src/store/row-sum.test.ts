import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isProblem } from '../base/problem.ts';
import { Database } from './database.ts';
import { checkSums } from './maintenance/check-sums.ts';
import { Queries } from './queries.ts';
import { TABLES } from './schema.ts';
import { makeMailbox, makeWorld, newDelivery, newMessage, SIGNATURE } from './testing/store-world.ts';

const DATE_MS = 1_600_000_000_123;

/** The committed database of a small storage group, with one bit changed wherever it has `bytes`. */
async function imageWithFlip(bytes: Buffer): Promise<Buffer> {
  const { database, store } = makeWorld();
  const { inbox } = await makeMailbox(store, 'ann@example.test');
  await store.append(inbox.id, [newMessage('one'), newMessage('two', { internalDateMs: DATE_MS, keywords: ['Blue'] })]);
  await store.deliver(newDelivery(1, ['ann@example.test']));
  await store.commitDatabase();
  const image = Buffer.from(database.connection.serialize());
  let at = image.indexOf(bytes);
  assert.ok(at > 0, 'The bytes are there to be changed');
  for (; at > 0; at = image.indexOf(bytes, at)) image.writeUInt8(image.readUInt8(at) ^ 1, at);
  return image;
}

function bigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(value, 0, 6);
  return bytes;
}

function openImage(image: Buffer): { queries: Queries; database: Database; damage: string[] } {
  const damage: string[] = [];
  const onUnreadable = (what: string): void => void damage.push(what);
  const database = new Database({ path: ':memory:', signature: SIGNATURE, image, onUnreadable });
  return { database, queries: new Queries(database), damage };
}

const isDamage = (error: unknown): boolean => isProblem(error, 'DatabaseDamaged');

test("row checksums: a bit of a message's date turned over: its row is refused by name, the others are given out", async () => {
  const { queries, damage, database } = openImage(await imageWithFlip(bigEndian(DATE_MS)));
  const what = 'the row message (folder 1, uid 2) does not agree with its checksum';
  assert.throws(() => queries.message(1, 2), isDamage);
  assert.throws(() => queries.messages(1, 1, 3, 10), isDamage);
  assert.deepEqual(damage, [what, what]);
  assert.equal(queries.message(1, 1)?.uid, 1);
  const sizeBytes = 0;
  const findings = checkSums({ connection: database.connection, name: 'database.sqlite', sizeBytes });
  assert.deepEqual(
    findings.map((finding) => finding.what),
    [what],
  );
});

test('row checksums: a letter of a keyword, an address or a trace turned over: is seen when the row is read', async () => {
  const keyword = openImage(await imageWithFlip(Buffer.from('Blue'))).queries;
  assert.throws(() => keyword.message(1, 2), isDamage);
  const trace = openImage(await imageWithFlip(Buffer.from('from client by hub'))).queries;
  assert.throws(() => trace.bodyPlace(3), isDamage);
  const address = openImage(await imageWithFlip(Buffer.from('ann@example.test'))).queries;
  assert.throws(() => address.mailboxes(), isDamage);
});

test('row checksums: a counter that the database is opened with turned over: it does not open', async () => {
  const image = await imageWithFlip(Buffer.from('nextMailboxId'));
  assert.throws(() => openImage(image), isDamage);
});

test('row checksums: the text of the schema turned over: the database is refused', async () => {
  const image = await imageWithFlip(Buffer.from('display_name'));
  assert.throws(
    () => openImage(image),
    (error) => isProblem(error, 'DatabaseUnusable'),
  );
});

test('row checksums: a message is missing in its folder: no list of the folder is given out', async () => {
  const { database, store } = makeWorld();
  const { inbox } = await makeMailbox(store, 'ann@example.test');
  await store.append(inbox.id, [newMessage('one'), newMessage('two')]);
  assert.deepEqual(store.uids(inbox.id), [1, 2]);
  database.connection.exec('DELETE FROM message WHERE uid = 1');
  assert.throws(() => store.uids(inbox.id), isDamage);
});

test('row checksums: every table: the checksum covers all its columns', () => {
  const { connection } = new Database({ path: ':memory:', signature: SIGNATURE });
  const tables = connection.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").all();
  assert.deepEqual(tables.map(({ name }) => String(name)).sort(), Object.keys(TABLES).sort());
  for (const [name, { columns }] of Object.entries(TABLES)) {
    const inTable = connection.prepare(`SELECT name FROM pragma_table_info('${name}')`).all();
    assert.deepEqual(
      inTable.map((column) => column['name']),
      columns,
    );
  }
});
