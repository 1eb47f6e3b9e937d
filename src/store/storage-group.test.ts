import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isProblem } from '../base/problem.ts';
import { SeededRandom } from '../base/random.ts';
import { FLAG_DELETED, FLAG_FLAGGED, FLAG_SEEN } from '../mail/flags.ts';
import { UidSet } from '../mail/uid-set.ts';
import { digestApplied } from './digest.ts';
import type { FolderEvent } from './mail-store.ts';
import { StorageGroup } from './storage-group.ts';
import { MemoryJournal } from './testing/memory-journal.ts';
import { makeMailbox, makeWorld, messageBytes, newDelivery, newMessage, rebuild } from './testing/store-world.ts';

const DAY_MS = 86_400_000;
const problem = (code: string) => (error: unknown) => isProblem(error, code);
const seen = { operation: 'add', flags: FLAG_SEEN, keywords: [] } as const;
const deleted = { operation: 'add', flags: FLAG_DELETED, keywords: [] } as const;

test('storage group: a new mailbox: has its folders, subscribed, in one record', async () => {
  const { store, journal } = makeWorld();
  const { mailbox } = await makeMailbox(store, 'Ada@Example.Test');
  const folders = store.folders(mailbox.id);
  assert.deepEqual(
    folders.map(({ name, specialUse, subscribed }) => [name, specialUse, subscribed]),
    [
      ['Archive', '\\Archive', true],
      ['Drafts', '\\Drafts', true],
      ['INBOX', null, true],
      ['Junk', '\\Junk', true],
      ['Sent', '\\Sent', true],
      ['Trash', '\\Trash', true],
    ],
  );
  assert.equal(new Set(folders.map(({ uidValidity }) => uidValidity)).size, folders.length);
  assert.equal(journal.records.length, 1);
  assert.deepEqual(store.mailboxByAddress('ada@example.test'), mailbox);
  assert.equal(store.mailboxByAddress('bob@example.test'), undefined);
  assert.match(mailbox.guid, /^[0-9a-f]{32}$/);
  await assert.rejects(makeMailbox(store, 'ADA@example.test'), problem('MailboxExists'));
});

test('storage group: a credential: is set and cleared', async () => {
  const { store } = makeWorld();
  const { mailbox } = await makeMailbox(store, 'ada@example.test');
  await store.setCredential(mailbox.id, '$argon2id$x');
  assert.equal(store.mailboxById(mailbox.id)?.credential, '$argon2id$x');
  await store.setCredential(mailbox.id, null);
  assert.equal(store.mailboxById(mailbox.id)?.credential, null);
  await assert.rejects(store.setCredential(99, null), problem('MailboxNotFound'));
});

test('delivery: two recipients and a stranger: one body, one record, the stranger refused', async () => {
  const { store, journal, device } = makeWorld();
  const ada = await makeMailbox(store, 'ada@example.test');
  const bob = await makeMailbox(store, 'bob@example.test');
  const before = journal.records.length;
  const delivery = newDelivery(1, ['Ada@example.test', 'eve@example.test', 'bob@example.test', 'ada@EXAMPLE.test']);
  const results = await store.deliver(delivery);
  assert.deepEqual(
    results.map((result) => result.outcome),
    ['delivered', 'refused', 'delivered', 'delivered'],
  );
  assert.equal(results[1]?.outcome === 'refused' && results[1].code, 'MailboxUnknown');
  assert.equal(journal.records.length, before + 1);
  const one = store.message(ada.inbox.id, 1);
  const two = store.message(bob.inbox.id, 1);
  assert.equal(one?.bodyId, two?.bodyId);
  assert.deepEqual(store.uids(ada.inbox.id), [1]);
  assert.deepEqual(store.body(one?.bodyId ?? 0), delivery.bytes);
  assert.equal(store.body(one?.bodyId ?? 0, 6, 8).toString(), 'a@');
  assert.equal(store.structure(one?.bodyId ?? 0).envelope.subject?.toString(), 'delivery 1');
  assert.equal(device.list()[0]?.length, delivery.bytes.length + 20);
  assert.equal(one?.modseq, journal.records.at(-1)?.lsn);
  assert.deepEqual(
    { ...store.folderById(ada.inbox.id) },
    {
      ...ada.inbox,
      uidNext: 2,
      highestModseq: one?.modseq,
      messageCount: 1,
      unseenCount: 1,
      sizeBytes: delivery.bytes.length,
    },
  );
});

