/** A witness that is a process of its own, on real processes: what its death costs, and what it is good for. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Demo, otherNode, type Row } from '../support/demo.ts';
import { fullCheck } from '../support/full-check.ts';
import { faultsOf } from '../support/history-check.ts';
import { Load } from '../support/load.ts';
import { waitFor } from '../support/wait.ts';

const SEED = 1;
const WITNESS = 'witness1';
const WATCH_MS = 3_000;
const TAKE_OVER_MS = 20_000;

let demo: Demo;
let load: Load;

before(async () => {
  demo = await Demo.start({ users: 4, witness: 'process' });
  load = new Load(demo, SEED);
  load.start();
});
after(async () => {
  await load?.end();
  await demo?.stop();
});

async function witnessCheck(): Promise<Row | undefined> {
  return (await demo.cmdlet('Test-ReplicationHealth')).find((row) => row['Check'] === 'WitnessQuorum');
}

test('witness process: kill -9: no client notices, the health test names it; started again, its vote counts', async () => {
  const active = await demo.waitUntilHealthy();
  const goneMs = performance.now();
  await demo.kill(WITNESS);
  await pause(WATCH_MS);
  assert.match(String((await witnessCheck())?.['Error']), /^witness1: /);
  await demo.startHost(WITNESS);
  const backMs = performance.now();
  for (const probe of [load.session, load.delivery]) {
    assert.equal(probe.failedBetween(goneMs, backMs), 0, `${probe.name}: no client notices`);
    assert.ok(probe.servedBetween(goneMs, backMs) > 0, `${probe.name}: clients are served`);
  }
  assert.equal(await demo.activeNode(), active);
  await waitFor('its vote counts', TAKE_OVER_MS, async () =>
    (await witnessCheck())?.['Error'] === null ? true : undefined,
  );
});

test('witness process: the active node dies: the other one takes over with its vote', async () => {
  const active = await demo.waitUntilHealthy();
  const killedMs = performance.now();
  await demo.kill(active);
  await waitFor('clients are served', TAKE_OVER_MS, () => Promise.resolve(load.session.firstServedAfter(killedMs)));
  assert.equal(await demo.waitForActive(), otherNode(active));
  await demo.startHost(active);
  await demo.waitUntilHealthy();
});

test('witness process: it is gone for good: a share takes its place while everything runs, and a failover goes with it', async () => {
  const active = await demo.waitUntilHealthy();
  await demo.kill(WITNESS);
  const share = join(demo.folder, 'new-witness');
  mkdirSync(share);
  const askedMs = performance.now();
  await demo.cmdlet('Set-ClusterQuorum', { WitnessShare: share });
  const votes = await demo.cmdlet('Get-ClusterQuorum');
  assert.deepEqual(
    votes.map((row) => [row['Kind'], row['Votes']]),
    [
      ['Node', true],
      ['Node', true],
      ['FileShareWitness', true],
    ],
  );
  assert.equal(load.session.failedBetween(askedMs, performance.now()), 0, 'no client notices');
  const killedMs = performance.now();
  await demo.kill(active);
  await waitFor('clients are served', TAKE_OVER_MS, () => Promise.resolve(load.session.firstServedAfter(killedMs)));
  await demo.startHost(active);
  await demo.waitUntilHealthy();
});

test('witness process: at the end: nothing that was acknowledged is missing', async () => {
  await load.hold();
  const verdict = await fullCheck(load.imap, load.users, load.history);
  assert.deepEqual(faultsOf(verdict).slice(0, 20), []);
  assert.deepEqual(load.violations, []);
});
