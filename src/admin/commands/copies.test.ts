import assert from 'node:assert/strict';
import { test } from 'node:test';
import { execute } from '../registry.ts';
import { FakeCluster, GROUP, IDENTITY } from '../testing/fake-cluster.ts';

const THIRD = 'mbx01-node3';

function withThirdNode(): FakeCluster {
  const cluster = new FakeCluster();
  cluster.networks = { ...cluster.networks, hosts: [...cluster.networks.hosts, { name: THIRD, isNode: true }] };
  return cluster;
}

async function run(cluster: FakeCluster, command: string, parameters: Record<string, unknown> = {}): Promise<void> {
  await execute(cluster, { command, parameters: { Identity: IDENTITY, ...parameters } }, 'Server Administrator');
}

test('enable copy: on a node without one: it enters the register suspended, and its host is told to seed it', async () => {
  const cluster = withThirdNode();
  cluster.onAskHost = () => assert.ok(cluster.group.suspended[THIRD]?.includes('not seeded yet'));
  await run(cluster, 'Enable-StorageGroupCopy', { StandbyMachine: 'MBX01-node3' });
  assert.deepEqual(cluster.group.copies, ['mbx01-node1', 'mbx01-node2', THIRD]);
  assert.deepEqual(cluster.group.inSync, ['mbx01-node1', 'mbx01-node2']);
  const body = {
    storageGroup: GROUP,
    deleteExistingFiles: false,
    manualResume: false,
    maxBytesPerSecond: null,
    network: null,
  };
  assert.deepEqual(cluster.asked, [{ to: THIRD, method: 'update-copy', body }]);
});

test('enable copy: the seed is postponed: nothing is asked of the host', async () => {
  const cluster = withThirdNode();
  await run(cluster, 'Enable-StorageGroupCopy', { StandbyMachine: THIRD, SeedingPostponed: true });
  assert.ok(cluster.group.copies.includes(THIRD));
  assert.deepEqual(cluster.asked, []);
});

test('enable copy: unknown, not a node, silent, one that has a copy, mode sync-strict: refused, and nothing is changed', async () => {
  const cluster = withThirdNode();
  const before = cluster.group;
  const refused = (StandbyMachine: string, expected: object): Promise<void> =>
    assert.rejects(run(cluster, 'Enable-StorageGroupCopy', { StandbyMachine }), expected);
  await refused('mars', { code: 'HostNotFound' });
  await refused('hub1', { code: 'CopyRefused', message: /not the role mailbox/ });
  await refused('mbx01-node2', { code: 'CopyRefused', message: /it has one/ });
  cluster.silentHosts.add(THIRD);
  await refused(THIRD, { code: 'CopyRefused', message: /does not answer/ });
  cluster.silentHosts.clear();
  cluster.group = { ...before, mode: 'sync-strict' };
  await refused(THIRD, { code: 'CopyRefused', message: /sync-strict/ });
  assert.deepEqual(cluster.group.copies, before.copies);
});

test('disable copy: the passive one, in sync: it is out of the register, and no host is asked for anything', async () => {
  const cluster = new FakeCluster();
  await run(cluster, 'Disable-StorageGroupCopy');
  assert.deepEqual([cluster.group.copies, cluster.group.inSync], [['mbx01-node1'], ['mbx01-node1']]);
  assert.deepEqual(cluster.asked, []);
});

test('disable copy: the active one, one of several that is not named: refused', async () => {
  const cluster = new FakeCluster();
  await assert.rejects(run(cluster, 'Disable-StorageGroupCopy', { StandbyMachine: 'mbx01-node1' }), {
    code: 'CopyActive',
  });
  cluster.group = { ...cluster.group, copies: [...cluster.group.copies, THIRD] };
  await assert.rejects(run(cluster, 'Disable-StorageGroupCopy'), { code: 'CopyAmbiguous' });
});

test('disable copy: nobody serves and it holds everything: refused; one that does not is removed', async () => {
  const cluster = withThirdNode();
  cluster.group = { ...cluster.group, copies: [...cluster.group.copies, THIRD] };
  cluster.silentHosts.add('mbx01-node1');
  const remove = (StandbyMachine: string): Promise<void> =>
    run(cluster, 'Disable-StorageGroupCopy', { StandbyMachine });
  await assert.rejects(remove('mbx01-node2'), { code: 'LastGoodCopy' });
  await remove(THIRD);
  assert.deepEqual(cluster.group.copies, ['mbx01-node1', 'mbx01-node2']);
});
