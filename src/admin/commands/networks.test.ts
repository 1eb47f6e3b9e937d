import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../../base/assert.ts';
import type { Row } from '../command.ts';
import { execute } from '../registry.ts';
import { FakeCluster, IDENTITY } from '../testing/fake-cluster.ts';

async function rowsOf(cluster: FakeCluster, command: string): Promise<readonly Row[]> {
  return (await execute(cluster, { command, parameters: {} }, 'View-Only Administrator')).rows;
}

async function failedChecks(cluster: FakeCluster): Promise<Record<string, unknown>> {
  const rows = (await rowsOf(cluster, 'Test-ReplicationHealth')).filter((row) => row['Result'] !== 'Passed');
  return Object.fromEntries(rows.map((row) => [String(row['Check']), row['Error']]));
}

test('Get-ClusterNetwork: heartbeats on both networks: Up, the preferred one first', async () => {
  const cluster = new FakeCluster();
  cluster.linkStates = { Private: 'up', Public: 'up' };
  assert.deepEqual(
    (await rowsOf(cluster, 'Get-ClusterNetwork')).map((row) => [
      row['Name'],
      row['Role'],
      row['State'],
      row['Heartbeat'],
    ]),
    [
      ['Private', 'private', 'Up', '250 ms x 8'],
      ['Public', 'mixed', 'Up', '250 ms x 8'],
    ],
  );
});

test('networks: the private one is lost: it is Down, replication has changed over, the check fails, the server is Online', async () => {
  const cluster = new FakeCluster();
  cluster.linkStates = { Private: 'down', Public: 'up' };
  const [network] = await rowsOf(cluster, 'Get-ClusterNetwork');
  assert.deepEqual(
    [network?.['State'], network?.['Faults']],
    ['Down', ['mbx01-node1 does not hear mbx01-node2', 'mbx01-node2 does not hear mbx01-node1']],
  );
  assert.match(String((await failedChecks(cluster))['ClusterNetwork']), /^Private is Down: mbx01-node1 does not hear/);
  const [server] = await rowsOf(cluster, 'Get-ClusteredMailboxServerStatus');
  assert.deepEqual(
    [server?.['State'], server?.['FailedReplicationHostNames'], server?.['InUseReplicationHostNames']],
    ['Online', ['mbx01-node1/Private', 'mbx01-node2/Private'], ['mbx01-node1/Public', 'mbx01-node2/Public']],
  );
});

test('networks: heartbeats pass in one direction: said so', async () => {
  const cluster = new FakeCluster();
  cluster.linkStates = { Private: 'one-way' };
  assert.match(
    String((await failedChecks(cluster))['ClusterNetwork']),
    /mbx01-node1 hears mbx01-node2 and is not heard/,
  );
});

test('networks: a host is down: it is named once, its networks are not called lost beside it', async () => {
  const cluster = new FakeCluster();
  cluster.linkStates = { Private: 'down', Public: 'down' };
  cluster.silentHosts.add('mbx01-node2');
  assert.equal((await failedChecks(cluster))['ClusterNetwork'], 'mbx01-node2 not reachable');
});

test('networks: one for everything: a check of its own warns of the single point of failure', async () => {
  const cluster = new FakeCluster();
  cluster.networks = { ...cluster.networks, networks: cluster.networks.networks.slice(0, 1) };
  assert.deepEqual(await failedChecks(cluster), {
    ClusterNetworkRedundancy: 'Public (mixed) is a single point of failure between mbx01-node1 and mbx01-node2',
  });
});

const SEED = { Identity: IDENTITY, DeleteExistingFiles: true };

async function seedOver(cluster: FakeCluster, ...names: readonly string[]): Promise<unknown> {
  const parameters = { ...SEED, DataHostNames: names };
  await execute(cluster, { command: 'Update-StorageGroupCopy', parameters }, 'Server Administrator');
  return (present(cluster.asked.at(-1), 'The host is asked').body as { network: unknown }).network;
}

