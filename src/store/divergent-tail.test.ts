import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../base/assert.ts';
import { FLAG_FLAGGED } from '../mail/flags.ts';
import { UidSet } from '../mail/uid-set.ts';
import { DivergentTail, type TailMessageState } from './divergent-tail.ts';
import { decodeFact } from './facts.ts';
import { RETURN_WITHIN_MS } from './limits.ts';
import { Queries } from './queries.ts';
import {
  makeMailbox,
  makeWorld,
  newDelivery,
  newMessage,
  rebuild,
  SIGNATURE,
  type World,
} from './testing/store-world.ts';

const NOW_MS = 1_700_000_000_000;
const flagged = { operation: 'add', flags: FLAG_FLAGGED, keywords: [] } as const;

/** Two worlds with the same past: what happens in the first one from now on is the tail, in the second one the history that won. */
async function parting(): Promise<{ lost: World; won: World; tail: () => DivergentTail; queries: () => Queries }> {
  const lost = makeWorld({ seed: 7 });
  const won = makeWorld({ seed: 7 });
  for (const { store } of [lost, won]) {
    const { inbox } = await makeMailbox(store, 'ada@example.test');
    await store.append(inbox.id, [newMessage('old')]);
  }
  const common = lost.journal.records.length;
  return {
    lost,
    won,
    tail: () => {
      const tail = new DivergentTail({ first: 0, maxMessages: 100, maxChanges: 100 });
      for (const { lsn, kind, payload } of lost.journal.records.slice(common))
        tail.add({ lsn, fact: decodeFact(kind, payload), signature: SIGNATURE, fileCreatedMs: NOW_MS });
      return tail;
    },
    queries: () => new Queries(rebuild(won).database),
  };
}

function statesOf(tail: DivergentTail, queries: Queries): TailMessageState['state'][] {
  return tail.messages.map((message) => tail.stateOf(message, queries).state);
}

function inboxOf({ store }: World, address = 'ada@example.test'): number {
  const mailbox = present(store.mailboxByAddress(address), 'The mailbox is there');
  return present(store.folderByName(mailbox.id, 'INBOX'), 'Every mailbox has an inbox').id;
}

test('divergent tail: a delivery: is missing until a delivery with its id is there, and then it is not', async () => {
  const { lost, won, tail, queries } = await parting();
  await lost.store.deliver(newDelivery(1, ['ada@example.test']));
  await lost.store.deliver(newDelivery(2, ['ada@example.test']));
  await won.store.deliver(newDelivery(2, ['ada@example.test']));
  assert.deepEqual(statesOf(tail(), queries()), ['missing', 'there']);
  await won.store.deliver(newDelivery(1, ['Ada@Example.Test']));
  await won.store.expunge(inboxOf(won), UidSet.of([2, 3]));
  assert.deepEqual(statesOf(tail(), queries()), ['there', 'there'], 'and stays so when its owner deletes it');
});

test('divergent tail: a delivery to two, of whom one has it: only the other one gets it', async () => {
  const { lost, won, tail, queries } = await parting();
  for (const { store } of [lost, won]) await makeMailbox(store, 'bob@example.test');
  await lost.store.deliver(newDelivery(1, ['ada@example.test', 'bob@example.test']));
  await won.store.deliver(newDelivery(1, ['bob@example.test']));
  const [message] = tail().messages;
  const state = tail().stateOf(present(message, 'One message'), queries());
  assert.deepEqual(state, { state: 'missing', recipients: ['ada@example.test'], place: undefined });
});

test('divergent tail: a delivery so old that its id may have been forgotten: is left where it is', async () => {
  const { lost, won, tail, queries } = await parting();
  for (const [id, ageMs] of [
    [1, RETURN_WITHIN_MS + 1],
    [2, RETURN_WITHIN_MS],
  ] as const)
    await lost.store.deliver(newDelivery(id, ['ada@example.test'], { acceptedMs: NOW_MS - ageMs }));
  await won.store.deliver(newDelivery(3, ['ada@example.test'], { acceptedMs: NOW_MS }));
  assert.deepEqual(statesOf(tail(), queries()), ['too-old', 'missing']);
});

test('divergent tail: what a session added: is there when the same bytes are in the same folder', async () => {
  const { lost, won, tail, queries } = await parting();
  await lost.store.append(inboxOf(lost), [newMessage('draft'), newMessage('letter')]);
  await won.store.append(inboxOf(won), [newMessage('letter')]);
  assert.deepEqual(statesOf(tail(), queries()), ['missing', 'there']);
  const [message] = tail().messages;
  const state = tail().stateOf(present(message, 'Two messages'), queries());
  const place = { address: 'ada@example.test', folderName: 'INBOX' };
  assert.deepEqual(state, { state: 'missing', recipients: [], place });
});

test('divergent tail: what a session added: comes back once, with flags and date, whoever brings it back, and not to whoever deleted it', async () => {
  const { lost, won, tail, queries } = await parting();
  await won.store.deliver(newDelivery(1, ['ada@example.test'], { acceptedMs: NOW_MS - 5 }));
  await lost.store.append(inboxOf(lost), [newMessage('draft', { flags: FLAG_FLAGGED, keywords: ['work'] })]);
  const [message] = tail().messages;
  const { deliveryId: returnId } = present(message, 'One message');
  const returned = { ...newMessage('draft', { flags: FLAG_FLAGGED, keywords: ['work'] }), returnId };
  assert.equal(await won.store.returnMessage(inboxOf(won), returned), true);
  assert.equal(await won.store.returnMessage(inboxOf(won), returned), false);
  const [row] = won.store.messages(inboxOf(won), 3, 9, 9);
  assert.deepEqual([row?.flags, row?.keywords, row?.internalDateMs], [FLAG_FLAGGED, ['work'], returned.internalDateMs]);
  assert.equal(queries().newestAcceptedMs(), NOW_MS - 5, 'it makes no other delivery older');
  await won.store.expunge(inboxOf(won), UidSet.of([3]));
  assert.deepEqual(statesOf(tail(), queries()), ['there']);
  assert.equal(await won.store.returnMessage(inboxOf(won), returned), false);
});

