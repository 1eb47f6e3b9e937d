/**
 * A copy whose disk is gone: seeded anew from the active one while that serves, and then alone with everything. Killing
 * the old active node afterwards leaves nothing else to read from.
 */
import assert from 'node:assert/strict';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AdminClient, findCluster } from '../../src/main/admin-client.ts';
import { Demo, otherNode, STORAGE_GROUP } from '../support/demo.ts';
import { fullCheck } from '../support/full-check.ts';
import { faultsOf } from '../support/history-check.ts';
import { Load } from '../support/load.ts';
import { waitFor } from '../support/wait.ts';

const SEED = 1;
/** Enough for the copy to be more than its first log file. */
const MESSAGES_BEFORE = 300;
const LIMIT_MS = 240_000;
/** Slow enough to be killed in the middle. */
const SLOW_BYTES_PER_SECOND = 400_000;
const KILLED_AT_PERCENT = 40;

/** Suspends the copy on `host` and takes all its files away; returns its folder. */
async function withoutFiles(demo: Demo, host: string): Promise<string> {
  await demo.cmdlet('Suspend-StorageGroupCopy', { Identity: STORAGE_GROUP, SuspendComment: 'its disk is replaced' });
  await demo.waitForStatus('Suspended');
  await demo.stopHost(host);
  const copy = join(demo.hostFolder(host), 'copies', 'First Storage Group');
  for (const name of readdirSync(copy)) rmSync(join(copy, name), { recursive: true });
  await demo.startHost(host);
  await demo.waitForStatus('Suspended');
  return copy;
}

test('seed: the files of the passive copy are destroyed: a seed makes it whole', { timeout: LIMIT_MS }, async (t) => {
  const demo = await Demo.start({ users: 4 });
  t.after(() => demo.stop());
  const active = await demo.waitUntilHealthy();
  const passive = otherNode(active);
  const load = new Load(demo, SEED);
  t.after(() => load.end());
  load.start();
  await waitFor('mail has come in', 60_000, () =>
    Promise.resolve(load.history.messages.length >= MESSAGES_BEFORE ? true : undefined),
  );

  const copy = await withoutFiles(demo, passive);

  await demo.cmdlet('Update-StorageGroupCopy', { Identity: STORAGE_GROUP, DeleteExistingFiles: true });
  await demo.waitUntilHealthy();
  assert.equal(await demo.activeNode(), active, 'the active node served all the time');
  assert.ok(readdirSync(join(copy, 'packs')).length > 0, 'the bodies are there again');

  await demo.kill(active);
  assert.equal(await demo.waitForActive(), passive, 'the seeded copy took over');
  await load.hold();
  const verdict = await fullCheck(load.imap, load.users, load.history);
  assert.deepEqual(faultsOf(verdict).slice(0, 20), []);
  assert.deepEqual(load.violations, []);
  assert.ok(verdict.acknowledged >= MESSAGES_BEFORE);
  console.log(`# ${verdict.acknowledged} acknowledged messages are on the seeded copy`);
});

test('seed: its target is killed in the middle, under load: ordered again over the other network it goes on from there', {
  timeout: LIMIT_MS,
}, async (t) => {
  const demo = await Demo.start({ users: 4 });
  t.after(() => demo.stop());
  const active = await demo.waitUntilHealthy();
  const passive = otherNode(active);
  const load = new Load(demo, SEED);
  t.after(() => load.end());
  load.start();
  await waitFor('mail has come in', 60_000, () =>
    Promise.resolve(load.history.messages.length >= MESSAGES_BEFORE ? true : undefined),
  );
  const order = { Identity: STORAGE_GROUP, DeleteExistingFiles: true };
  const copy = await withoutFiles(demo, passive);
  const interrupted = demo.cmdlet('Update-StorageGroupCopy', { ...order, MaxBytesPerSecond: SLOW_BYTES_PER_SECOND });
  const ended = assert.rejects(interrupted);
  await waitFor('the seed is under way', 60_000, async () => {
    const percent = (await demo.copyStatus())['SeedingPercent'];
    return typeof percent === 'number' && percent >= KILLED_AT_PERCENT ? true : undefined;
  });
  await demo.kill(passive);
  await ended;
  const gathered = statSync(join(copy, 'seeding', 'database.sqlite')).size;
  assert.ok(gathered > 0, 'what came is kept');
  await demo.startHost(passive);
  await demo.waitForStatus('Suspended');

  const lines: string[] = [];
  const client = new AdminClient(findCluster(demo.folder), (line) => lines.push(line));
  const overPublic = { ...order, DataHostNames: [`${passive}/Public`] };
  await client.run({ command: 'Update-StorageGroupCopy', parameters: overPublic });
  await demo.waitUntilHealthy();
  const [, total] = /% of ([\d.]+) MiB/.exec(lines.join('\n')) ?? [];
  const [, fetched] = /([\d.]+) MiB came over the network/.exec(lines.join('\n')) ?? [];
  console.log(`# ${fetched} of ${total} MiB were sent again`);
  assert.ok(Number(fetched) < Number(total), lines.join('\n'));
  assert.ok(lines.includes('the seed takes the network Public'), lines.join('\n'));
  await load.hold();
  assert.deepEqual(load.violations, []);
});
