import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../base/assert.ts';
import { isProblem } from '../base/problem.ts';
import { SeededRandom } from '../base/random.ts';
import { makeLsn } from '../log/lsn.ts';
import { FLAG_DELETED } from '../mail/flags.ts';
import { UidSet } from '../mail/uid-set.ts';
import type { StoredRecord } from './apply.ts';
import { Database } from './database.ts';
import { digestApplied, digestOf, digestOfFolder } from './digest.ts';
import { encodeFact, type Fact } from './facts.ts';
import { Packs } from './packs.ts';
import { Replayer } from './replay.ts';
import { takeImage } from './snapshot.ts';
import { StorageGroup } from './storage-group.ts';
import { MemoryJournal } from './testing/memory-journal.ts';
import { MemoryPacks } from './testing/memory-packs.ts';
import {
  makeMailbox,
  makeWorld,
  newDelivery,
  newMessage,
  SIGNATURE,
  TEST_PACK_BYTES,
  TestClock,
  type World,
} from './testing/store-world.ts';

const problem = (code: string) => (error: unknown) => isProblem(error, code);

function emptyCopy(): { database: Database; device: MemoryPacks; packs: Packs; replayer: Replayer } {
  const database = new Database({ path: ':memory:', signature: SIGNATURE });
  const device = new MemoryPacks();
  const packs = new Packs(device, TEST_PACK_BYTES);
  return { database, device, packs, replayer: new Replayer({ database, packs }) };
}

async function busyWorld(): Promise<World & { inboxId: number }> {
  const world = makeWorld();
  const { store } = world;
  const { mailbox, inbox } = await makeMailbox(store, 'ada@example.test');
  const folder = await store.createFolder(mailbox.id, 'a');
  for (let id = 1; id <= 30; id++) await store.deliver(newDelivery(id, ['ada@example.test']));
  await store.append(inbox.id, [newMessage('x'.repeat(3_000)), newMessage('y')]);
  await store.move(inbox.id, new UidSet().add(5, 12), folder.id);
  await store.changeFlags(inbox.id, new UidSet().add(1, 15), {
    operation: 'add',
    flags: FLAG_DELETED,
    keywords: ['k'],
  });
  await store.expunge(inbox.id);
  return { ...world, inboxId: inbox.id };
}

function record(lsn: number, fact: Fact): StoredRecord {
  return { lsn, ...encodeFact(fact) };
}

test('replay: every record twice: is the same as once', async () => {
  const world = await busyWorld();
  const { replayer, database } = emptyCopy();
  for (const [index, item] of world.journal.records.entries()) {
    replayer.apply(item);
    for (const earlier of world.journal.records.slice(0, index + 1)) replayer.apply(earlier);
  }
  assert.deepEqual(digestApplied(database), digestApplied(world.database));
  assert.deepEqual(
    digestOfFolder(database.connection, world.inboxId),
    digestOfFolder(world.database.connection, world.inboxId),
  );
});

test('replay: a crash at any record, with a commit at any other before: the rest of the log gives the same database', async () => {
  const world = await busyWorld();
  const { records } = world.journal;
  const expected = digestApplied(world.database);
  for (let commitAt = 0; commitAt < records.length; commitAt += 5) {
    const { database, device, packs, replayer } = emptyCopy();
    for (const [index, item] of records.entries()) {
      replayer.apply(item);
      if (index === commitAt) await replayer.commitDatabase();
    }
    device.losePower();
    const again = new Replayer({ database, packs });
    assert.equal(again.appliedLsn, records[commitAt]?.lsn);
    for (const item of records) again.apply(item);
    assert.deepEqual(digestApplied(database), expected);
    assertBodiesReadable(database, packs);
  }
});

test('replay: a record left out: is refused, and the database stays as it was', async () => {
  const world = await busyWorld();
  const { replayer, database } = emptyCopy();
  const [first, second, third] = world.journal.records;
  replayer.apply(present(first, 'a record'));
  const before = digestApplied(database);
  assert.throws(() => replayer.apply(present(third, 'a record')), problem('ReplayGap'));
  assert.deepEqual(digestApplied(database), before);
  replayer.apply(present(second, 'a record'));
});

test('replay: an unknown kind and a damaged payload: are refused, and the database stays as it was', async () => {
  const { replayer, database } = emptyCopy();
  const before = digestApplied(database);
  const lsn = makeLsn(1, 1);
  assert.throws(() => replayer.apply({ lsn, kind: 99, payload: Buffer.alloc(0) }), problem('UnknownRecordKind'));
  assert.throws(() => replayer.apply({ lsn, kind: 3, payload: Buffer.alloc(0) }), problem('Malformed'));
  assert.deepEqual(digestApplied(database), before);
});

