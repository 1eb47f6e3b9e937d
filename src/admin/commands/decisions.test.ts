/** Commands that write an administrator's decision into the register. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Row } from '../command.ts';
import { execute } from '../registry.ts';
import { FakeCluster, GROUP, IDENTITY } from '../testing/fake-cluster.ts';

const ACTIVE = 'mbx01-node1';
const PASSIVE = 'mbx01-node2';

async function run(
  cluster: FakeCluster,
  command: string,
  parameters: Record<string, unknown> = {},
): Promise<readonly Row[]> {
  return (await execute(cluster, { command, parameters }, 'Server Administrator')).rows;
}

/** The node that was alone in sync is gone; the other one stands 3 log files behind what was promised. */
function clusterWithLoss(): FakeCluster {
  const cluster = new FakeCluster();
  cluster.silentHosts.add(ACTIVE);
  cluster.group = { ...cluster.group, inSync: [ACTIVE], hint: { lsn: 0x1_0000_0100, generation: 10 } };
  return cluster;
}

test('mount and dismount: the wish is in the register; twice is no error', async () => {
  const cluster = new FakeCluster();
  for (let time = 0; time < 2; time++) await run(cluster, 'Dismount-Database', { Identity: 'first storage group' });
  assert.equal(cluster.group.mounted, false);
  for (let time = 0; time < 2; time++) await run(cluster, 'Mount-Database', { Identity: IDENTITY });
  assert.equal(cluster.group.mounted, true);
});

test('stop and start: the reason is kept; a second time is refused', async () => {
  const cluster = new FakeCluster();
  const stop = { Identity: 'MBX01', StopReason: 'new switch' };
  await run(cluster, 'Stop-ClusteredMailboxServer', stop);
  assert.deepEqual(cluster.server.stopped, { reason: 'new switch' });
  assert.equal((await run(cluster, 'Get-MailboxServer'))[0]?.['StopReason'], 'new switch');
  await assert.rejects(run(cluster, 'Stop-ClusteredMailboxServer', stop), { code: 'AlreadyStopped' });
  await run(cluster, 'Start-ClusteredMailboxServer', { Identity: 'mbx01' });
  assert.equal(cluster.server.stopped, undefined);
  await assert.rejects(run(cluster, 'Start-ClusteredMailboxServer', { Identity: 'mbx01' }), { code: 'NotStopped' });
});

test('stop: without a reason, or an empty one: refused', async () => {
  for (const parameters of [{ Identity: 'mbx01' }, { Identity: 'mbx01', StopReason: '' }]) {
    await assert.rejects(run(new FakeCluster(), 'Stop-ClusteredMailboxServer', parameters), {
      code: 'ParameterInvalid',
    });
  }
});

test('mailbox server: what is set is shown, and what is not given stays', async () => {
  const cluster = new FakeCluster();
  await run(cluster, 'Set-MailboxServer', { Identity: 'mbx01', ForcedDatabaseMountAfter: '12' });
  await run(cluster, 'Set-MailboxServer', { Identity: 'mbx01', AutoDatabaseMountDial: 'GoodAvailability' });
  const [row] = await run(cluster, 'Get-MailboxServer', { Identity: 'MBX01' });
  assert.deepEqual(
    [row?.['AutoDatabaseMountDial'], row?.['ToleratedLogFiles'], row?.['ForcedDatabaseMountAfter']],
    ['GoodAvailability', 3, '12'],
  );
  await run(cluster, 'Set-MailboxServer', { Identity: 'mbx01', ForcedDatabaseMountAfter: 'unlimited' });
  assert.equal(cluster.server.forcedDatabaseMountAfterHours, null);
});

test('mailbox server: nothing given, or hours that are none: refused', async () => {
  const cluster = new FakeCluster();
  await assert.rejects(run(cluster, 'Set-MailboxServer', { Identity: 'mbx01' }), { code: 'NothingToSet' });
  for (const hours of ['-1', '1.5', 'never', '', '123456']) {
    const parameters = { Identity: 'mbx01', ForcedDatabaseMountAfter: hours };
    await assert.rejects(run(cluster, 'Set-MailboxServer', parameters), { code: 'ParameterInvalid' });
  }
});

test('storage group: mode and circular logging, together and alone', async () => {
  const cluster = new FakeCluster();
  await run(cluster, 'Set-StorageGroup', {
    Identity: IDENTITY,
    ReplicationMode: 'sync-strict',
    CircularLoggingEnabled: true,
  });
  assert.deepEqual([cluster.group.mode, cluster.group.circularLogging], ['sync-strict', true]);
  await run(cluster, 'Set-StorageGroup', { Identity: IDENTITY, CircularLoggingEnabled: false });
  assert.deepEqual([cluster.group.mode, cluster.group.circularLogging], ['sync-strict', false]);
  await assert.rejects(run(cluster, 'Set-StorageGroup', { Identity: IDENTITY }), { code: 'NothingToSet' });
});

