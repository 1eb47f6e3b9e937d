/**
 * Three nodes with a copy each, whose own votes are the majority; and three nodes on one quorum disk. The active node is
 * killed under load, copies and nodes come and go under load, and nothing that was acknowledged is missing.
 */
import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Demo, type DemoStart, NODES, otherNode, STORAGE_GROUP } from '../support/demo.ts';
import { fullCheck } from '../support/full-check.ts';
import { faultsOf } from '../support/history-check.ts';
import { Load } from '../support/load.ts';
import { waitFor } from '../support/wait.ts';

const SEED = 1;
const LIMIT_MS = 90_000;
const HEAL_MS = 30_000;
const THREE = 3;
const MESSAGES = 100;

/** Some more mail is acknowledged from now on. */
function someMail(load: Load): Promise<boolean> {
  const before = load.history.messages.length;
  return waitFor('mail comes in', HEAL_MS, () =>
    Promise.resolve(load.history.messages.length >= before + MESSAGES ? true : undefined),
  );
}

async function votesOf(demo: Demo): Promise<readonly unknown[]> {
  return (await demo.cmdlet('Get-ClusterQuorum')).map((row) => row['Name']);
}

/** By what it said last. */
function lastCopyProcess(log: string): number {
  const lines = log.split('\n').filter((line) => line.includes('"role":"copy"'));
  return (JSON.parse(lines.at(-1) ?? '') as { pid: number }).pid;
}

async function assertNothingLost(load: Load): Promise<void> {
  await load.hold();
  const verdict = await fullCheck(load.imap, load.users, load.history);
  assert.deepEqual(faultsOf(verdict).slice(0, 20), []);
  assert.deepEqual(load.violations, []);
  console.log(`# ${verdict.acknowledged} acknowledged messages are all there`);
}

/** Every copy is Healthy, `first` is active, and mail comes in. */
async function demoUnderLoad(t: TestContext, start: DemoStart): Promise<{ demo: Demo; first: string; load: Load }> {
  const demo = await Demo.start(start);
  t.after(() => demo.stop());
  const first = await demo.waitUntilHealthy(HEAL_MS, start.nodes);
  const load = new Load(demo, SEED);
  t.after(() => load.end());
  load.start();
  await someMail(load);
  return { demo, first, load };
}

test('three nodes: the active one is killed, a copy is removed and made again, all under load: nothing is lost', {
  timeout: LIMIT_MS,
}, async (t) => {
  const { demo, first, load } = await demoUnderLoad(t, { users: 4, nodes: THREE });

  await demo.kill(first);
  const second = await demo.waitForActive(HEAL_MS);
  assert.notEqual(second, first);
  await someMail(load);
  await demo.startHost(first);
  await demo.waitUntilHealthy(HEAL_MS, THREE);

  const copy = { Identity: STORAGE_GROUP, StandbyMachine: first };
  const folder = join(demo.hostFolder(first), 'copies', 'First Storage Group');
  await demo.cmdlet('Disable-StorageGroupCopy', copy);
  assert.equal((await demo.copies()).includes(first), false);
  await someMail(load);
  assert.ok(readdirSync(folder).includes('database.sqlite'), 'its files are left alone');
  await demo.cmdlet('Enable-StorageGroupCopy', copy);
  await demo.waitUntilHealthy(HEAL_MS, THREE);
  assert.equal((await demo.copies()).includes(first), true);

  // The process of the copy takes its time to end, and is not what the new copy is made by.
  const before = demo.hostLog(first);
  process.kill(lastCopyProcess(before), 'SIGSTOP');
  await demo.cmdlet('Disable-StorageGroupCopy', copy);
  await waitFor('its process is to end', HEAL_MS, () =>
    Promise.resolve(demo.hostLog(first).includes('its process is ended', before.length) ? true : undefined),
  );
  await demo.cmdlet('Enable-StorageGroupCopy', copy);
  await demo.waitUntilHealthy(HEAL_MS, THREE);

  await demo.cmdlet('Move-ClusteredMailboxServer', { Identity: 'mbx01', TargetMachine: first, MoveComment: 'a try' });
  assert.equal(await demo.waitForActive(HEAL_MS), first);
  await assertNothingLost(load);
});

test('three nodes: a third one is added, the first one dies with its disk, is evicted and comes back with an empty one, all under load: nothing is lost', {
  timeout: LIMIT_MS,
}, async (t) => {
  const { demo, first, load } = await demoUnderLoad(t, { users: 4 });
  const third = 'mbx01-node3';
  await demo.cmdlet('Add-ClusterNode', await demo.addHost(third));
  assert.deepEqual(await votesOf(demo), [...NODES, third]);
  await demo.cmdlet('Enable-StorageGroupCopy', { Identity: STORAGE_GROUP, StandbyMachine: third });
  await demo.waitUntilHealthy(HEAL_MS, THREE);

  await demo.kill(first);
  rmSync(demo.hostFolder(first), { recursive: true });
  const second = await demo.waitForActive(HEAL_MS);
  await demo.cmdlet('Remove-ClusterNode', { Identity: first });
  assert.deepEqual(await votesOf(demo), [otherNode(first), third, 'witness']);
  assert.equal((await demo.copies()).includes(first), false);
  await someMail(load);

  await demo.cmdlet('Add-ClusterNode', await demo.addHost(first));
  await demo.cmdlet('Enable-StorageGroupCopy', { Identity: STORAGE_GROUP, StandbyMachine: first });
  await demo.waitUntilHealthy(HEAL_MS, THREE);
  await demo.kill(second);
  assert.notEqual(await demo.waitForActive(HEAL_MS), second);
  await someMail(load);
  await assertNothingLost(load);
});

test('three nodes on a quorum disk: two of them die: the third serves, because the disk is the only vote', {
  timeout: LIMIT_MS,
}, async (t) => {
  const { demo, first, load } = await demoUnderLoad(t, { users: 4, nodes: THREE, witness: 'disk' });
  await demo.kill(first);
  const second = await demo.waitForActive(HEAL_MS);
  const [last = ''] = (await demo.copies()).map(String).filter((host) => host !== first && host !== second);
  await demo.waitUntilInSync(last, HEAL_MS);
  await someMail(load);
  await demo.kill(second);
  assert.equal(await demo.waitForActive(HEAL_MS), last);
  await someMail(load);
  await assertNothingLost(load);
});
