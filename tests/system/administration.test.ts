/**
 * What an administrator changes while everything runs, on real processes: the networks between the nodes, and a node that is
 * evicted while it is dead.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../../src/host/config.ts';
import { Demo, HUB, NODES, otherNode, STORAGE_GROUP } from '../support/demo.ts';
import { fullCheck } from '../support/full-check.ts';
import { faultsOf } from '../support/history-check.ts';
import { Load } from '../support/load.ts';
import { runHoldfast } from '../support/program.ts';
import { readMailbox } from '../support/read-mail.ts';
import { SmtpClient } from '../support/smtp-client.ts';
import { connectionsTo } from '../support/tcp-connections.ts';
import { waitFor } from '../support/wait.ts';

const SEED = 1;
const LIMIT_MS = 90_000;
const HEAL_MS = 30_000;
const SERVER = { Identity: 'mbx01' };
/** A third address of each node, in a subnet of its own; the machine has all of 127/8. */
const CARDS = { 'mbx01-node1': '127.0.2.2', 'mbx01-node2': '127.0.2.3' } as const;

async function networks(demo: Demo): Promise<readonly string[]> {
  const rows = await demo.cmdlet('Get-ClusterNetwork');
  return rows.map((row) => `${String(row['Name'])} ${String(row['Role'])} ${String(row['State'])}`);
}

function untilNetworks(demo: Demo, wanted: readonly string[]): Promise<boolean> {
  return waitFor(`the networks are ${wanted.join(', ')}`, HEAL_MS, async () => {
    const found = await networks(demo);
    if (JSON.stringify(found) === JSON.stringify(wanted)) return true;
    throw new Error(`they are ${found.join(', ')}`);
  });
}

function untilLogTakes(isWanted: (connections: number) => boolean): Promise<boolean> {
  return waitFor('the log has changed its network', HEAL_MS, () => {
    const connections = Object.values(CARDS).reduce((sum, address) => sum + connectionsTo(address), 0);
    return Promise.resolve(isWanted(connections) ? true : undefined);
  });
}

test('administration: a network between the nodes is enabled, preferred and taken back under load: the log takes it, nobody takes over, nothing is lost', {
  timeout: LIMIT_MS,
}, async (t) => {
  const demo = await Demo.start({ users: 4 });
  t.after(() => demo.stop());
  const active = await demo.waitUntilHealthy(HEAL_MS);
  const [before] = await demo.cmdlet('Get-StorageGroup');
  const load = new Load(demo, SEED);
  t.after(() => load.end());
  load.start();

  const elsewhere = { ...SERVER, TargetMachine: NODES[0], HostName: 'nowhere', IPv4Address: '203.0.113.9' };
  await assert.rejects(demo.cmdlet('Enable-ContinuousReplicationHostName', elsewhere), { code: 'AddressNotHere' });
  for (const node of NODES) {
    const name = { ...SERVER, TargetMachine: node, HostName: `${node}-repl`, IPv4Address: CARDS[node] };
    await demo.cmdlet('Enable-ContinuousReplicationHostName', name);
  }
  await untilNetworks(demo, ['Private private Up', 'Public mixed Up', 'Replication private Up']);
  await demo.cmdlet('Set-ClusterNetwork', { Identity: 'Replication', Priority: 1 });
  await untilLogTakes((connections) => connections > 0);
  await demo.waitUntilInSync(otherNode(active));
  const [status] = await demo.cmdlet('Get-ClusteredMailboxServerStatus');
  assert.deepEqual(
    status?.['InUseReplicationHostNames'],
    NODES.map((node) => `${node}-repl`),
  );

  await demo.cmdlet('Set-ClusterNetwork', { Identity: 'Private', Role: 'mixed' });
  await demo.cmdlet('Set-ClusterNetwork', { Identity: 'Private', Role: 'private' });
  for (const node of NODES) {
    await demo.cmdlet('Disable-ContinuousReplicationHostName', { ...SERVER, HostName: `${node}-repl` });
  }
  await untilLogTakes((connections) => connections === 0);
  await untilNetworks(demo, ['Public mixed Up', 'Private private Up']);

  assert.equal(await demo.waitUntilHealthy(HEAL_MS), active);
  await load.hold();
  const [after] = await demo.cmdlet('Get-StorageGroup');
  assert.equal(after?.['Epoch'], before?.['Epoch'], 'the same activation all the time');
  const verdict = await fullCheck(load.imap, load.users, load.history);
  assert.deepEqual(faultsOf(verdict).slice(0, 20), []);
  assert.deepEqual(load.violations, []);
  console.log(`# ${verdict.acknowledged} acknowledged messages are all there`);
});