test('delivery: the same id again: is a duplicate, also after the mail was removed', async () => {
  const { store, journal } = makeWorld();
  const { inbox } = await makeMailbox(store, 'ada@example.test');
  await store.deliver(newDelivery(1, ['ada@example.test']));
  await store.changeFlags(inbox.id, UidSet.of([1]), deleted);
  await store.expunge(inbox.id);
  const records = journal.records.length;
  for (const shiftMs of [0, DAY_MS, -DAY_MS]) {
    const again = newDelivery(1, ['ada@example.test'], { acceptedMs: 1_700_000_000_000 + shiftMs });
    assert.deepEqual(await store.deliver(again), [{ recipient: 'ada@example.test', outcome: 'duplicate' }]);
  }
  assert.equal(journal.records.length, records);
  const later = newDelivery(1, ['ada@example.test'], { acceptedMs: 1_700_000_000_001 + DAY_MS });
  assert.equal((await store.deliver(later))[0]?.outcome, 'delivered');
  assert.deepEqual(store.uids(inbox.id), [2]);
});

test('delivery: a retry that reaches a mailbox made meanwhile: delivers there and only there', async () => {
  const { store } = makeWorld();
  const ada = await makeMailbox(store, 'ada@example.test');
  const both = newDelivery(1, ['ada@example.test', 'bob@example.test']);
  await store.deliver(both);
  const bob = await makeMailbox(store, 'bob@example.test');
  assert.deepEqual(
    (await store.deliver(both)).map(({ outcome }) => outcome),
    ['duplicate', 'delivered'],
  );
  assert.deepEqual(
    (await store.deliver(both)).map(({ outcome }) => outcome),
    ['duplicate', 'duplicate'],
  );
  assert.deepEqual([store.uids(ada.inbox.id), store.uids(bob.inbox.id)], [[1], [1]]);
});

test('delivery: ids older than eight days: are forgotten by the deliveries that follow', async () => {
  const { store, database } = makeWorld();
  await makeMailbox(store, 'ada@example.test');
  const known = () => database.connection.prepare('SELECT count(*) AS n FROM delivery').get()?.['n'];
  for (let id = 1; id <= 20; id++) await store.deliver(newDelivery(id, ['ada@example.test']));
  const later = 1_700_000_000_000 + 8 * DAY_MS;
  await store.deliver(newDelivery(21, ['ada@example.test'], { acceptedMs: later }));
  assert.equal(known(), 21);
  for (let id = 22; id <= 24; id++)
    await store.deliver(newDelivery(id, ['ada@example.test'], { acceptedMs: later + 1 }));
  assert.equal(known(), 4);
});

test('delivery: a message above the limit: is refused for everyone', async () => {
  const { store } = makeWorld();
  await makeMailbox(store, 'ada@example.test');
  const bytes = Buffer.alloc(50 * 1024 * 1024 + 1);
  const [result] = await store.deliver(newDelivery(1, ['ada@example.test'], { bytes }));
  assert.equal(result?.outcome === 'refused' && result.code, 'MessageTooLarge');
});

test('folders: a deep name: is made with its parents, in the normal form', async () => {
  const { store } = makeWorld();
  const { mailbox } = await makeMailbox(store, 'ada@example.test');
  const folder = await store.createFolder(mailbox.id, 'Work/Cafe\u0301/2024');
  assert.equal(folder.name, 'Work/Café/2024');
  assert.ok(store.folderByName(mailbox.id, 'Work'));
  assert.ok(store.folderByName(mailbox.id, 'Work/Café'));
  assert.equal(folder.subscribed, false);
  await assert.rejects(store.createFolder(mailbox.id, 'Work'), problem('FolderExists'));
  await assert.rejects(store.createFolder(mailbox.id, 'inbox'), problem('FolderExists'));
  await assert.rejects(store.createFolder(mailbox.id, 'a//b'), problem('FolderNameInvalid'));
  await assert.rejects(store.createFolder(99, 'x'), problem('MailboxNotFound'));
});

