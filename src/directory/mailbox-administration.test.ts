import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isProblem } from '../base/problem.ts';
import { FLAG_DELETED } from '../mail/flags.ts';
import { makeMailbox, makeWorld, newMessage } from '../store/testing/store-world.ts';
import { copyMethods, encodeBody } from './copy-protocol.ts';
import { administrationHandlers } from './mailbox-administration.ts';

async function world() {
  const { store, journal } = makeWorld();
  const { mailbox, inbox } = await makeMailbox(store, 'ada@example.test');
  const handlers = administrationHandlers(() => store);
  const ask = async (method: string, body: object): Promise<unknown> =>
    JSON.parse(String(await handlers[method]?.(encodeBody(body), 'node1')));
  return { store, journal, mailbox, inbox, ask };
}

const address = 'ada@example.test';

test('mailbox administration: limits: set for one, set for all, taken back', async () => {
  const { ask, mailbox } = await world();
  await ask(copyMethods.setLimits, { address: null, limits: { storageBytes: 1_000, retentionMs: 0 } });
  await ask(copyMethods.setLimits, { address, limits: { storageBytes: 2_000 } });
  assert.deepEqual(await ask(copyMethods.limits, { address }), {
    retentionMs: null,
    warningBytes: null,
    storageBytes: 2_000,
    messages: null,
  });
  const [listed] = (await ask(copyMethods.listMailboxes, {})) as readonly Record<string, unknown>[];
  const quota = listed?.['quota'] as Record<string, unknown>;
  assert.deepEqual([listed?.['guid'], quota['storageBytes'], quota['retentionMs']], [mailbox.guid, 2_000, 0]);
  await ask(copyMethods.setLimits, { address, limits: { storageBytes: null } });
  const [again] = (await ask(copyMethods.listMailboxes, {})) as readonly { quota: { storageBytes: number } }[];
  assert.equal(again?.quota.storageBytes, 1_000);
});

test('mailbox administration: deleted items: listed with their subjects, brought back one by one and all at once', async () => {
  const { ask, store, inbox } = await world();
  const messages = ['one', 'two', 'three'].map((text) => newMessage(text, { flags: FLAG_DELETED }));
  await store.append(inbox.id, messages);
  await store.expunge(inbox.id);
  const items = (await ask(copyMethods.deletedItems, { address, limit: 2 })) as readonly Record<string, unknown>[];
  assert.deepEqual(
    items.map((item) => [item['subject'], item['folderName']]),
    [
      ['three', 'INBOX'],
      ['two', 'INBOX'],
    ],
  );
  const one = { folderId: inbox.id, uid: 1 };
  assert.deepEqual(await ask(copyMethods.restoreItems, { address, items: [one, one], folderName: 'back' }), {
    restored: 1,
  });
  assert.deepEqual(await ask(copyMethods.restoreItems, { address, items: null, folderName: null }), { restored: 2 });
  assert.equal(store.folderById(inbox.id)?.messageCount, 2);
});

test('mailbox administration: nobody, and questions that cannot be: refused by name', async () => {
  const { ask } = await world();
  const code = (expected: string) => (error: unknown) => isProblem(error, expected);
  await assert.rejects(ask(copyMethods.limits, { address: 'bob@example.test' }), code('MailboxNotFound'));
  await assert.rejects(ask(copyMethods.setLimits, { address, limits: { storageBytes: -1 } }), code('Malformed'));
  await assert.rejects(ask(copyMethods.deletedItems, { address, limit: 1e9 }), code('Malformed'));
  await assert.rejects(
    ask(copyMethods.restoreItems, { address, items: null, folderName: 'a//b' }),
    code('FolderNameInvalid'),
  );
});