test('storage group: async while nobody owns it: refused, and nothing is changed', async () => {
  const cluster = new FakeCluster();
  cluster.group = { ...cluster.group, active: null };
  const parameters = { Identity: IDENTITY, ReplicationMode: 'async', CircularLoggingEnabled: true };
  await assert.rejects(run(cluster, 'Set-StorageGroup', parameters), { code: 'NotActive' });
  assert.deepEqual([cluster.group.mode, cluster.group.circularLogging], ['sync', false]);
});

test('activation by force: without -Force the loss is told and nothing is asked of the host', async () => {
  const cluster = clusterWithLoss();
  await assert.rejects(run(cluster, 'Restore-StorageGroupCopy', { Identity: IDENTITY }), {
    code: 'LossNotAccepted',
    message:
      /on mbx01-node2 without your word: its log ends with record 1:16 in log file 7, but record 1:256 in log file 10 was acknowledged: 3 whole log files and the rest of the open one are missing/,
  });
  assert.deepEqual(cluster.asked, []);
});

test('activation by force: -WhatIf tells the loss', async () => {
  const request = { command: 'Restore-StorageGroupCopy', parameters: { Identity: IDENTITY, WhatIf: true } };
  const { whatIf } = await execute(clusterWithLoss(), request, 'Server Administrator');
  assert.match(
    whatIf ?? '',
    /^Make the copy of .* the active one with what it has: on mbx01-node2, .*3 whole log files/,
  );
});

test('activation by force: with -Force the host of the copy is asked', async () => {
  const cluster = clusterWithLoss();
  const [row] = await run(cluster, 'Restore-StorageGroupCopy', { Identity: IDENTITY, Force: true });
  assert.equal(row?.['ActiveCopy'], PASSIVE);
  assert.deepEqual(cluster.asked, [{ to: PASSIVE, method: 'restore-copy', body: { storageGroup: GROUP } }]);
});

test('activation by force: a copy serves: refused', async () => {
  await assert.rejects(run(new FakeCluster(), 'Restore-StorageGroupCopy', { Identity: IDENTITY, Force: true }), {
    code: 'CopyActive',
    message: /Move-ClusteredMailboxServer/,
  });
});

test('activation by force: no copy is usable: refused, with the reason of each', async () => {
  const cluster = clusterWithLoss();
  cluster.changeView(PASSIVE, { state: 'failed', failedMessage: 'a disk is gone', mayTakeOver: false });
  const message = /mbx01-node1 does not answer; mbx01-node2 a disk is gone/;
  await assert.rejects(run(cluster, 'Restore-StorageGroupCopy', { Identity: IDENTITY, Force: true }), { message });
});

test('activation by force: two could be: each is told, and one has to be named', async () => {
  const cluster = clusterWithLoss();
  cluster.silentHosts.clear();
  cluster.changeView(ACTIVE, { state: 'passive', durableLsn: 0x1_0000_0001, generation: 1 });
  await assert.rejects(run(cluster, 'Restore-StorageGroupCopy', { Identity: IDENTITY, Force: true }), {
    code: 'CopyAmbiguous',
    message: /mbx01-node1: its log ends with record 1:1 .*mbx01-node2: its log ends with record 1:16/,
  });
  const parameters = { Identity: IDENTITY, StandbyMachine: 'MBX01-node1', Force: true };
  assert.equal((await run(cluster, 'Restore-StorageGroupCopy', parameters))[0]?.['ActiveCopy'], ACTIVE);
});

test('loss report: what the register keeps, in words and figures', async () => {
  const cluster = new FakeCluster();
  const [before] = await run(cluster, 'Get-LossReport');
  assert.match(String(before?.['Report']), /^No takeover/);
  cluster.group = {
    ...cluster.group,
    lossy: {
      epoch: 2,
      from: ACTIVE,
      to: PASSIVE,
      missingGenerations: 1,
      lastKept: { lsn: 0x1_0000_0010, generation: 7 },
      hint: { lsn: 0x1_0000_0100, generation: 8 },
      cause: 'administrator',
    },
  };
  const [row] = await run(cluster, 'Get-LossReport', { Identity: IDENTITY });
  assert.match(
    String(row?.['Report']),
    /^mbx01-node2 took it over from mbx01-node1 in epoch 2, by an administrator's word .*: .* 1 whole log file and/,
  );
  assert.deepEqual([row?.['MissingLogFiles'], row?.['LastPromisedRecord']], [1, '1:256']);
});

test('quorum: who votes is shown; another witness takes the place of the present one', async () => {
  const cluster = new FakeCluster();
  cluster.acceptorFailures.set('witness', 'it is not there');
  const rows = await run(cluster, 'Get-ClusterQuorum', {});
  assert.deepEqual(rows[2], {
    Name: 'witness',
    Kind: 'FileShareWitness',
    Path: '/mnt/witness',
    Votes: false,
    Error: 'it is not there',
  });
  await run(cluster, 'Set-ClusterQuorum', { WitnessShare: '/mnt/other' });
  assert.deepEqual(cluster.acceptorPlaces[2], { kind: 'share', name: 'witness', path: '/mnt/other' });
  await run(cluster, 'Set-ClusterQuorum', { WitnessHost: 'HUB1' });
  assert.deepEqual(cluster.acceptorPlaces[2], { kind: 'process', name: 'hub1' });
});