test('divergent tail: a message that the tail itself removes, also from where it was moved to: does not come back', async () => {
  const { lost, tail, queries } = await parting();
  const { store } = lost;
  const mailbox = present(store.mailboxByAddress('ada@example.test'), 'The mailbox is there');
  const inbox = inboxOf(lost);
  const folder = await store.createFolder(mailbox.id, 'Work');
  const { uids } = await store.append(
    inbox,
    ['one', 'two', 'three', 'four'].map((text) => newMessage(text)),
  );
  const [one = 0, two = 0, three = 0] = uids;
  await store.move(inbox, UidSet.of([one, two]), folder.id);
  const [first = 0] = store.messages(folder.id, 1, 9, 9).map(({ uid }) => uid);
  await store.changeFlags(folder.id, UidSet.of([first]), { operation: 'add', flags: 8, keywords: [] });
  await store.expunge(folder.id, UidSet.of([first]));
  await store.copy(inbox, UidSet.of([three]), folder.id);
  await store.changeFlags(inbox, UidSet.of([three]), { operation: 'add', flags: 8, keywords: [] });
  await store.expunge(inbox, UidSet.of([three]));
  assert.deepEqual(
    statesOf(tail(), queries()),
    ['removed', 'missing', 'missing', 'missing'],
    'of three, a copy is left',
  );
});

test('divergent tail: everything else: is listed in words, with whose it was', async () => {
  const { lost, tail, queries } = await parting();
  const { store } = lost;
  const mailbox = present(store.mailboxByAddress('ada@example.test'), 'The mailbox is there');
  await store.changeFlags(inboxOf(lost), UidSet.of([1]), flagged);
  await store.createFolder(mailbox.id, 'Work');
  await makeMailbox(store, 'new@example.test');
  const found = tail();
  const resolved = queries();
  assert.deepEqual(
    found.changes.map(({ what, mailboxId, folderId }) => [
      what,
      folderId === undefined ? null : (found.placeOf(folderId, resolved)?.folderName ?? null),
      mailboxId === undefined ? null : (found.addressOf(mailboxId, resolved) ?? null),
    ]),
    [
      ['the flags of messages 1 were changed', 'INBOX', null],
      ['folders were created: Work', null, 'ada@example.test'],
      ['mailbox new@example.test was created', null, 'new@example.test'],
    ],
  );
});

test('divergent tail: a window: keeps its part of the messages, with what the rest of the tail did to them, and counts all', async () => {
  const { lost, queries } = await parting();
  const { store, journal } = lost;
  const inbox = inboxOf(lost);
  const { uids } = await store.append(
    inbox,
    ['one', 'two', 'three', 'four'].map((text) => newMessage(text)),
  );
  await store.changeFlags(inbox, UidSet.of([uids[1] ?? 0]), { operation: 'add', flags: 8, keywords: [] });
  await store.expunge(inbox, UidSet.of([uids[1] ?? 0]));
  const tail = new DivergentTail({ first: 1, maxMessages: 2, maxChanges: 1 });
  for (const { lsn, kind, payload } of journal.records.slice(2))
    tail.add({ lsn, fact: decodeFact(kind, payload), signature: SIGNATURE, fileCreatedMs: NOW_MS });
  assert.deepEqual(
    tail.messages.map(({ index }) => index),
    [1, 2],
  );
  assert.deepEqual(statesOf(tail, queries()), ['removed', 'missing']);
  assert.deepEqual([tail.messageCount, tail.changeCount, tail.changes.length], [4, 2, 1]);
});

test('divergent tail: the new history gave the ids of its new mailbox to another one: nobody else gets its mail', async () => {
  const { lost, won, tail, queries } = await parting();
  await makeMailbox(lost.store, 'carol@example.test');
  await makeMailbox(won.store, 'dave@example.test');
  await lost.store.append(inboxOf(lost, 'carol@example.test'), [newMessage('private')]);
  await lost.store.deliver(newDelivery(1, ['carol@example.test']));
  const states = tail().messages.map((message) => tail().stateOf(message, queries()));
  assert.deepEqual(states, [
    { state: 'missing', recipients: [], place: { address: 'carol@example.test', folderName: 'INBOX' } },
    { state: 'missing', recipients: ['carol@example.test'], place: undefined },
  ]);
});

test('divergent tail: a folder that is gone: what was added to it has no place', async () => {
  const { lost, won, tail, queries } = await parting();
  const mailboxOf = ({ store }: World) =>
    present(store.mailboxByAddress('ada@example.test'), 'The mailbox is there').id;
  const archive = present(lost.store.folderByName(mailboxOf(lost), 'Archive'), 'Every mailbox has an archive');
  await lost.store.append(archive.id, [newMessage('kept')]);
  await won.store.deleteFolder(mailboxOf(won), 'Archive');
  assert.deepEqual(statesOf(tail(), queries()), ['placeless']);
});