test('folders: a folder made again under its old name: has another UIDVALIDITY', async () => {
  const { store } = makeWorld();
  const { mailbox } = await makeMailbox(store, 'ada@example.test');
  const first = await store.createFolder(mailbox.id, 'x');
  await store.deleteFolder(mailbox.id, 'x');
  const second = await store.createFolder(mailbox.id, 'x');
  assert.ok(second.uidValidity > first.uidValidity);
  assert.notEqual(second.id, first.id);
});

test('folders: rename: takes the children, the subscription and the ids along', async () => {
  const { store } = makeWorld();
  const { mailbox } = await makeMailbox(store, 'ada@example.test');
  const parent = await store.createFolder(mailbox.id, 'a');
  const child = await store.createFolder(mailbox.id, 'a/b/c');
  await store.setSubscribed(mailbox.id, 'a/b/c', true);
  await store.renameFolder(mailbox.id, 'a', 'new/place');
  assert.equal(store.folderById(parent.id)?.name, 'new/place');
  assert.equal(store.folderById(child.id)?.name, 'new/place/b/c');
  assert.equal(store.folderById(child.id)?.subscribed, true);
  assert.ok(store.folderByName(mailbox.id, 'new'));
  assert.equal(store.folderByName(mailbox.id, 'a'), undefined);
  await assert.rejects(store.renameFolder(mailbox.id, 'a', 'z'), problem('FolderNotFound'));
  await assert.rejects(store.renameFolder(mailbox.id, 'new', 'Sent'), problem('FolderExists'));
  await assert.rejects(store.renameFolder(mailbox.id, 'new', 'new/place/deeper'), problem('FolderNameInvalid'));
});

test('folders: rename of INBOX: moves its messages to a new folder and leaves it empty', async () => {
  const { store } = makeWorld();
  const { mailbox, inbox } = await makeMailbox(store, 'ada@example.test');
  await store.createFolder(mailbox.id, 'INBOX/child');
  await store.append(inbox.id, [newMessage('one'), newMessage('two', { flags: FLAG_SEEN })]);
  await store.renameFolder(mailbox.id, 'Inbox', 'old/mail');
  const target = store.folderByName(mailbox.id, 'old/mail');
  assert.deepEqual(store.uids(target?.id ?? 0), [1, 2]);
  assert.deepEqual(store.uids(inbox.id), []);
  assert.equal(store.folderById(inbox.id)?.uidNext, 3);
  assert.ok(store.folderByName(mailbox.id, 'INBOX/child'));
});

test('folders: delete: not INBOX, not with children; messages and bodies go, the subscription stays', async () => {
  const { store, database } = makeWorld();
  const { mailbox, inbox } = await makeMailbox(store, 'ada@example.test');
  await store.settings.setLimits(mailbox.id, { retentionMs: 0 });
  const folder = await store.createFolder(mailbox.id, 'a');
  await store.createFolder(mailbox.id, 'a/b');
  await store.setSubscribed(mailbox.id, 'a', true);
  await store.append(folder.id, [newMessage('one')]);
  await store.copy(folder.id, UidSet.of([1]), folder.id);
  await store.copy(folder.id, UidSet.of([1]), inbox.id);
  await store.append(folder.id, [newMessage('two')]);
  await assert.rejects(store.deleteFolder(mailbox.id, 'INBOX'), problem('FolderNameInvalid'));
  await assert.rejects(store.deleteFolder(mailbox.id, 'a'), problem('FolderNotEmpty'));
  await store.deleteFolder(mailbox.id, 'a/b');
  await store.deleteFolder(mailbox.id, 'a');
  assert.equal(store.folderById(folder.id), undefined);
  assert.ok(store.subscriptions(mailbox.id).includes('a'));
  const bodies = database.connection.prepare('SELECT references_count FROM body').all();
  assert.deepEqual(
    bodies.map((row) => row['references_count']),
    [1],
  );
  await assert.rejects(store.append(folder.id, [newMessage('x')]), problem('FolderNotFound'));
});

test('append: several messages: get the next UIDs in one record, with flags, keywords and dates', async () => {
  const { store, journal } = makeWorld();
  const { inbox } = await makeMailbox(store, 'ada@example.test');
  const records = journal.records.length;
  const given = await store.append(inbox.id, [
    newMessage('one', { internalDateMs: -5 }),
    newMessage('two', { flags: FLAG_SEEN, keywords: ['b', 'a', 'B'] }),
  ]);
  assert.deepEqual(given, { uidValidity: inbox.uidValidity, uids: [1, 2] });
  assert.equal(journal.records.length, records + 1);
  const [one, two] = store.messages(inbox.id, 1, 9, 9);
  assert.equal(one?.internalDateMs, -5);
  assert.deepEqual([two?.flags, two?.keywords], [FLAG_SEEN, ['a', 'b']]);
  assert.deepEqual(store.body(two?.bodyId ?? 0), messageBytes('two'));
  assert.equal(store.folderById(inbox.id)?.unseenCount, 1);
});

