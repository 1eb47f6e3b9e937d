/**
 * Async, on real processes: a copy takes over that lacks what was acknowledged last. When the old active copy is back, so
 * is that mail, each message once and as it was; what else was lost can be read.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Demo, otherNode, STORAGE_GROUP } from '../support/demo.ts';
import { appendNumbers, numbersIn, range, signIn } from '../support/numbered-mail.ts';
import { waitFor } from '../support/wait.ts';

const LIMIT_MS = 180_000;
const BACK_MS = 60_000;
const BODY_BYTES = 20_000;

async function exposed(demo: Demo): Promise<unknown> {
  const [group] = await demo.cmdlet('Get-StorageGroup', { Identity: STORAGE_GROUP });
  return group?.['ExposedChanges'];
}

test('lost mail: async, the active copy dies with mail that the other one has not: it comes back when that disk does', {
  timeout: LIMIT_MS,
}, async (t) => {
  const demo = await Demo.start({ users: 2, mode: 'async' });
  t.after(() => demo.stop());
  await demo.waitForStatus('Healthy');
  const lost = await demo.waitForActive();
  const won = otherNode(lost);
  const client = await signIn(demo);
  await appendNumbers(client, range(1, 5), BODY_BYTES);
  await pause(1_000);
  await waitFor('the other copy has them', BACK_MS, async () => ((await exposed(demo)) === 0 ? true : undefined));

  await demo.kill(won);
  await appendNumbers(client, range(6, 9), BODY_BYTES);
  await client.ok('SELECT INBOX');
  await client.ok('STORE 1 +FLAGS.SILENT (\\Answered)');
  await waitFor('five changes are exposed', BACK_MS, async () => ((await exposed(demo)) === 5 ? true : undefined));
  await demo.kill(lost);
  client.close();
  await demo.startHost(won);
  await waitFor('the other copy leads', BACK_MS, async () => {
    const serves = (await demo.activeNode()) === won;
    if (!serves)
      await demo.cmdlet('Restore-StorageGroupCopy', { Identity: STORAGE_GROUP, Force: true }).catch(() => []);
    return serves ? true : undefined;
  });
  const after = await signIn(demo);
  assert.deepEqual(await numbersIn(after, 'INBOX', BODY_BYTES), range(1, 5));
  await appendNumbers(after, range(10, 11), BODY_BYTES);

  await demo.startHost(lost);
  await demo.waitForStatus('Healthy');
  await waitFor('the mail is back', BACK_MS, async () =>
    (await numbersIn(after, 'INBOX', BODY_BYTES)).length >= 11 ? true : undefined,
  );
  assert.deepEqual(await numbersIn(after, 'INBOX', BODY_BYTES), range(1, 11));
  const rows = await demo.cmdlet('Get-QuarantinedChange', { Identity: STORAGE_GROUP });
  assert.deepEqual(
    rows.map((row) => [row['Server'], row['Type'], row['MailFolder'], row['State']]),
    [...range(6, 9).map(() => [lost, 'MessagesAppended', 'INBOX', 'There']), [lost, 'FlagsChanged', 'INBOX', 'Lost']],
  );
  await waitFor('what was lost is counted', BACK_MS, async () => {
    const [report] = await demo.cmdlet('Get-LossReport', { Identity: STORAGE_GROUP });
    return report?.['QuarantinedMessages'] === 4 && report['QuarantinedChanges'] === 1 ? true : undefined;
  });
  after.close();
});
