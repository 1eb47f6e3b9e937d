import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FLAG_DELETED } from '../../mail/flags.ts';
import { UidSet } from '../../mail/uid-set.ts';
import { Database } from '../database.ts';
import { digestApplied, digestOf } from '../digest.ts';
import { Packs } from '../packs.ts';
import { Replayer } from '../replay.ts';
import { takeImage } from '../snapshot.ts';
import type { MemoryPacks } from '../testing/memory-packs.ts';
import { makeMailbox, makeWorld, newMessage, SIGNATURE, type World } from '../testing/store-world.ts';
import { defragmentOnline, type OnlineCopy, type OnlineStore } from './defragment-online.ts';
import { bodiesOfPack } from './describe-copy.ts';

const PACK_BYTES = 400_000;
const MESSAGES_LEFT = 6;

/** Four packs. Of every four messages one is left; one of those is longer than what moves in one piece. */
async function fragmented(): Promise<World & { readonly inboxId: number }> {
  const world = makeWorld({ packBytes: PACK_BYTES });
  const { store } = world;
  const { mailbox, inbox } = await makeMailbox(store, 'ada@example.test');
  await store.settings.setLimits(mailbox.id, { retentionMs: 0 });
  for (let index = 0; index < 24; index++) {
    const text = index === 20 || index === 21 ? 'long '.repeat(30_000) : `message ${index} `.repeat(1_800);
    await store.append(inbox.id, [newMessage(text)]);
  }
  const gone = UidSet.of(store.uids(inbox.id).filter((uid) => uid % 4 !== 1));
  await store.changeFlags(inbox.id, gone, { operation: 'add', flags: FLAG_DELETED, keywords: [] });
  await store.expunge(inbox.id);
  await store.commitDatabase(async () => true);
  await store.commitDatabase();
  return { ...world, inboxId: inbox.id };
}

function copyOf(
  world: World,
  inTurn: OnlineCopy['inTurn'] = (step) => world.store.inTurn(() => step(world)),
): OnlineCopy & { readonly said: string[] } {
  const { database, device } = world;
  const said: string[] = [];
  return {
    said,
    fills: async () =>
      device.list().map(({ pack, length }) => {
        const row = database.connection
          .prepare('SELECT coalesce(sum(size_bytes + 20), 0) AS live FROM body WHERE pack = ?')
          .get(pack);
        return { pack, sizeBytes: length, liveBytes: Number(row?.['live']) };
      }),
    bodiesOf: async (pack) => bodiesOfPack(database.connection, pack),
    warm: async () => undefined,
    inTurn,
    // A step moves two bodies.
    monotonicMs: everyLookTakes(2),
    rest: async () => undefined,
    onProgress: (line) => said.push(line),
  };
}

function everyLookTakes(ms: number): () => number {
  let nowMs = 0;
  return () => {
    nowMs += ms;
    return nowMs;
  };
}

function assertReadable({ database, packs }: { database: Database; packs: Packs }): number {
  const rows = database.connection.prepare('SELECT id, pack, position, size_bytes, crc32 FROM body').all();
  for (const row of rows) {
    const [bodyId, pack, position] = [Number(row['id']), Number(row['pack']), Number(row['position'])];
    const place = { bodyId, pack, position, sizeBytes: Number(row['size_bytes']), crc32: Number(row['crc32']) };
    assert.equal(packs.read(place).length, place.sizeBytes);
  }
  return rows.length;
}

const sizeOf = (device: MemoryPacks): number => device.list().reduce((sum, { length }) => sum + length, 0);

test('online defragmentation: packs with little in them: are emptied and go; what the copy holds stays the same', async () => {
  const world = await fragmented();
  const { database, device, store } = world;
  const before = digestApplied(database).sha256;
  const sizeBefore = sizeOf(device);
  const copy = copyOf(world);
  const result = await defragmentOnline(copy);
  assert.ok(result.emptiedPacks === 2 && result.movedBodies === MESSAGES_LEFT, JSON.stringify(result));
  assert.equal(digestApplied(database).sha256, before);
  assert.ok(sizeOf(device) > sizeBefore, 'nothing goes before the new places are safe');
  await store.commitDatabase(async () => false);
  assert.ok(sizeOf(device) > sizeBefore);
  await store.commitDatabase(async () => true);
  assert.ok(sizeOf(device) < sizeBefore * 0.75, `${sizeOf(device)} of ${sizeBefore}`);
  assert.equal(assertReadable(world), MESSAGES_LEFT);
  assert.equal(digestApplied(database).sha256, before);
  assert.match(copy.said.join('\n'), /packs emptied/);
  assert.equal((await defragmentOnline(copyOf(world))).movedBodies, 0, 'a second run finds nothing to do');
});

test('online defragmentation: mail that comes and goes meanwhile: goes where it always went', async () => {
  const world = await fragmented();
  const { store, inboxId } = world;
  let steps = 0;
  await defragmentOnline(
    copyOf(world, async (step) => {
      const done = await store.inTurn(() => step(world));
      steps += 1;
      await store.append(inboxId, [newMessage(`meanwhile ${steps}`)]);
      if (steps % 3 === 0) {
        const [uid = 0] = store.uids(inboxId);
        await store.changeFlags(inboxId, UidSet.of([uid]), { operation: 'add', flags: FLAG_DELETED, keywords: [] });
        await store.expunge(inboxId);
      }
      if (steps % 4 === 0) await store.commitDatabase(async () => steps % 8 === 0);
      return done;
    }),
  );
  await store.commitDatabase(async () => true);
  assert.ok(steps > 5);
  assertReadable(world);
});