test('Update-StorageGroupCopy -DataHostNames: a name of the status, an address, one for each end: that network', async () => {
  const cluster = new FakeCluster();
  assert.equal(await seedOver(cluster, 'MBX01-node2/private'), 'Private');
  assert.equal(await seedOver(cluster, '192.0.2.1'), 'Public');
  assert.equal(await seedOver(cluster, 'mbx01-node1/Public', '192.0.2.2'), 'Public');
  assert.deepEqual(cluster.progress.at(-1), 'the seed takes the network Public');
});

test('Update-StorageGroupCopy -DataHostNames: unknown, of another host, of two networks, three: refused before anything is asked', async () => {
  const cluster = new FakeCluster();
  await assert.rejects(seedOver(cluster, 'repl9'), {
    code: 'DataHostNameUnknown',
    message: /"repl9".*mbx01-node1\/Public, mbx01-node2\/Public, mbx01-node1\/Private, mbx01-node2\/Private/,
  });
  await assert.rejects(seedOver(cluster, 'hub1/Public'), {
    code: 'DataHostNameUnfit',
    message: /neither of mbx01-node2/,
  });
  await assert.rejects(seedOver(cluster, '10.0.0.1', '192.0.2.2'), { code: 'DataHostNameUnfit', message: /Name one/ });
  await assert.rejects(seedOver(cluster, 'a', 'b', 'c'), { code: 'ParameterInvalid' });
  assert.deepEqual(cluster.asked, []);
});

test('Update-StorageGroupCopy -DataHostNames: a network for clients, one that an end is not on: refused', async () => {
  const cluster = new FakeCluster();
  const [mixed, between] = cluster.networks.networks.map((network) => structuredClone(network));
  assert(mixed !== undefined && between !== undefined);
  const alone = { ...between, addresses: { 'mbx01-node1': '10.0.0.1' } };
  cluster.networks = { ...cluster.networks, networks: [{ ...mixed, role: 'public' }, alone] };
  await assert.rejects(seedOver(cluster, 'mbx01-node2/Public'), { code: 'DataHostNameUnfit', message: /for clients/ });
  await assert.rejects(seedOver(cluster, '10.0.0.1'), {
    code: 'DataHostNameUnfit',
    message: /mbx01-node2 has no address/,
  });
});

test('Update-StorageGroupCopy -DataHostNames: heartbeats call that network lost: refused, the other one is taken', async () => {
  const cluster = new FakeCluster();
  cluster.linkStates = { Private: 'down', Public: 'up' };
  await assert.rejects(seedOver(cluster, 'mbx01-node2/Private'), { code: 'DataHostUnreachable' });
  assert.equal(await seedOver(cluster, 'mbx01-node2/Public'), 'Public');
});

async function order(cluster: FakeCluster, command: string, parameters: object): Promise<readonly string[]> {
  const before = cluster.asked.length;
  await execute(cluster, { command, parameters }, 'Server Administrator');
  const asked = cluster.asked.slice(before);
  assert.ok(asked.every(({ method }) => method === 'change-networks'));
  return asked.map(({ to }) => to);
}

const SERVER = { Identity: 'mbx01' };
const SECOND_CARD = { ...SERVER, TargetMachine: 'MBX01-node2', HostName: 'node2-repl', IPv4Address: '10.0.20.2' };

test('Set-ClusterNetwork: a role: every host is told, the one that was asked last; a single point of failure is warned of', async () => {
  const cluster = new FakeCluster();
  const told = await order(cluster, 'Set-ClusterNetwork', { Identity: 'public', Role: 'public', Priority: 1 });
  assert.deepEqual(told, ['mbx01-node1', 'mbx01-node2', 'hub1']);
  assert.deepEqual(cluster.asked.at(-1)?.body, { what: 'set', network: 'Public', role: 'public', priority: 1 });
  assert.equal(
    cluster.progress[0],
    'Warning: Private (private) is a single point of failure between mbx01-node1 and mbx01-node2',
  );
});

test('Set-ClusterNetwork: clients would have no way, nothing is said, an unknown network, a silent host: refused, and nobody is told', async () => {
  const cluster = new FakeCluster();
  const set = (parameters: object): Promise<unknown> => order(cluster, 'Set-ClusterNetwork', parameters);
  await assert.rejects(set({ Identity: 'Public', Role: 'private' }), {
    code: 'NetworksUnfit',
    message: /hub1 have no public or mixed network in common/,
  });
  await assert.rejects(set({ Identity: 'Public' }), { code: 'NothingToSet' });
  await assert.rejects(set({ Identity: 'Mars', Priority: 1 }), { code: 'NetworkUnknown' });
  cluster.silentHosts.add('mbx01-node2');
  await assert.rejects(set({ Identity: 'Public', Priority: 1 }), { code: 'HostsSilent' });
  assert.deepEqual(cluster.asked, []);
});