test('flags: add, remove, replace: record what differs and return every row', async () => {
  const { store, journal } = makeWorld();
  const { inbox } = await makeMailbox(store, 'ada@example.test');
  await store.append(inbox.id, [newMessage('1'), newMessage('2', { flags: FLAG_SEEN }), newMessage('3')]);
  const all = new UidSet().add(1, 99);
  const rows = await store.changeFlags(inbox.id, all, seen);
  assert.deepEqual(
    rows.map(({ uid, flags }) => [uid, flags]),
    [
      [1, 1],
      [2, 1],
      [3, 1],
    ],
  );
  const lsn = journal.records.at(-1)?.lsn;
  assert.deepEqual(
    rows.map(({ modseq }) => modseq === lsn),
    [true, false, true],
  );
  assert.equal(store.folderById(inbox.id)?.unseenCount, 0);
  const records = journal.records.length;
  await store.changeFlags(inbox.id, all, seen);
  assert.equal(journal.records.length, records);
  await store.changeFlags(inbox.id, UidSet.of([2]), { operation: 'add', flags: 0, keywords: ['$Work', 'x'] });
  await store.changeFlags(inbox.id, all, { operation: 'remove', flags: FLAG_SEEN, keywords: ['$WORK'] });
  assert.deepEqual(store.message(inbox.id, 2)?.keywords, ['x']);
  await store.changeFlags(inbox.id, all, { operation: 'replace', flags: FLAG_FLAGGED, keywords: [] });
  assert.deepEqual(
    store.messages(inbox.id, 1, 9, 9).map(({ flags, keywords }) => [flags, keywords]),
    [
      [4, []],
      [4, []],
      [4, []],
    ],
  );
});

test('flags: a long change: is cut into slices that other sessions come between', async () => {
  const { store, journal } = makeWorld();
  const { inbox } = await makeMailbox(store, 'ada@example.test');
  const structure = newMessage('x').structure;
  const bytes = Buffer.from('x');
  const messages = Array.from({ length: 4_500 }, () => ({
    bytes,
    structure,
    flags: 0,
    keywords: [],
    internalDateMs: 0,
  }));
  await store.append(inbox.id, messages);
  const records = journal.records.length;
  const long = store.changeFlags(inbox.id, new UidSet().add(1, 5_000), deleted);
  await store.changeFlags(inbox.id, UidSet.of([4_400]), { operation: 'add', flags: 0, keywords: ['x'] });
  assert.equal((await long).length, 4_500);
  assert.equal(journal.records.length, records + 10);
  assert.equal((await store.expunge(inbox.id)).length, 4_500);
  assert.equal(store.folderById(inbox.id)?.messageCount, 0);
});

test('copy and move: messages keep everything but their UIDs; bodies are shared', async () => {
  const { store, database } = makeWorld();
  const { mailbox, inbox } = await makeMailbox(store, 'ada@example.test');
  const target = await store.createFolder(mailbox.id, 'a');
  await store.append(inbox.id, [
    newMessage('1', { keywords: ['k'] }),
    newMessage('2'),
    newMessage('3', { flags: FLAG_SEEN }),
  ]);
  const copied = await store.copy(inbox.id, UidSet.of([1, 3, 7]), target.id);
  assert.deepEqual(copied, { uidValidity: target.uidValidity, sourceUids: [1, 3], targetUids: [1, 2] });
  assert.equal(store.message(target.id, 2)?.bodyId, store.message(inbox.id, 3)?.bodyId);
  const moved = await store.move(inbox.id, UidSet.of([1, 2]), target.id);
  assert.deepEqual(moved.targetUids, [3, 4]);
  assert.deepEqual(store.uids(inbox.id), [3]);
  assert.deepEqual(store.message(target.id, 3)?.keywords, ['k']);
  assert.deepEqual(await store.copy(inbox.id, UidSet.of([50]), target.id), {
    uidValidity: target.uidValidity,
    sourceUids: [],
    targetUids: [],
  });
  const counts = database.connection.prepare('SELECT references_count AS n FROM body ORDER BY id').all();
  assert.deepEqual(
    counts.map((row) => row['n']),
    [2, 1, 2],
  );
  const within = await store.move(target.id, UidSet.of([1]), target.id);
  assert.deepEqual(within.targetUids, [5]);
  assert.deepEqual(store.uids(target.id), [2, 3, 4, 5]);
});