test('online defragmentation: deleted items that are kept for a while: are moved as if they were not deleted', async () => {
  const world = await fragmented();
  const { store, database, inboxId } = world;
  await store.settings.setLimits(1, { retentionMs: 1_000_000 });
  const uids = UidSet.of(store.uids(inboxId).slice(0, 2));
  await store.changeFlags(inboxId, uids, { operation: 'add', flags: FLAG_DELETED, keywords: [] });
  await store.expunge(inboxId);
  const before = digestApplied(database).sha256;
  const { movedBodies } = await defragmentOnline(copyOf(world));
  await store.commitDatabase(async () => true);
  assert.equal(database.connection.prepare('SELECT count(*) AS kept FROM retained').get()?.['kept'], 2);
  assert.equal(movedBodies, MESSAGES_LEFT);
  assert.equal(assertReadable(world), MESSAGES_LEFT);
  assert.equal(digestApplied(database).sha256, before);
});

test('online defragmentation: a damaged body: stays where it is, is told, and everything else is moved', async () => {
  const world = await fragmented();
  const [row] = world.database.connection.prepare('SELECT id, pack, position FROM body ORDER BY id').all();
  world.device.damage(Number(row?.['pack']), Number(row?.['position']) + 30);
  const told: number[] = [];
  Object.assign(world.device, { bodyDamaged: (bodyId: number) => told.push(bodyId) });
  const result = await defragmentOnline(copyOf(world));
  await world.store.commitDatabase(async () => true);
  assert.equal(result.damagedBodies, 1);
  assert.deepEqual(told, [row?.['id']]);
  const after = world.database.connection.prepare('SELECT pack FROM body WHERE id = ?').get(Number(row?.['id']));
  assert.equal(after?.['pack'], row?.['pack']);
});

/** What a crash leaves of the database: the last commit or, after a loss of power, the last complete checkpoint. */
interface Left {
  image: Uint8Array;
  checkpointed: Uint8Array;
}

/** Runs until step `limit`, with a commit behind every third one; then the process is gone. */
async function crashedAt(limit: number, losesPower: boolean): Promise<{ left: Left; world: World; ended: boolean }> {
  const world = await fragmented();
  const { database, packs, store, device } = world;
  const { image } = takeImage(database, packs);
  const left: Left = { image, checkpointed: image };
  let steps = 0;
  const run = defragmentOnline(
    copyOf(world, async (step) => {
      if (steps === limit) throw new Error('crash');
      steps += 1;
      const done = await store.inTurn(() => step(world));
      if (steps % 3 === 0) {
        await store.commitDatabase(async () => {
          left.image = database.connection.serialize();
          if (steps % 2 === 0) left.checkpointed = left.image;
          return steps % 2 === 0;
        });
      }
      return done;
    }),
  );
  const ended = await run.then(
    () => true,
    () => false,
  );
  if (losesPower) device.losePower();
  return { left, world, ended };
}

test('online defragmentation: killed, or without power, behind any step: everything is there, and a new run ends it', async () => {
  for (const losesPower of [false, true]) {
    for (let limit = 1, ended = false; !ended; limit++) {
      const crash = await crashedAt(limit, losesPower);
      ended = crash.ended;
      const { left, world } = crash;
      const image = losesPower ? left.checkpointed : left.image;
      const database = new Database({ path: ':memory:', signature: SIGNATURE, image });
      const packs = new Packs(world.device, PACK_BYTES);
      const replayer = new Replayer({ database, packs });
      assert.equal(assertReadable({ database, packs }), MESSAGES_LEFT, `step ${limit}`);
      for (const record of world.journal.records) replayer.apply(record);
      const again: OnlineStore = { database, packs };
      const { damagedBodies } = await defragmentOnline(
        copyOf({ ...world, database, packs }, async (step) => step(again)),
      );
      await replayer.commitDatabase(async () => true);
      assert.equal(damagedBodies, 0);
      assert.equal(assertReadable(again), MESSAGES_LEFT);
      assert.equal(digestOf(database.connection).sha256, digestApplied(world.database).sha256);
    }
  }
});

test('online defragmentation: the copy steps down, at any piece of a long body: nothing cut away is taken for written', async () => {
  for (let cutAt = 1, isOver = false; !isOver; cutAt++) {
    const world = await fragmented();
    const { database, packs, store } = world;
    let turns = 0;
    const copy = copyOf(world, async (step) => {
      turns += 1;
      await store.commitDatabase();
      if (turns === cutAt) {
        database.rollback();
        packs.returnTo(database.tally);
      }
      return store.inTurn(() => step(world));
    });
    await defragmentOnline({ ...copy, monotonicMs: everyLookTakes(5) });
    isOver = turns < cutAt;
    await store.commitDatabase(async () => true);
    assert.equal(assertReadable(world), MESSAGES_LEFT, `cut at turn ${cutAt}`);
  }
});

test('online defragmentation: free pages: leave the database in small steps', async () => {
  const world = makeWorld();
  const { store, database } = world;
  const { mailbox, inbox } = await makeMailbox(store, 'ada@example.test');
  await store.settings.setLimits(mailbox.id, { retentionMs: 0 });
  for (let index = 0; index < 20; index++) {
    await store.append(
      inbox.id,
      Array.from({ length: 200 }, () => newMessage('x')),
    );
  }
  await store.changeFlags(inbox.id, new UidSet().add(1, 4_000), {
    operation: 'add',
    flags: FLAG_DELETED,
    keywords: [],
  });
  await store.expunge(inbox.id);
  const pages = (): number => Number(database.connection.prepare('PRAGMA page_count').get()?.['page_count']);
  await store.commitDatabase();
  const before = pages();
  const { freedPages } = await defragmentOnline(copyOf(world));
  await store.commitDatabase();
  assert.ok(freedPages > 50, String(freedPages));
  assert.equal(pages(), before - freedPages);
});