test('quorum: a quorum disk takes all votes, and a witness or an odd number of nodes gets them back', async () => {
  const cluster = new FakeCluster();
  const names = (): readonly string[] => cluster.acceptorPlaces.map(({ name }) => name);
  await run(cluster, 'Set-ClusterQuorum', { QuorumDisk: '/mnt/quorum' });
  assert.deepEqual(cluster.acceptorPlaces, [{ kind: 'disk', name: 'quorum', path: '/mnt/quorum' }]);
  await assert.rejects(run(cluster, 'Set-ClusterQuorum', { NodeMajority: true }), { code: 'QuorumInvalid' });
  await run(cluster, 'Set-ClusterQuorum', { WitnessHost: 'hub1' });
  assert.deepEqual(names(), ['mbx01-node1', 'mbx01-node2', 'hub1']);
  cluster.networks = { ...cluster.networks, hosts: [...cluster.networks.hosts, { name: 'mbx01-node3', isNode: true }] };
  await run(cluster, 'Set-ClusterQuorum', { QuorumDisk: '/mnt/quorum' });
  await run(cluster, 'Set-ClusterQuorum', { NodeMajority: true });
  assert.deepEqual(names(), ['mbx01-node1', 'mbx01-node2', 'mbx01-node3']);
});

test('quorum: no witness, two, a host that is none, or one that would not vote: refused', async () => {
  const cluster = new FakeCluster();
  const set = (parameters: Record<string, unknown>) => run(cluster, 'Set-ClusterQuorum', parameters);
  await assert.rejects(set({}), { code: 'NothingToSet' });
  await assert.rejects(set({ WitnessHost: 'hub1', NodeMajority: true }), { code: 'NothingToSet' });
  await assert.rejects(set({ WitnessShare: '/a', WitnessHost: 'hub1' }), { code: 'QuorumInvalid' });
  await assert.rejects(set({ WitnessHost: 'hub9' }), { code: 'HostNotFound' });
  await assert.rejects(set({ WitnessHost: 'mbx01-node1' }), { code: 'HostIsNoWitness' });
  cluster.acceptorPlaces = ['a', 'b', 'c'].map((name) => ({ kind: 'host', name }));
  await assert.rejects(set({ WitnessHost: 'hub1' }), { code: 'WitnessNotNeeded' });
});

test('version: one host is updated, then the other: the level is raised when both read it, and once', async () => {
  const cluster = new FakeCluster();
  const ran = (highest: number) => ({
    incarnation: 1,
    lease: 1,
    formats: { lowest: 1, highest, software: `1.${highest}.0` },
  });
  cluster.nodes = { [ACTIVE]: ran(2) };
  const [active, passive] = await run(cluster, 'Get-ClusterVersion');
  assert.deepEqual([active?.['SoftwareVersion'], active?.['HighestLevel']], ['1.2.0', 2]);
  assert.deepEqual([passive?.['SoftwareVersion'], passive?.['HighestLevel'], passive?.['CanRaiseTo']], [null, 1, null]);
  await assert.rejects(run(cluster, 'Set-ClusterVersion', { FormatLevel: 2 }), {
    code: 'FormatLevelNotRead',
    message: /to 2: mbx01-node2 cannot read it/,
  });
  await assert.rejects(run(cluster, 'Set-ClusterVersion'), { code: 'FormatLevelNotRaised' });
  cluster.nodes = { [ACTIVE]: ran(2), [PASSIVE]: ran(3) };
  assert.equal((await run(cluster, 'Get-ClusterVersion'))[0]?.['CanRaiseTo'], 2);
  await run(cluster, 'Set-ClusterVersion');
  assert.equal((await run(cluster, 'Get-ClusterVersion'))[0]?.['FormatLevel'], 2);
  await assert.rejects(run(cluster, 'Set-ClusterVersion', { FormatLevel: 1 }), { code: 'FormatLevelNotRaised' });
});

test('vote: a lost one is given back; one that counts, or that nobody knows, is not', async () => {
  const cluster = new FakeCluster();
  await assert.rejects(run(cluster, 'Restore-ClusterVote', { Identity: 'witness' }), { code: 'VoteCounts' });
  await assert.rejects(run(cluster, 'Restore-ClusterVote', { Identity: 'hub1' }), { code: 'AcceptorNotFound' });
  cluster.acceptorFailures.set('witness', 'it holds no state');
  await run(cluster, 'Restore-ClusterVote', { Identity: 'Witness' });
  assert.deepEqual(cluster.admitted, ['witness']);
});
