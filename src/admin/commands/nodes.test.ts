import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Row } from '../command.ts';
import { execute } from '../registry.ts';
import { FakeCluster, GROUP, IDENTITY } from '../testing/fake-cluster.ts';

const [FIRST, SECOND, THIRD] = ['mbx01-node1', 'mbx01-node2', 'mbx01-node3'] as const;
const ADDRESS = { Address: '192.0.2.13', NetworkAddresses: ['Private=10.0.0.3', 'public=192.0.2.13'] };
const ENTRY = {
  name: THIRD,
  roles: ['mailbox'],
  address: '192.0.2.13',
  clusterPort: 3343,
  copyPorts: { [GROUP]: 3344 },
};

async function run(cluster: FakeCluster, command: string, parameters: Record<string, unknown> = {}): Promise<void> {
  await execute(cluster, { command, parameters: { Identity: THIRD, ...parameters } }, 'Server Administrator');
}

function votes(cluster: FakeCluster): readonly string[] {
  return cluster.acceptorPlaces.map(({ name }) => name);
}

/** Three nodes with a copy each, as after Add-ClusterNode and Enable-StorageGroupCopy. */
function ofThree(): FakeCluster {
  const cluster = new FakeCluster();
  cluster.networks = { ...cluster.networks, hosts: [...cluster.networks.hosts, { name: THIRD, isNode: true }] };
  cluster.acceptorPlaces = [FIRST, SECOND, THIRD].map((name) => ({ kind: 'host' as const, name }));
  const three = [FIRST, SECOND, THIRD];
  cluster.group = { ...cluster.group, copies: three, inSync: three };
  cluster.server = { ...cluster.server, redundantMachines: three };
  return cluster;
}

test('add node: two nodes and a share: every host is told, its vote takes the place of the witness, it may serve', async () => {
  const cluster = new FakeCluster();
  const { version } = await cluster.register();
  await run(cluster, 'Add-ClusterNode', ADDRESS);
  const order = { entry: ENTRY, addresses: { Private: '10.0.0.3', Public: '192.0.2.13' }, witness: undefined, version };
  assert.deepEqual(
    cluster.asked,
    [FIRST, SECOND, 'hub1'].map((to) => ({ to, method: 'add-host', body: order })),
  );
  assert.deepEqual(votes(cluster), [FIRST, SECOND, THIRD]);
  assert.deepEqual(cluster.server.redundantMachines, [FIRST, SECOND, THIRD]);
  await run(cluster, 'Add-ClusterNode', ADDRESS);
  assert.deepEqual(votes(cluster), [FIRST, SECOND, THIRD], 'given again: the same');
});

test('add node: a host is silent: it is said, and the register holds where the new one is', async () => {
  const cluster = new FakeCluster();
  cluster.silentHosts.add('hub1');
  await run(cluster, 'Add-ClusterNode', ADDRESS);
  assert.deepEqual(
    cluster.asked.map(({ to }) => to),
    [FIRST, SECOND],
  );
  assert.ok(cluster.progress.includes('hub1 will hear of it from the register'));
  const { name: _name, ...place } = ENTRY;
  assert.deepEqual(cluster.places, {
    [THIRD]: { ...place, addresses: { Private: '10.0.0.3', Public: '192.0.2.13' } },
  });
  await run(cluster, 'Remove-ClusterNode');
  assert.equal(cluster.places, undefined);
});

test('add node: the new one is silent, its name or a network is wrong: refused, and it has no vote', async () => {
  const cluster = new FakeCluster();
  const refused = (parameters: object, expected: object): Promise<void> =>
    assert.rejects(run(cluster, 'Add-ClusterNode', { ...ADDRESS, ...parameters }), expected);
  await refused({ NetworkAddresses: ['Mars=10.0.0.3'] }, { code: 'NetworkUnknown' });
  await refused({ Identity: 'MBX01-node2' }, { code: 'NodeExists', message: /192\.0\.2\.2/ });
  await refused({ Identity: 'hub1', Address: '192.0.2.3' }, { code: 'NodeExists' });
  await refused({ Identity: 'a b' }, { code: 'ParameterInvalid' });
  assert.deepEqual(cluster.asked, []);
  cluster.silentHosts.add(THIRD);
  await refused({}, { code: 'NodeDoesNotAnswer' });
  assert.deepEqual(votes(cluster), [FIRST, SECOND, 'witness']);
});

test('add node: a fourth one: the witness that the configuration names votes again; without one it is refused', async () => {
  const cluster = ofThree();
  await run(cluster, 'Add-ClusterNode', { ...ADDRESS, Identity: 'mbx01-node4' });
  assert.deepEqual(votes(cluster), [FIRST, SECOND, THIRD, 'mbx01-node4', 'witness']);
  const without = ofThree();
  without.witness = undefined;
  const fourth = { ...ADDRESS, Identity: 'mbx01-node4' };
  await assert.rejects(run(without, 'Add-ClusterNode', fourth), { code: 'QuorumInvalid' });
  assert.equal(without.asked.length, 0);
  await run(without, 'Add-ClusterNode', { ...fourth, WitnessShare: '/mnt/new' });
  assert.deepEqual((without.asked[0]?.body as { witness?: unknown } | undefined)?.witness, { share: '/mnt/new' });
});

test('add node: a quorum disk is the only vote: it stays so', async () => {
  const cluster = new FakeCluster();
  cluster.acceptorPlaces = [{ kind: 'disk', name: 'quorum', path: '/mnt/quorum' }];
  await run(cluster, 'Add-ClusterNode', ADDRESS);
  assert.deepEqual(votes(cluster), ['quorum']);
});

