import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Row } from '../command.ts';
import { execute } from '../registry.ts';
import { FakeCluster } from '../testing/fake-cluster.ts';

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