test('replay: records that cannot be true: stop the copy until it goes back', async () => {
  const impossible: Fact[] = [
    { type: 'CredentialSet', mailboxId: 9, credential: null },
    { type: 'FoldersRenamed', mailboxId: 1, folders: [{ id: 99, name: 'x' }] },
    { type: 'FoldersDeleted', folderIds: [99] },
    { type: 'MessagesExpunged', folderId: 3, ranges: [{ first: 900, last: 901 }] },
    { type: 'FlagsChanged', folderId: 1, groups: [{ ranges: [{ first: 900, last: 901 }], flags: 0, keywords: [] }] },
    { type: 'MessagesCopied', sourceFolderId: 1, targetFolderId: 2, pairs: [{ source: 1, target: 1, count: 900 }] },
    { type: 'MessagesMoved', sourceFolderId: 1, targetFolderId: 99, pairs: [{ source: 31, target: 1, count: 1 }] },
    {
      type: 'EpochStarted',
      epoch: 7,
      previousEndLsn: 0,
      previousChain: 0,
      host: '',
      incarnation: 0,
      timeMs: 0,
      uidJump: 0,
    },
    { ...deliveredTo(1, 5), targets: [] },
    deliveredTo(99, 1),
    deliveredTo(1, 5),
  ];
  const world = await busyWorld();
  for (const fact of impossible) {
    const { replayer, database } = emptyCopy();
    for (const item of world.journal.records) replayer.apply(item);
    await replayer.commitDatabase();
    const before = digestOf(database.connection);
    const next = present(world.journal.records.at(-1), 'a record').lsn + 1;
    assert.throws(() => replayer.apply(record(next, fact)), problem('RecordNotApplied'), fact.type);
    const harmless: Fact = { type: 'SubscriptionSet', mailboxId: 1, name: 'x', subscribed: true };
    assert.throws(() => replayer.apply(record(next, harmless)), problem('RecordNotApplied'));
    await assert.rejects(replayer.commitDatabase(), problem('RecordNotApplied'));
    replayer.rollback();
    assert.deepEqual(digestOf(database.connection), before, fact.type);
  }
});

function deliveredTo(folderId: number, uid: number): Fact & { type: 'MessageDelivered' } {
  return {
    type: 'MessageDelivered',
    deliveryId: Buffer.alloc(16, 250),
    acceptedMs: 1,
    sender: '',
    trace: '',
    targets: [{ mailboxId: 1, folderId, uid, recipient: '' }],
    internalDateMs: 1,
    bodyId: 5_000,
    structure: Buffer.alloc(0),
    bytes: Buffer.alloc(3),
  };
}

test('takeover: a passive copy becomes active with what it applied, the old active drops its tail and follows', async () => {
  const journal = new MemoryJournal();
  const old = makeWorld({ journal });
  const { inbox } = await makeMailbox(old.store, 'ada@example.test');
  await old.store.append(inbox.id, [newMessage('kept')]);
  await old.store.commitDatabase();
  const shared = [...journal.records];
  await old.store.append(inbox.id, [newMessage('never acknowledged')]);

  const copy = emptyCopy();
  for (const item of shared) copy.replayer.apply(item);
  const started = record(makeLsn(2, 1), {
    type: 'EpochStarted',
    epoch: 2,
    previousEndLsn: present(shared.at(-1), 'a record').lsn,
    previousChain: 1,
    host: 'b',
    incarnation: 1,
    timeMs: 1,
    uidJump: 1_000,
  });
  copy.replayer.apply(started);
  const journal2 = new MemoryJournal({ epoch: 2 });
  journal2.append(started.kind, started.payload);
  const store = new StorageGroup({ ...copy, journal: journal2, clock: new TestClock(), random: new SeededRandom(2) });
  assert.deepEqual((await store.append(inbox.id, [newMessage('new')])).uids, [1_002]);
  assert.ok((store.message(inbox.id, 1_002)?.modseq ?? 0) > makeLsn(2, 0));

  old.store.stop('it lost its lease');
  const follower = new Replayer(old);
  assert.equal(follower.appliedLsn, present(shared.at(-1), 'a record').lsn);
  for (const item of journal2.records) follower.apply(item);
  assert.deepEqual(digestApplied(old.database), digestApplied(copy.database));
  assertBodiesReadable(old.database, old.packs);
});

test('seeding: an image and the packs as they were at the commit: the log from there gives the same database', async () => {
  const world = await busyWorld();
  await world.store.commitDatabase();
  const snapshot = takeImage(world.database, world.packs);
  const device = new MemoryPacks();
  for (const { pack, length } of snapshot.packs) device.append(pack, 0, world.device.read(pack, 0, length));
  const { inboxId, store } = world;
  await store.append(inboxId, [newMessage('later')]);
  const database = new Database({ path: ':memory:', signature: SIGNATURE, image: snapshot.image });
  const packs = new Packs(device, TEST_PACK_BYTES);
  const replayer = new Replayer({ database, packs });
  assert.equal(replayer.appliedLsn, snapshot.lsn);
  for (const item of world.journal.records) replayer.apply(item);
  assert.deepEqual(digestApplied(database), digestApplied(world.database));
  assertBodiesReadable(database, packs);
});

test('packs: one that nobody refers to any more: goes after a complete checkpoint, and only then', async () => {
  const world = makeWorld();
  const { store, device } = world;
  const { mailbox, inbox } = await makeMailbox(store, 'ada@example.test');
  await store.settings.setLimits(mailbox.id, { retentionMs: 0 });
  for (let index = 0; index < 4; index++) await store.append(inbox.id, [newMessage('x'.repeat(TEST_PACK_BYTES))]);
  await store.changeFlags(inbox.id, new UidSet().add(1, 2), { operation: 'add', flags: FLAG_DELETED, keywords: [] });
  await store.expunge(inbox.id);
  const packs = () => device.list().map(({ pack }) => pack);
  await store.commitDatabase();
  await store.commitDatabase(async () => false);
  assert.deepEqual(packs(), [1, 2, 3, 4]);
  await store.commitDatabase(async () => true);
  assert.deepEqual(packs(), [3, 4]);
  assertBodiesReadable(world.database, world.packs);
});

function assertBodiesReadable(database: Database, packs: Packs): void {
  const rows = database.connection.prepare('SELECT id, pack, position, size_bytes, crc32 FROM body').all();
  for (const row of rows) {
    const place = {
      bodyId: Number(row['id']),
      pack: Number(row['pack']),
      position: Number(row['position']),
      sizeBytes: Number(row['size_bytes']),
      crc32: Number(row['crc32']),
    };
    assert.equal(packs.read(place).length, place.sizeBytes);
  }
}
