import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isProblem } from '../base/problem.ts';
import { FLAG_DELETED, FLAG_FLAGGED } from '../mail/flags.ts';
import { UidSet } from '../mail/uid-set.ts';
import { digestApplied } from './digest.ts';
import { ALL_MAILBOXES } from './mailbox-keeping.ts';
import { makeMailbox, makeWorld, newMessage, rebuild, type World } from './testing/store-world.ts';

const DAY_MS = 86_400_000;

async function worldWith(texts: readonly string[]): Promise<{ world: World; mailboxId: number; inboxId: number }> {
  const world = makeWorld();
  const { mailbox, inbox } = await makeMailbox(world.store, 'ada@example.test');
  const messages = texts.map((text) => newMessage(text, { flags: FLAG_DELETED | FLAG_FLAGGED, keywords: ['work'] }));
  await world.store.append(inbox.id, messages);
  return { world, mailboxId: mailbox.id, inboxId: inbox.id };
}

function liveBodies({ database }: World): number {
  database.writeTally();
  return Number(database.connection.prepare('SELECT count(*) AS n FROM body').get()?.['n']);
}

function assertReplays(world: World): void {
  assert.equal(rebuild(world).digest, digestApplied(world.database).sha256);
}

test('deleted items: expunged: out of the folder and kept, got back with flags and date under new UIDs', async () => {
  const { world, mailboxId, inboxId } = await worldWith(['one', 'two']);
  const { store } = world;
  assert.deepEqual(await store.expunge(inboxId), [1, 2]);
  assert.deepEqual(store.uids(inboxId), []);
  const items = store.deletedItems.list(mailboxId, 10);
  assert.deepEqual(
    items.map(({ folderName, uid, removedMs }) => [folderName, uid, removedMs]),
    [
      ['INBOX', 2, world.clock.nowMs],
      ['INBOX', 1, world.clock.nowMs],
    ],
  );
  assert.equal(await store.deletedItems.restore(mailboxId, items.slice(1), null), 1);
  const [row] = store.messages(inboxId, 1, 100, 10);
  assert.deepEqual(
    [row?.uid, row?.flags, row?.keywords, row?.internalDateMs],
    [3, FLAG_FLAGGED, ['work'], 1_600_000_000_000],
  );
  assert.match(store.body(row?.bodyId ?? 0).toString(), /one/);
  assert.equal(store.deletedItems.list(mailboxId, 10).length, 1);
  assertReplays(world);
});

test('deleted items: their folder was deleted: kept, and got back into a folder made anew', async () => {
  const { world, mailboxId } = await worldWith([]);
  const { store } = world;
  const folder = await store.createFolder(mailboxId, 'work/old');
  await store.append(folder.id, [newMessage('one'), newMessage('two')]);
  await store.deleteFolder(mailboxId, 'work/old');
  assert.equal(store.folderByName(mailboxId, 'work/old'), undefined);
  await store.deleteFolder(mailboxId, 'work');
  const items = store.deletedItems.list(mailboxId, 10);
  assert.equal(await store.deletedItems.restore(mailboxId, items, null), 2);
  const again = store.folderByName(mailboxId, 'work/old');
  assert.deepEqual(store.uids(again?.id ?? 0), [1, 2]);
  assert.notEqual(again?.uidValidity, folder.uidValidity);
  assertReplays(world);
});

test('deleted items: 14 days are over: forgotten by a record, and the body with them', async () => {
  const { world, mailboxId, inboxId } = await worldWith(['one', 'two']);
  const { store, clock } = world;
  await store.expunge(inboxId, UidSet.of([1]));
  clock.nowMs += 3 * DAY_MS;
  await store.expunge(inboxId);
  clock.nowMs += 11 * DAY_MS;
  assert.equal(await store.deletedItems.purgeExpired(), 0, 'not a millisecond too early');
  clock.nowMs += 1;
  assert.equal(await store.deletedItems.purgeExpired(), 1);
  assert.deepEqual(
    store.deletedItems.list(mailboxId, 10).map(({ uid }) => uid),
    [2],
  );
  assert.equal(liveBodies(world), 1);
  assertReplays(world);
});

test('deleted items: the same body elsewhere: it stays as long as anybody refers to it', async () => {
  const { world, mailboxId, inboxId } = await worldWith(['one']);
  const { store, clock } = world;
  const archive = store.folderByName(mailboxId, 'Archive')?.id ?? 0;
  await store.copy(inboxId, UidSet.of([1]), archive);
  await store.expunge(inboxId);
  clock.nowMs += 15 * DAY_MS;
  assert.equal(await store.deletedItems.purgeExpired(), 1);
  assert.match(store.body(store.message(archive, 1)?.bodyId ?? 0).toString(), /one/);
  assertReplays(world);
});

test('deleted items: retention of a mailbox, of the storage group, and none', async () => {
  const { world, mailboxId, inboxId } = await worldWith(['one', 'two', 'three']);
  const { store, clock } = world;
  await store.expunge(inboxId, UidSet.of([1]));
  await store.settings.setLimits(ALL_MAILBOXES, { retentionMs: DAY_MS });
  clock.nowMs += 2 * DAY_MS;
  await store.settings.setLimits(mailboxId, { retentionMs: 5 * DAY_MS });
  assert.equal(await store.deletedItems.purgeExpired(), 0);
  await store.settings.setLimits(mailboxId, { retentionMs: null });
  assert.equal(await store.deletedItems.purgeExpired(), 1);
  await store.settings.setLimits(mailboxId, { retentionMs: 0 });
  await store.expunge(inboxId);
  assert.deepEqual(store.deletedItems.list(mailboxId, 10), []);
  assert.equal(liveBodies(world), 0);
  await assert.rejects(store.settings.setLimits(mailboxId, { retentionMs: -1 }), (error) =>
    isProblem(error, 'LimitInvalid'),
  );
  assertReplays(world);
});

test('deleted items: a mailbox that is not theirs: nothing comes back', async () => {
  const { world, inboxId } = await worldWith(['one']);
  const { mailbox: other } = await makeMailbox(world.store, 'bob@example.test');
  await world.store.expunge(inboxId);
  assert.equal(await world.store.deletedItems.restore(other.id, [{ folderId: inboxId, uid: 1 }], null), 0);
});

test('deleted items: a folder of many messages is deleted: in several records, and everything can be got back', async () => {
  const { world, mailboxId } = await worldWith([]);
  const { store, journal } = world;
  const folder = await store.createFolder(mailboxId, 'big');
  const messages = Array.from({ length: 500 }, (_, index) => newMessage(`m${index}`));
  for (let part = 0; part < 9; part++) await store.append(folder.id, messages);
  const before = journal.records.length;
  await store.deleteFolder(mailboxId, 'big');
  assert.equal(journal.records.length - before, 10, 'nine slices, and the folder with the last');
  const items = store.deletedItems.list(mailboxId, 5_000);
  assert.equal(await store.deletedItems.restore(mailboxId, items, 'big'), 4_500);
  assertReplays(world);
});
