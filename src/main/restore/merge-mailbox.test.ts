import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../../base/assert.ts';
import { Problem } from '../../base/problem.ts';
import { mergeHandlers } from '../../directory/mailbox-merge.ts';
import { FLAG_FLAGGED } from '../../mail/flags.ts';
import { UidSet } from '../../mail/uid-set.ts';
import { Queries } from '../../store/queries.ts';
import { makeMailbox, makeWorld, newDelivery, newMessage } from '../../store/testing/store-world.ts';
import { type AskCopy, type MailboxMerge, MailboxMerger } from './merge-mailbox.ts';
import { type HeldMessage, missingMessages } from './merge-plan.ts';

const ADA = 'ada@example.test';

async function twoWorlds(messages: readonly ReturnType<typeof newMessage>[]) {
  const [backup, live] = [makeWorld(), makeWorld({ seed: 2 })];
  for (const { store } of [backup, live]) {
    const { inbox } = await makeMailbox(store, ADA);
    await store.append(inbox.id, messages);
  }
  const inbox = present(live.store.folderByName(present(live.store.mailboxByAddress(ADA), 'made').id, 'INBOX'), 'made');
  return { backup, live, inbox };
}

type Worlds = Awaited<ReturnType<typeof twoWorlds>>;

/** `fail`: what goes wrong with which question; its answer may be lost after it was carried out. */
function mergerOf(
  { backup, live }: Worlds,
  rest: Partial<MailboxMerge> = {},
  fail: (ask: number) => boolean = () => false,
) {
  const handlers = mergeHandlers(() => live.store);
  let asked = 0;
  const ask: AskCopy = async (method, body) => {
    const answer = await present(handlers[method], 'There is such a method')(Buffer.from(body), 'node1');
    asked += 1;
    if (fail(asked)) throw new Problem('ChannelClosed', 'Cannot ask: the channel is closed', { temporary: true });
    return Buffer.from(answer);
  };
  const copy = { queries: new Queries(backup.database), packs: backup.packs };
  const merge = { source: ADA, address: ADA, targetFolder: null, ...rest };
  return new MailboxMerger(copy, merge, { ask, rest: () => Promise.resolve() });
}

const texts = (count: number) =>
  Array.from({ length: count }, (_, number) =>
    newMessage(`number ${number}`, { flags: FLAG_FLAGGED, keywords: ['work'], internalDateMs: -5_000 + number }),
  );

test('merge: what was deleted comes back with flags, keywords and date; what is there does not', async () => {
  const worlds = await twoWorlds(texts(6));
  const { live, inbox } = worlds;
  await live.store.changeFlags(inbox.id, UidSet.of([2, 3]), { operation: 'add', flags: 8, keywords: [] });
  await live.store.expunge(inbox.id);
  const result = await mergerOf(worlds).run(() => undefined);
  assert.deepEqual(result, { restored: 2, alreadyThere: 4, inBackup: 6 });
  const rows = live.store.messages(inbox.id, 7, 100, 100);
  assert.deepEqual(
    rows.map(({ flags, keywords, internalDateMs }) => [flags, keywords, internalDateMs]),
    [
      [FLAG_FLAGGED, ['work'], -4_999],
      [FLAG_FLAGGED, ['work'], -4_998],
    ],
  );
  assert.equal((await mergerOf(worlds).run(() => undefined)).restored, 0);
});

test('merge: what was delivered brings along by whom and from where, and the mailbox is subscribed as it was', async () => {
  const [backup, live] = [makeWorld(), makeWorld({ seed: 2 })];
  const { mailbox, inbox } = await makeMailbox(backup.store, ADA);
  await makeMailbox(live.store, ADA);
  await backup.store.deliver(newDelivery(1, [ADA]));
  await backup.store.append(inbox.id, [newMessage('appended')]);
  for (const name of ['Empty', 'Gone']) await backup.store.createFolder(mailbox.id, name);
  await backup.store.setSubscribed(mailbox.id, 'Empty', true);
  await live.store.setSubscribed(mailbox.id, 'Mine', true);
  await mergerOf({ backup, live, inbox }).run(() => undefined);
  const queries = new Queries(live.database);
  assert.deepEqual(
    live.store.messages(inbox.id, 1, 100, 100).map(({ bodyId }) => queries.bodySource(bodyId)),
    [
      { sender: 'sender@example.test', trace: 'from client by hub' },
      { sender: null, trace: null },
    ],
  );
  const subscriptions = live.store.subscriptions(mailbox.id);
  for (const name of ['INBOX', 'Empty', 'Mine']) assert.ok(subscriptions.includes(name), name);
  assert.ok(!subscriptions.includes('Gone'));
});

test('merge: every answer is lost once, after the batch was taken in: nothing comes twice', async () => {
  const worlds = await twoWorlds(texts(450));
  const { live, inbox } = worlds;
  await live.store.changeFlags(inbox.id, UidSet.of(live.store.uids(inbox.id)), {
    operation: 'add',
    flags: 8,
    keywords: [],
  });
  await live.store.expunge(inbox.id);
  const result = await mergerOf(worlds, {}, (asked) => asked % 3 === 2).run(() => undefined);
  assert.deepEqual(result, { restored: 450, alreadyThere: 0, inBackup: 450 });
  assert.equal(live.store.folderById(inbox.id)?.messageCount, 450);
});

test('merge: into a folder: the whole mailbox comes beside, its folders below that one and subscribed', async () => {
  const worlds = await twoWorlds(texts(3));
  const { live, inbox } = worlds;
  const result = await mergerOf(worlds, { targetFolder: 'Old mail' }).run(() => undefined);
  assert.equal(result.restored, 3);
  assert.equal(live.store.folderByName(inbox.mailboxId, 'Old mail/INBOX')?.messageCount, 3);
  assert.ok(live.store.subscriptions(inbox.mailboxId).includes('Old mail/INBOX'));
  assert.equal((await mergerOf(worlds, { targetFolder: 'Old mail' }).run(() => undefined)).restored, 0);
});

test('merge: a mailbox that is full, or not in the backup: refused by name', async () => {
  const worlds = await twoWorlds(texts(3));
  await worlds.live.store.settings.setLimits(worlds.inbox.mailboxId, { storageBytes: 1 });
  await assert.rejects(
    mergerOf(worlds, { targetFolder: 'Old mail' }).run(() => undefined),
    { code: 'MailboxFull' },
  );
  await assert.rejects(
    mergerOf(worlds, { source: 'bob@example.test' }).run(() => undefined),
    { code: 'MailboxNotFound' },
  );
});

test('merge: moved since, or one of two copies gone: only what is missing is missing', () => {
  const message = (folderName: string, crc32: number): HeldMessage => ({
    folderName,
    crc32,
    sizeBytes: 1,
    internalDateMs: 1,
  });
  const inBoth = [message('INBOX', 1), message('Work', 1)];
  assert.deepEqual(missingMessages([message('INBOX', 1)], [message('Archive', 1)], null), []);
  assert.deepEqual(missingMessages(inBoth, [message('Work', 1)], null), [message('INBOX', 1)]);
  assert.deepEqual(missingMessages(inBoth, [message('Work', 1), message('Archive', 1)], null), []);
  assert.deepEqual(missingMessages(inBoth, [], null), inBoth);
  assert.deepEqual(missingMessages([message('INBOX', 1)], [message('INBOX', 1)], 'Old'), [message('INBOX', 1)]);
});