test('expunge: removes what is marked, of the given UIDs only, and forgets bodies that nobody has', async () => {
  const { store, database } = makeWorld();
  const { mailbox, inbox } = await makeMailbox(store, 'ada@example.test');
  await store.settings.setLimits(mailbox.id, { retentionMs: 0 });
  await store.append(inbox.id, [newMessage('1'), newMessage('2'), newMessage('3'), newMessage('4')]);
  await store.changeFlags(inbox.id, UidSet.of([1, 2, 4]), deleted);
  const gone = store.message(inbox.id, 2)?.bodyId ?? 0;
  assert.deepEqual(await store.expunge(inbox.id, UidSet.of([2, 3])), [2]);
  assert.deepEqual(await store.expunge(inbox.id), [1, 4]);
  assert.deepEqual(await store.expunge(inbox.id), []);
  assert.deepEqual(store.uids(inbox.id), [3]);
  assert.throws(() => store.body(gone), problem('BodyNotFound'));
  assert.throws(() => store.structure(gone), problem('BodyNotFound'));
  assert.equal(database.connection.prepare('SELECT count(*) AS n FROM tombstone').get()?.['n'], 3);
});

test('expunge: many removals one by one: the folder remembers a bounded number of them', async () => {
  const { store, database } = makeWorld();
  const { inbox } = await makeMailbox(store, 'ada@example.test');
  const messages = Array.from({ length: 2_100 }, () => newMessage('x'));
  await store.append(inbox.id, messages);
  await store.changeFlags(inbox.id, new UidSet().add(1, 9_999), deleted);
  for (let uid = 1; uid <= 2_100; uid++) await store.expunge(inbox.id, UidSet.of([uid]));
  const kept = database.connection.prepare('SELECT count(*) AS n, min(modseq) AS oldest FROM tombstone').get();
  const folder = database.connection
    .prepare('SELECT tombstone_runs AS runs, tombstone_floor AS floor FROM folder WHERE id = ?')
    .get(inbox.id);
  assert.ok(Number(kept?.['n']) <= 2_000 && Number(kept?.['n']) >= 1_000);
  assert.equal(folder?.['runs'], kept?.['n']);
  assert.equal(folder?.['floor'], Number(kept?.['oldest']) - 1);
});

test('listeners: hear what happened in their folder, in log order, until they leave', async () => {
  const { store, journal } = makeWorld();
  const { mailbox, inbox } = await makeMailbox(store, 'ada@example.test');
  const folder = await store.createFolder(mailbox.id, 'a');
  const heard: FolderEvent[] = [];
  const leave = store.listen(inbox.id, (event) => heard.push(event));
  store.listen(inbox.id, () => {
    throw new Error('a session that fails');
  });
  store.listen(folder.id, (event) => heard.push(event));
  await store.append(inbox.id, [newMessage('1'), newMessage('2')]);
  await store.changeFlags(inbox.id, UidSet.of([2]), seen);
  await store.move(inbox.id, UidSet.of([1]), folder.id);
  await store.renameFolder(mailbox.id, 'a', 'b');
  await store.deleteFolder(mailbox.id, 'b');
  leave();
  await store.append(inbox.id, [newMessage('3')]);
  assert.deepEqual(
    heard.map((event) => [event.type, event.folderId, 'uids' in event ? event.uids : null]),
    [
      ['added', inbox.id, [1, 2]],
      ['flags', inbox.id, [2]],
      ['added', folder.id, [1]],
      ['expunged', inbox.id, [1]],
      ['renamed', folder.id, null],
      ['expunged', folder.id, [1]],
      ['deleted', folder.id, null],
    ],
  );
  const lsns = journal.records.map(({ lsn }) => lsn);
  assert.ok(heard.every(({ lsn }) => lsns.includes(lsn)));
});