test('administration: a node is evicted while it is dead: started again it learns so from the register, says so and ends; its folder is not used again', {
  timeout: LIMIT_MS,
}, async (t) => {
  const demo = await Demo.start({ users: 1 });
  t.after(() => demo.stop());
  const active = await demo.waitUntilHealthy(HEAL_MS);
  const gone = otherNode(active);
  const states = async (): Promise<unknown> =>
    Object.fromEntries((await demo.cmdlet('Get-ClusterNode')).map((row) => [row['Name'], row['State']]));
  assert.deepEqual(await states(), { [active]: 'Up', [gone]: 'Up' });
  await demo.kill(gone);
  assert.deepEqual(await states(), { [active]: 'Up', [gone]: 'Down' });
  await demo.cmdlet('Remove-ClusterNode', { Identity: gone });
  assert.deepEqual(await states(), { [active]: 'Up', [gone]: 'Evicted' });

  const start = ['host', '--data', demo.hostFolder(gone)];
  const first = await runHoldfast(start, { withinMs: HEAL_MS });
  assert.match(first.stdout.toString('utf8'), /this host was evicted from the cluster/);
  const second = await runHoldfast(start, { withinMs: HEAL_MS });
  assert.equal(second.code, 1);
  assert.match(second.stderr, new RegExp(`Cannot start ${gone}: it was evicted from the cluster`));
  assert.ok(second.stderr.includes(join(demo.hostFolder(gone), 'evicted')));
  assert.deepEqual(await demo.copies(), [active]);
  assert.deepEqual((await demo.cmdlet('Get-StorageGroup'))[0]?.['Identity'], STORAGE_GROUP);
});

test('administration: a node is added while a host is down: that one learns of it from the register when it is back, and sends mail there', {
  timeout: LIMIT_MS,
}, async (t) => {
  const demo = await Demo.start({ users: 1 });
  t.after(() => demo.stop());
  const active = await demo.waitUntilHealthy(HEAL_MS);
  const third = 'mbx01-node3';
  await demo.kill(HUB);
  await demo.cmdlet('Add-ClusterNode', await demo.addHost(third));
  await demo.cmdlet('Enable-StorageGroupCopy', { Identity: STORAGE_GROUP, StandbyMachine: third });
  await demo.waitUntilHealthy(HEAL_MS, 3);
  await demo.startHost(HUB);
  await waitFor('it knows the third node', HEAL_MS, () => {
    const known = loadConfig(demo.hostFolder(HUB)).hosts.some(({ name }) => name === third);
    return Promise.resolve(known ? true : undefined);
  });
  await demo.kill(active, otherNode(active));
  await demo.startHost(otherNode(active));
  const served = await demo.waitForActive(HEAL_MS);
  if (served !== third) {
    await demo.waitUntilInSync(third);
    await demo.cmdlet('Move-ClusteredMailboxServer', {
      ...SERVER,
      TargetMachine: third,
      MoveComment: 'to the new one',
    });
  }
  const { ports, address } = demo.description;
  const client = new SmtpClient({ address, port: ports.smtp, protocol: 'smtp' });
  const [user] = demo.description.users;
  const outcomes = await client.send(
    { sender: 'a@example.net', recipients: [user?.address ?? ''] },
    Buffer.from('Subject: x\r\n\r\nx\r\n'),
  );
  client.close();
  assert.deepEqual(outcomes, ['acknowledged']);
  const kept = await waitFor('the mail has arrived', HEAL_MS, async () => {
    const found = await readMailbox({ address, port: ports.imap }, user ?? { address: '', password: '' });
    return found.length > 0 ? found : undefined;
  });
  assert.equal(kept.length, 1);
});
