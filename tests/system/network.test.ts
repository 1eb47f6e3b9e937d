/**
 * Two networks between the nodes, and the preferred one is cut under load: replication changes over to the other, nobody
 * takes over, and no client sees more than a short wait. When it is back replication returns to it by itself. Each node reaches the other one's private address through a
 * proxy of this test.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hostEntry, loadConfig } from '../../src/host/config.ts';
import { Demo, NODES, type Row } from '../support/demo.ts';
import { fullCheck } from '../support/full-check.ts';
import { faultsOf } from '../support/history-check.ts';
import { Load } from '../support/load.ts';
import { NetworkProxy } from '../support/network-proxy.ts';
import { waitFor } from '../support/wait.ts';

const SEED = 1;
const LIMIT_MS = 240_000;
const CUT_MS = 8_000;
/** Two seconds until heartbeats call it down, and slack for a test machine with other work. */
const MOST_WAIT_MS = 6_000;
/** It is up after a few heartbeats, and has to stay so for a while. */
const RETURN_LIMIT_MS = 20_000;
const PRIVATE = { 'mbx01-node1': '127.0.1.2', 'mbx01-node2': '127.0.1.3' } as const;
const PROXY = { 'mbx01-node1': '127.0.1.102', 'mbx01-node2': '127.0.1.103' } as const;

async function networkRow(demo: Demo, name: string): Promise<Row> {
  const row = (await demo.cmdlet('Get-ClusterNetwork')).find((each) => each['Name'] === name);
  assert.ok(row !== undefined);
  return row;
}

function untilState(demo: Demo, name: string, state: string): Promise<boolean> {
  return waitFor(`${name} is ${state}`, 30_000, async () => {
    const found = (await networkRow(demo, name))['State'];
    if (found === state) return true;
    throw new Error(`it is ${String(found)}`);
  });
}

/** From now on each node calls the other one's private address by its proxy. */
async function putProxiesBetween(demo: Demo): Promise<readonly NetworkProxy[]> {
  const proxies: NetworkProxy[] = [];
  for (const node of NODES) {
    const entry = hostEntry(loadConfig(demo.hostFolder(node)), node);
    const tcpPorts = [entry.clusterPort, ...Object.values(entry.copyPorts)];
    const place = { address: PROXY[node], target: PRIVATE[node], tcpPorts, udpPort: entry.clusterPort };
    proxies.push(await NetworkProxy.open(place));
  }
  for (const [node, other] of [NODES, [...NODES].reverse() as [keyof typeof PROXY, keyof typeof PROXY]] as const) {
    await demo.stopHost(node);
    const path = join(demo.hostFolder(node), 'holdfast.yaml');
    writeFileSync(path, readFileSync(path, 'utf8').replace(PRIVATE[other], PROXY[other]));
    await demo.startHost(node);
    await demo.waitUntilHealthy();
  }
  return proxies;
}

function connectionsOf(proxies: readonly NetworkProxy[]): number {
  return proxies.reduce((sum, proxy) => sum + proxy.connections, 0);
}

test('network: the preferred one of two is cut under load: no failover, clients wait at most a moment, all is kept', {
  timeout: LIMIT_MS,
}, async (t) => {
  const demo = await Demo.start({ users: 4 });
  t.after(() => demo.stop());
  await demo.waitUntilHealthy();
  const proxies = await putProxiesBetween(demo);
  t.after(() => {
    for (const proxy of proxies) proxy.close();
  });
  await untilState(demo, 'Private', 'Up');
  assert.ok(
    proxies.some((proxy) => proxy.connections > 0),
    'the private network is used',
  );
  const active = await demo.waitUntilHealthy();
  const [before] = await demo.cmdlet('Get-StorageGroup');
  const load = new Load(demo, SEED);
  t.after(() => load.end());
  load.start();

  const cutAtMs = performance.now();
  for (const proxy of proxies) proxy.cut();
  await untilState(demo, 'Private', 'Down');
  await waitFor('it has been cut for a while', CUT_MS * 2, () =>
    Promise.resolve(performance.now() - cutAtMs > CUT_MS ? true : undefined),
  );
  assert.equal((await networkRow(demo, 'Public'))['State'], 'Up');
  assert.equal(await demo.waitUntilHealthy(), active, 'nobody took over');
  const healedAtMs = performance.now();
  const passedOn = connectionsOf(proxies);
  for (const proxy of proxies) proxy.heal();
  await untilState(demo, 'Private', 'Up');
  await waitFor('the log takes the private network again', RETURN_LIMIT_MS, () =>
    Promise.resolve(connectionsOf(proxies) > passedOn ? true : undefined),
  );

  assert.equal(await demo.waitUntilHealthy(), active);
  await load.hold();
  const [after] = await demo.cmdlet('Get-StorageGroup');
  assert.equal(typeof before?.['Epoch'], 'number');
  assert.equal(after?.['Epoch'], before?.['Epoch'], 'the same activation all the time');
  for (const probe of [load.delivery, load.session]) {
    const waitedMs = Math.round(probe.longestGap(cutAtMs, healedAtMs));
    console.log(`# ${probe.name}: ${probe.failedBetween(cutAtMs, healedAtMs)} failed, longest wait ${waitedMs} ms`);
    assert.equal(probe.failedBetween(cutAtMs, healedAtMs), 0);
    assert.ok(waitedMs < MOST_WAIT_MS, `${probe.name}: a client waited ${waitedMs} ms`);
  }
  const verdict = await fullCheck(load.imap, load.users, load.history);
  assert.deepEqual(faultsOf(verdict).slice(0, 20), []);
  assert.deepEqual(load.violations, []);
});
