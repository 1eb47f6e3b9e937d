/**
 * One mailbox brought back into the running system: its owner threw mail away, moved some and got some more since the
 * backup. What is missing comes back and nothing twice, also when the active host is killed in the middle; and the
 * mailbox as it was at an earlier point comes into a folder beside.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Demo, NODES, STORAGE_GROUP } from '../support/demo.ts';
import { appendNumbers, keepLogForBackups, numbersIn, range, signIn } from '../support/numbered-mail.ts';
import { waitFor } from '../support/wait.ts';

const LIMIT_MS = 240_000;
const IN_FULL = 40;
const IN_INCREMENTAL = 20;
/** Bodies of this size make several batches. */
const BODY_BYTES = 100_000;

test('restore: a mailbox comes back into the running system, without duplicates', { timeout: LIMIT_MS }, async (t) => {
  const demo = await Demo.start({ users: 2 });
  t.after(() => demo.stop());
  // Commands are asked of the first node: the other one serves, and dies.
  const [other, active] = NODES;
  if ((await demo.waitUntilHealthy()) !== active) {
    const order = { Identity: 'mbx01', TargetMachine: active, MoveComment: 'for the test' };
    await demo.cmdlet('Move-ClusteredMailboxServer', order);
    assert.equal(await demo.waitUntilHealthy(), active);
  }
  await keepLogForBackups(demo);
  const Path = join(demo.folder, 'backup');
  const Identity = demo.description.users[0]?.address ?? '';
  let client = await signIn(demo);
  t.after(() => client.close());
  await appendNumbers(client, range(1, IN_FULL), BODY_BYTES);
  const [full] = await demo.cmdlet('Backup-StorageGroup', { Identity: STORAGE_GROUP, Path });
  await appendNumbers(client, range(IN_FULL + 1, IN_FULL + IN_INCREMENTAL), BODY_BYTES);
  await demo.cmdlet('Backup-StorageGroup', { Identity: STORAGE_GROUP, Path, Type: 'Incremental' });

  // Ten go to the archive, thirty are gone, five are new.
  await client.ok('SELECT INBOX');
  await client.ok('UID MOVE 1:10 Archive');
  await client.ok('UID STORE 21:50 +FLAGS.SILENT (\\Deleted)');
  await client.ok('EXPUNGE');
  const total = IN_FULL + IN_INCREMENTAL;
  await appendNumbers(client, range(total + 1, total + 5), BODY_BYTES);

  const [whatIf] = await demo.cmdlet('Get-Mailbox', { Identity });
  assert.equal(whatIf?.['ItemCount'], 35);
  const order = demo.cmdlet('Restore-Mailbox', { Identity, Path, Server: other });
  await waitFor('some have come back', 60_000, async () => {
    const { untagged } = await client.ok('STATUS INBOX (MESSAGES)');
    return untagged.some(({ text }) => Number(/MESSAGES (\d+)/.exec(text)?.[1]) > 25) ? true : undefined;
  });
  await demo.kill(active);
  const [row] = await order;
  assert.deepEqual([row?.['Restored'], row?.['AlreadyThere']], [30, 30]);
  assert.equal(await demo.waitForActive(), other);
  client.close();
  client = await signIn(demo);
  assert.deepEqual(await numbersIn(client, 'INBOX', BODY_BYTES), range(11, total + 5));
  assert.deepEqual(await numbersIn(client, 'Archive', BODY_BYTES), range(1, 10));

  const [again] = await demo.cmdlet('Restore-Mailbox', { Identity, Path, Server: other });
  assert.deepEqual([again?.['Restored'], again?.['AlreadyThere']], [0, total]);

  await demo.startHost(active);
  await demo.waitUntilHealthy();
  const earlier = { Identity, Path, RestorePoint: String(full?.['LastPosition']), TargetFolder: 'Old mail' };
  const [beside] = await demo.cmdlet('Restore-Mailbox', earlier);
  assert.equal(beside?.['Restored'], IN_FULL);
  assert.deepEqual(await numbersIn(client, 'Old mail/INBOX', BODY_BYTES), range(1, IN_FULL));

  // What came back is on the other copy as well.
  await demo.kill(other);
  assert.equal(await demo.waitForActive(), active);
  client.close();
  client = await signIn(demo);
  assert.deepEqual(await numbersIn(client, 'INBOX', BODY_BYTES), range(11, total + 5));
  assert.deepEqual(await numbersIn(client, 'Old mail/INBOX', BODY_BYTES), range(1, IN_FULL));
  await assert.rejects(demo.cmdlet('Restore-Mailbox', { Identity, Path, SourceMailbox: 'nobody@example.test' }), {
    code: 'MailboxNotFound',
  });
});