test('Enable-ContinuousReplicationHostName: an address in a subnet of its own: the node is told first, a private network is made', async () => {
  const cluster = new FakeCluster();
  const told = await order(cluster, 'Enable-ContinuousReplicationHostName', SECOND_CARD);
  assert.deepEqual(told, ['mbx01-node2', 'mbx01-node1', 'hub1']);
  const { network, host, hostName, address } = present(cluster.asked[0], 'A host is told').body as Record<
    string,
    unknown
  >;
  assert.deepEqual([host, hostName, address], ['mbx01-node2', 'node2-repl', '10.0.20.2']);
  const made = network as Record<string, unknown>;
  assert.deepEqual([made['name'], made['priority'], made['prefixLength']], ['Replication', 3, 24]);
});

test('Enable-ContinuousReplicationHostName: clients only, known already, no such node, a subnet of the public one: refused with the reason', async () => {
  const cluster = new FakeCluster();
  const refused = (parameters: object, expected: object): Promise<void> =>
    assert.rejects(order(cluster, 'Enable-ContinuousReplicationHostName', { ...SECOND_CARD, ...parameters }), expected);
  await refused({ IPv4Address: '10.0.0.77' }, { code: 'AddressKnown', message: /on Private with 10\.0\.0\.2/ });
  await refused({ TargetMachine: 'hub1' }, { code: 'HostNotFound' });
  await refused({ HostName: 'mbx01-node1' }, { code: 'NetworksUnfit', message: /is the name of a host/ });
  await refused({ IPv4Address: 'dhcp' }, { code: 'NetworksUnfit', message: /not a fixed IP address/ });
  await refused({ PrefixLength: 8 }, { code: 'NetworksUnfit', message: /are in one subnet/ });
  await refused({ Network: 'private' }, { code: 'NetworkExists' });
  const [publicly, between] = cluster.networks.networks;
  assert(publicly !== undefined && between !== undefined);
  cluster.networks = { ...cluster.networks, networks: [{ ...publicly, role: 'public' }, between] };
  await refused({ IPv4Address: '192.0.2.77' }, { code: 'NetworkForClients', message: /-Role mixed/ });
  assert.deepEqual(cluster.asked, []);
});

test('replication host names: the status shows them, a seed takes them, Disable-ContinuousReplicationHostName takes them back', async () => {
  const cluster = new FakeCluster();
  const [publicly, between] = cluster.networks.networks;
  assert(publicly !== undefined && between !== undefined);
  const addresses = { 'mbx01-node1': '10.0.20.1', 'mbx01-node2': '10.0.20.2' };
  const hostNames = { 'mbx01-node1': 'node1-repl', 'mbx01-node2': 'node2-repl' };
  const third = { ...between, name: 'Replication', priority: 3, addresses, hostNames };
  cluster.networks = { ...cluster.networks, networks: [publicly, between, third] };
  cluster.linkStates = { Private: 'down', Public: 'down', Replication: 'up' };
  const [server] = await rowsOf(cluster, 'Get-ClusteredMailboxServerStatus');
  assert.deepEqual(server?.['InUseReplicationHostNames'], ['node1-repl', 'node2-repl']);
  assert.equal(await seedOver(cluster, 'NODE2-repl'), 'Replication');
  assert.equal(await seedOver(cluster, 'mbx01-node2/Replication'), 'Replication');
  const disable = (HostName: string): Promise<readonly string[]> =>
    order(cluster, 'Disable-ContinuousReplicationHostName', { ...SERVER, HostName });
  await assert.rejects(disable('node9-repl'), { code: 'HostNameUnknown', message: /node1-repl, node2-repl/ });
  assert.deepEqual(await disable('node1-repl'), ['mbx01-node1', 'mbx01-node2', 'hub1']);
});
