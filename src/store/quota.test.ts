import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isProblem } from '../base/problem.ts';
import { FLAG_DELETED } from '../mail/flags.ts';
import { UidSet } from '../mail/uid-set.ts';
import { digestApplied } from './digest.ts';
import { ALL_MAILBOXES, UNLIMITED } from './mailbox-keeping.ts';
import { makeMailbox, makeWorld, newDelivery, newMessage, rebuild } from './testing/store-world.ts';

const isFull = (error: unknown) => isProblem(error, 'MailboxFull');

test('quota: nothing set: usage is counted, and nothing is refused', async () => {
  const { store } = makeWorld();
  const { mailbox, inbox } = await makeMailbox(store, 'ada@example.test');
  const messages = [newMessage('one', { flags: FLAG_DELETED }), newMessage('three')];
  await store.append(inbox.id, messages);
  const sizes = messages.map(({ bytes }) => bytes.length);
  const quota = store.settings.quota(mailbox.id);
  assert.deepEqual([quota.usedMessages, quota.usedBytes], [2, (sizes[0] ?? 0) + (sizes[1] ?? 0)]);
  assert.equal(quota.storageBytes, UNLIMITED);
  await store.expunge(inbox.id);
  assert.equal(store.settings.quota(mailbox.id).usedBytes, sizes[1], 'deleted items do not count');
});

test('quota: the limit is reached: APPEND, COPY and restoring are refused, moving within the mailbox is not', async () => {
  const world = makeWorld();
  const { store } = world;
  const { mailbox, inbox } = await makeMailbox(store, 'ada@example.test');
  const archive = store.folderByName(mailbox.id, 'Archive')?.id ?? 0;
  await store.settings.setLimits(ALL_MAILBOXES, { messages: 3 });
  await store.append(inbox.id, [newMessage('1', { flags: FLAG_DELETED }), newMessage('2'), newMessage('3')]);
  await assert.rejects(store.append(inbox.id, [newMessage('4')]), isFull);
  await assert.rejects(store.copy(inbox.id, UidSet.of([2]), archive), isFull);
  await store.move(inbox.id, UidSet.of([2]), archive);
  await store.expunge(inbox.id);
  await store.append(inbox.id, [newMessage('5')]);
  await assert.rejects(store.deletedItems.restore(mailbox.id, store.deletedItems.list(mailbox.id, 9), null), isFull);
  await store.settings.setLimits(mailbox.id, { messages: 4 });
  assert.equal(await store.deletedItems.restore(mailbox.id, store.deletedItems.list(mailbox.id, 9), null), 1);
  assert.equal(rebuild(world).digest, digestApplied(world.database).sha256);
});

test('quota: a delivery to a full mailbox: refused for this recipient alone, temporarily unless it never fits', async () => {
  const { store } = makeWorld();
  const { mailbox: ada } = await makeMailbox(store, 'ada@example.test');
  const { mailbox: bob } = await makeMailbox(store, 'bob@example.test');
  const { mailbox: cyn } = await makeMailbox(store, 'cyn@example.test');
  const delivery = newDelivery(
    1,
    [ada, bob, cyn].map(({ address }) => address),
  );
  await store.settings.setLimits(bob.id, { storageBytes: delivery.bytes.length - 1 });
  await store.settings.setLimits(cyn.id, { messages: 0 });
  const results = await store.deliver(delivery);
  assert.deepEqual(
    results.map((result) => (result.outcome === 'refused' ? result.code : result.outcome)),
    ['delivered', 'MailboxTooSmall', 'MailboxFull'],
  );
  await store.settings.setLimits(cyn.id, { messages: null });
  const again = await store.deliver(delivery);
  assert.deepEqual(
    again.map((result) => result.outcome),
    ['duplicate', 'refused', 'delivered'],
  );
});

test('quota: a copy of many messages that do not all fit: refused before the first of its records', async () => {
  const { store, journal } = makeWorld();
  const { mailbox, inbox } = await makeMailbox(store, 'ada@example.test');
  const archive = store.folderByName(mailbox.id, 'Archive')?.id ?? 0;
  const messages = Array.from({ length: 500 }, (_, index) => newMessage(`m${index}`, { flags: FLAG_DELETED }));
  for (let part = 0; part < 9; part++) await store.append(inbox.id, messages);
  const all = new UidSet().add(1, 9_999);
  await store.settings.setLimits(mailbox.id, { messages: 8_999 });
  const before = journal.records.length;
  await assert.rejects(store.copy(inbox.id, all, archive), isFull);
  assert.equal(journal.records.length, before);
  await store.settings.setLimits(mailbox.id, { messages: 9_000 });
  const { sourceUids, targetUids } = await store.copy(inbox.id, all, archive);
  assert.equal(journal.records.length - before, 1 + 9, 'the limit, and nine slices');
  assert.deepEqual([sourceUids.length, targetUids[0], targetUids.at(-1)], [4_500, 1, 4_500]);
  assert.equal((await store.move(archive, all, inbox.id)).targetUids.at(-1), 9_000);
  assert.equal((await store.expunge(inbox.id)).length, 9_000);
  assert.equal(store.settings.quota(mailbox.id).usedMessages, 0);
});

test('quota: a full INBOX of many messages is renamed: all of them are in the new folder, in several records', async () => {
  const { store, journal } = makeWorld();
  const { mailbox, inbox } = await makeMailbox(store, 'ada@example.test');
  await store.append(
    inbox.id,
    Array.from({ length: 1_200 }, (_, index) => newMessage(`m${index}`)),
  );
  await store.settings.setLimits(mailbox.id, { messages: 1_200 });
  const before = journal.records.length;
  await store.renameFolder(mailbox.id, 'INBOX', 'old');
  assert.equal(journal.records.length - before, 1 + 3, 'the folder, and three slices');
  assert.equal(store.folderById(inbox.id)?.messageCount, 0);
  assert.equal(store.folderByName(mailbox.id, 'old')?.messageCount, 1_200);
});

test('quota: a mailbox or a limit that cannot be: refused by name', async () => {
  const { store } = makeWorld();
  await assert.rejects(store.settings.setLimits(7, { messages: 1 }), (error) => isProblem(error, 'MailboxNotFound'));
  await assert.rejects(store.settings.setLimits(ALL_MAILBOXES, { messages: 0.5 }), (error) =>
    isProblem(error, 'LimitInvalid'),
  );
});