test('the commit rule: settled waits for the journal, changes do not', async () => {
  const journal = new MemoryJournal({ commitsAtOnce: false });
  const { store } = makeWorld({ journal });
  const { inbox } = await makeMailbox(store, 'ada@example.test');
  await store.append(inbox.id, [newMessage('1')]);
  let isSettled = false;
  const settled = store.settled().then(() => {
    isSettled = true;
  });
  await turns();
  assert.equal(isSettled, false);
  journal.commit();
  await settled;
  await store.append(inbox.id, [newMessage('2')]);
  const lost = assert.rejects(store.settled(), problem('NotActive'));
  journal.depose();
  await lost;
  await assert.rejects(store.append(inbox.id, [newMessage('3')]), problem('NotActive'));
});

test('the gate: a change asked for while the database commits: waits, and is not in that commit', async () => {
  const journal = new MemoryJournal({ commitsAtOnce: false });
  const { store, database } = makeWorld({ journal });
  const { inbox } = await makeMailbox(store, 'ada@example.test');
  const committing = store.commitDatabase();
  await turns();
  let isAppended = false;
  const appended = store.append(inbox.id, [newMessage('1')]).then(() => {
    isAppended = true;
  });
  await turns();
  assert.equal(isAppended, false);
  assert.equal(journal.records.length, 1);
  journal.commit();
  assert.equal(await committing, journal.records[0]?.lsn);
  await appended;
  assert.equal(journal.records.length, 2);
  assert.equal(database.committedLsn, journal.records[0]?.lsn);
});

test('a journal that is busy: the change is refused, nothing was done, and later it works', async () => {
  const { store, journal, database } = makeWorld();
  const { mailbox, inbox } = await makeMailbox(store, 'ada@example.test');
  const before = digestApplied(database);
  journal.isBusy = true;
  await assert.rejects(store.append(inbox.id, [newMessage('1')]), problem('LogBusy'));
  await assert.rejects(store.renameFolder(mailbox.id, 'INBOX', 'a/b'), problem('LogBusy'));
  assert.deepEqual(digestApplied(database), before);
  journal.isBusy = false;
  await store.append(inbox.id, [newMessage('1')]);
});

test('a journal that breaks its promise: the storage group refuses everything from then on', async () => {
  const { database, packs, clock } = makeWorld();
  class BrokenJournal extends MemoryJournal {
    override append(): number {
      throw new Error('broken');
    }
  }
  const store = new StorageGroup({ database, packs, clock, journal: new BrokenJournal(), random: new SeededRandom(1) });
  await assert.rejects(makeMailbox(store, 'ada@example.test'), /broken/);
  await assert.rejects(makeMailbox(store, 'bob@example.test'), problem('NotActive'));
  await assert.rejects(store.settled(), problem('NotActive'));
  await assert.rejects(store.commitDatabase(), problem('NotActive'));
});

test('a storage group that is stopped: waiting changes end without being done', async () => {
  const journal = new MemoryJournal({ commitsAtOnce: false });
  const { store } = makeWorld({ journal });
  const { inbox } = await makeMailbox(store, 'ada@example.test');
  const committing = assert.rejects(store.commitDatabase(), problem('NotActive'));
  await turns();
  const waiting = assert.rejects(store.append(inbox.id, [newMessage('1')]), problem('NotActive'));
  store.stop('a test');
  journal.depose();
  await Promise.all([committing, waiting]);
  assert.equal(journal.records.length, 1);
});

test('a damaged body: is an error, never other bytes', async () => {
  const { store, device } = makeWorld();
  const { inbox } = await makeMailbox(store, 'ada@example.test');
  await store.append(inbox.id, [newMessage('1')]);
  device.damage(1, 30);
  assert.throws(() => store.body(store.message(inbox.id, 1)?.bodyId ?? 0), problem('BodyDamaged'));
});

test('a rebuild from the log: has the same digest', async () => {
  const world = makeWorld();
  const { store } = world;
  const { mailbox, inbox } = await makeMailbox(store, 'ada@example.test');
  await store.deliver(newDelivery(1, ['ada@example.test']));
  await store.append(inbox.id, [newMessage('\ud800 lone surrogate', { keywords: ['k'] })]);
  await store.renameFolder(mailbox.id, 'INBOX', 'a/b');
  assert.equal(rebuild(world).digest, digestApplied(world.database).sha256);
});

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