test('evict: the third of three: no copy, no vote, no redundant machine; the witness votes again; the others forget it', async () => {
  const cluster = ofThree();
  await run(cluster, 'Remove-ClusterNode');
  assert.deepEqual(
    [cluster.group.copies, cluster.group.inSync],
    [
      [FIRST, SECOND],
      [FIRST, SECOND],
    ],
  );
  assert.deepEqual(cluster.server.redundantMachines, [FIRST, SECOND]);
  assert.deepEqual(votes(cluster), [FIRST, SECOND, 'witness']);
  const orders = [FIRST, SECOND, 'hub1'].map((to) => ({ to, body: { host: THIRD, witness: undefined } }));
  assert.deepEqual(
    cluster.asked,
    [{ to: THIRD, body: { host: THIRD } }, ...orders].map((order) => ({ ...order, method: 'remove-host' })),
  );
});

async function nodeRows(cluster: FakeCluster, parameters: object = {}): Promise<readonly Row[]> {
  return (await execute(cluster, { command: 'Get-ClusterNode', parameters }, 'View-Only Administrator')).rows;
}

test('Get-ClusterNode: one is up, one is suspended with all its copies, one is down, one has not joined: each state, and whose vote counts', async () => {
  const cluster = ofThree();
  const formats = { lowest: 1, highest: 2, software: '0.2.0' };
  cluster.nodes = { [FIRST]: { incarnation: 3, lease: 9, formats }, [SECOND]: { incarnation: 1, lease: 0 } };
  cluster.group = { ...cluster.group, suspended: { [SECOND]: 'new disk' } };
  const states = async (): Promise<unknown> => (await nodeRows(cluster)).map((row) => [row['Name'], row['State']]);
  assert.deepEqual(await states(), [
    [FIRST, 'Up'],
    [SECOND, 'Paused'],
    [THIRD, 'Joining'],
  ]);
  cluster.silentHosts.add(THIRD);
  cluster.acceptorFailures.set(THIRD, 'it did not answer');
  assert.deepEqual(((await states()) as string[][])[2], [THIRD, 'Down']);
  const [first, , third] = await nodeRows(cluster);
  assert.deepEqual(
    [first?.['Vote'], first?.['Incarnation'], first?.['FormatLevels'], first?.['SoftwareVersion'], third?.['Vote']],
    ['Counts', 3, '1-2', '0.2.0', 'it did not answer'],
  );
  assert.deepEqual(first?.['Addresses'], ['Public=192.0.2.1', 'Private=10.0.0.1']);
  assert.deepEqual([first?.['ActiveCopies'], first?.['PassiveCopies']], [[IDENTITY], []]);
});

test('Get-ClusterNode: one of them by its name, an unknown one: refused with those that are known', async () => {
  const cluster = ofThree();
  const rows = await nodeRows(cluster, { Identity: SECOND.toUpperCase() });
  assert.deepEqual(
    rows.map((row) => row['Name']),
    [SECOND],
  );
  await assert.rejects(nodeRows(cluster, { Identity: 'hub1' }), { code: 'HostNotFound', message: /mbx01-node3/ });
});

test('evict: a dead one: the register remembers it, Get-ClusterNode shows it, until it is added again', async () => {
  const cluster = ofThree();
  cluster.silentHosts.add(THIRD);
  await run(cluster, 'Remove-ClusterNode');
  assert.deepEqual(cluster.evicted, [THIRD]);
  cluster.networks = { ...cluster.networks, hosts: cluster.networks.hosts.filter(({ name }) => name !== THIRD) };
  assert.deepEqual((await nodeRows(cluster)).map((row) => [row['Name'], row['State'], row['Vote']]).at(-1), [
    THIRD,
    'Evicted',
    'None',
  ]);
  cluster.silentHosts.clear();
  await run(cluster, 'Add-ClusterNode', ADDRESS);
  assert.deepEqual(cluster.evicted, []);
});

test('evict: it is dead, and a host that should forget it is too: done, and said who did not hear', async () => {
  const cluster = ofThree();
  for (const host of [THIRD, 'hub1']) cluster.silentHosts.add(host);
  await run(cluster, 'Remove-ClusterNode');
  assert.deepEqual(cluster.group.copies, [FIRST, SECOND]);
  assert.ok(cluster.progress.some((line) => line === 'hub1 will hear of it from the register'));
});

test('evict: it serves, holds the last good copy, is no node, is unknown, or nobody would settle a cut: refused, nothing is changed', async () => {
  const refused = async (cluster: FakeCluster, Identity: string, expected: object): Promise<void> => {
    const before = [cluster.group, cluster.acceptorPlaces];
    await assert.rejects(run(cluster, 'Remove-ClusterNode', { Identity }), expected);
    assert.deepEqual([cluster.group, cluster.acceptorPlaces], before);
    assert.deepEqual(cluster.asked, []);
  };
  await refused(ofThree(), FIRST, { code: 'NodeServes' });
  await refused(ofThree(), 'hub1', { code: 'HostIsNoNode' });
  await refused(ofThree(), 'mars', { code: 'HostNotFound' });
  const without = ofThree();
  without.witness = undefined;
  await refused(without, THIRD, { code: 'QuorumInvalid' });
  const unserved = ofThree();
  unserved.silentHosts.add(FIRST);
  await refused(unserved, SECOND, { code: 'LastGoodCopy' });
});
