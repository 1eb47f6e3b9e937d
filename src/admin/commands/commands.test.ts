import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Row } from '../command.ts';
import { execute } from '../registry.ts';
import { FakeCluster, GROUP, IDENTITY } from '../testing/fake-cluster.ts';

async function run(
  cluster: FakeCluster,
  command: string,
  parameters: Record<string, unknown> = {},
): Promise<readonly Row[]> {
  return (await execute(cluster, { command, parameters }, 'Server Administrator')).rows;
}

async function copyStatus(cluster: FakeCluster): Promise<Row> {
  const [row] = await run(cluster, 'Get-StorageGroupCopyStatus', { Identity: IDENTITY });
  assert.ok(row);
  return row;
}

async function failedChecks(cluster: FakeCluster): Promise<Record<string, unknown>> {
  const rows = await run(cluster, 'Test-ReplicationHealth');
  return Object.fromEntries(
    rows.filter((row) => row['Result'] !== 'Passed').map((row) => [String(row['Check']), row['Error']]),
  );
}

test('copy status: a cluster in order: Healthy, about the passive copy, with the marks of the pipeline', async () => {
  const row = await copyStatus(new FakeCluster());
  assert.equal(row['Identity'], 'mbx01\\First Storage Group');
  assert.equal(row['Name'], 'First Storage Group');
  assert.equal(row['SummaryCopyStatus'], 'Healthy');
  assert.equal(row['CCRTargetNode'], 'mbx01-node2');
  assert.equal(row['LastLogGenerated'], 8);
  assert.equal(row['LastLogInspected'], 7);
  assert.equal(row['LastInspectedLogTime'], '2026-11-22T14:42:07.000Z');
  assert.equal(row['InSync'], true);
});

test('copy status: after a move: it is about the other copy', async () => {
  const cluster = new FakeCluster();
  cluster.group = { ...cluster.group, active: 'mbx01-node2' };
  assert.equal((await copyStatus(cluster))['CCRTargetNode'], 'mbx01-node1');
});

test('copy status: the copy failed: Failed, with the reason, mail flowing or not', async () => {
  const cluster = new FakeCluster();
  cluster.changeView('mbx01-node2', { state: 'failed', failedMessage: 'generation 5 is missing' });
  const row = await copyStatus(cluster);
  assert.deepEqual(
    [row['SummaryCopyStatus'], row['Failed'], row['FailedMessage']],
    ['Failed', true, 'generation 5 is missing'],
  );
});

test('copy status: a seed runs on a suspended copy: Seeding comes first, both are told', async () => {
  const cluster = new FakeCluster();
  cluster.changeView('mbx01-node2', { seeding: true });
  cluster.group = { ...cluster.group, suspended: { 'mbx01-node2': 'new disk' } };
  const row = await copyStatus(cluster);
  assert.deepEqual([row['SummaryCopyStatus'], row['Suspend'], row['SuspendComment']], ['Seeding', true, 'new disk']);
});

test('copy status: the passive host is down: ServiceDown, and nothing is invented', async () => {
  const cluster = new FakeCluster();
  cluster.silentHosts.add('mbx01-node2');
  const row = await copyStatus(cluster);
  assert.deepEqual(
    [row['SummaryCopyStatus'], row['CopyQueueLength'], row['LastLogInspected']],
    ['ServiceDown', null, null],
  );
  assert.equal(row['LastLogGenerated'], 8);
});

test('copy status: a name that does not exist: refused, the nearest is named', async () => {
  await assert.rejects(run(new FakeCluster(), 'Get-StorageGroupCopyStatus', { Identity: 'First Storage Grup' }), {
    code: 'StorageGroupNotFound',
    message: /Did you mean "mbx01\\First Storage Group"/,
  });
});

test('suspend and resume: the passive host is asked; the name may be short and in any case', async () => {
  const cluster = new FakeCluster();
  await run(cluster, 'Suspend-StorageGroupCopy', { Identity: 'first storage group', SuspendComment: 'new disk' });
  await run(cluster, 'Resume-StorageGroupCopy', { Identity: 'MBX01\\First Storage Group' });
  assert.deepEqual(cluster.asked, [
    {
      to: 'mbx01-node2',
      method: 'suspend-copy',
      body: { storageGroup: GROUP, host: 'mbx01-node2', comment: 'new disk' },
    },
    { to: 'mbx01-node2', method: 'resume-copy', body: { storageGroup: GROUP, host: 'mbx01-node2' } },
  ]);
});

test('suspend: the passive host is down: the active one writes the order down', async () => {
  const cluster = new FakeCluster();
  cluster.silentHosts.add('mbx01-node2');
  await run(cluster, 'Suspend-StorageGroupCopy', { Identity: IDENTITY });
  assert.deepEqual(
    cluster.asked.map((asked) => asked.to),
    ['mbx01-node1'],
  );
});

test('suspend: a comment with a line break or of 513 characters: refused', async () => {
  for (const comment of ['one\ntwo', 'x'.repeat(513)]) {
    const parameters = { Identity: IDENTITY, SuspendComment: comment };
    await assert.rejects(run(new FakeCluster(), 'Suspend-StorageGroupCopy', parameters), { code: 'ParameterInvalid' });
  }
});

test('suspend: the active copy is named: refused', async () => {
  const parameters = { Identity: IDENTITY, StandbyMachine: 'mbx01-node1' };
  await assert.rejects(run(new FakeCluster(), 'Suspend-StorageGroupCopy', parameters), { code: 'CopyActive' });
});

test('suspend: nobody owns the storage group: which copy is meant must be said', async () => {
  const cluster = new FakeCluster();
  cluster.group = { ...cluster.group, active: null };
  await assert.rejects(run(cluster, 'Suspend-StorageGroupCopy', { Identity: IDENTITY }), { code: 'CopyAmbiguous' });
  await run(cluster, 'Suspend-StorageGroupCopy', { Identity: IDENTITY, StandbyMachine: 'MBX01-NODE1' });
  assert.equal(cluster.asked[0]?.to, 'mbx01-node1');
});

test('update: a seed: the target is asked, its progress is passed on', async () => {
  const cluster = new FakeCluster();
  cluster.onAskHost = (_asked, onProgress) => onProgress('50 %');
  const order = { Identity: IDENTITY, DeleteExistingFiles: true, MaxBytesPerSecond: 1_000_000 };
  await run(cluster, 'Update-StorageGroupCopy', order);
  const body = {
    storageGroup: GROUP,
    deleteExistingFiles: true,
    manualResume: false,
    maxBytesPerSecond: 1_000_000,
    network: null,
  };
  assert.deepEqual(cluster.asked, [{ to: 'mbx01-node2', method: 'update-copy', body }]);
  assert.deepEqual(cluster.progress, ['50 %']);
});

test('what if: nothing is asked of any host, and what would be done is said', async () => {
  const cluster = new FakeCluster();
  const parameters = { Identity: IDENTITY, WhatIf: true };
  const answer = await execute(cluster, { command: 'Update-StorageGroupCopy', parameters }, 'Server Administrator');
  assert.equal(answer.whatIf, 'Seed the passive copy of mbx01\\First Storage Group');
  assert.deepEqual(cluster.asked, []);
});

test('server status: in order: Online, the active machine owns the quorum', async () => {
  const [row] = await run(new FakeCluster(), 'Get-ClusteredMailboxServerStatus', { Identity: 'MBX01' });
  assert.deepEqual(row, {
    Identity: 'mbx01',
    ClusteredMailboxServerName: 'mbx01',
    State: 'Online',
    OperationalMachines: ['mbx01-node1 <Active, Quorum Owner>', 'mbx01-node2'],
    FailedResources: [],
    OperationalReplicationHostNames: ['mbx01-node1', 'mbx01-node2'],
    FailedReplicationHostNames: [],
    InUseReplicationHostNames: ['mbx01-node1', 'mbx01-node2'],
  });
});

test('server status: the active host died a moment ago, the other holds everything: Online Pending', async () => {
  const cluster = new FakeCluster();
  cluster.silentHosts.add('mbx01-node1');
  const [row] = await run(cluster, 'Get-ClusteredMailboxServerStatus');
  assert.deepEqual([row?.['State'], row?.['OperationalMachines']], ['Online Pending', ['mbx01-node2']]);
});

test('server status: the only copy that holds everything is away: Failed, and it is named', async () => {
  const cluster = new FakeCluster();
  cluster.group = { ...cluster.group, inSync: ['mbx01-node1'] };
  cluster.silentHosts.add('mbx01-node1');
  const [row] = await run(cluster, 'Get-ClusteredMailboxServerStatus');
  assert.equal(row?.['State'], 'Failed');
  assert.deepEqual(row?.['FailedResources'], [
    'First Storage Group: mbx01-node1 holds everything acknowledged and does not answer',
  ]);
});

const move = { Identity: 'mbx01', TargetMachine: 'mbx01-node2', MoveComment: 'maintenance' };

test('move: everything Healthy: the active host hands over, the new state is shown', async () => {
  const cluster = new FakeCluster();
  cluster.onAskHost = () => {
    cluster.group = { ...cluster.group, active: 'mbx01-node2' };
    cluster.changeView('mbx01-node1', { state: 'passive' });
    cluster.changeView('mbx01-node2', { state: 'active' });
  };
  const [row] = await run(cluster, 'Move-ClusteredMailboxServer', { ...move, TargetMachine: 'MBX01-node2' });
  const body = { clusteredMailboxServer: 'mbx01', target: 'mbx01-node2', comment: 'maintenance' };
  assert.deepEqual(cluster.asked, [{ to: 'mbx01-node1', method: 'hand-off', body }]);
  assert.deepEqual(row?.['OperationalMachines'], ['mbx01-node1', 'mbx01-node2 <Active, Quorum Owner>']);
});

test('move: a copy that is Failed, Seeding, Suspended, Initializing, behind or away: refused, the storage group is named', async () => {
  const stories: Record<string, (cluster: FakeCluster) => void> = {
    Failed: (cluster) => cluster.changeView('mbx01-node2', { state: 'failed' }),
    Seeding: (cluster) => cluster.changeView('mbx01-node2', { seeding: true }),
    Initializing: (cluster) => cluster.changeView('mbx01-node2', { initializing: true }),
    ServiceDown: (cluster) => void cluster.silentHosts.add('mbx01-node2'),
    Suspended: (cluster) => {
      cluster.group = { ...cluster.group, suspended: { 'mbx01-node2': '' } };
    },
    Copying: (cluster) => {
      cluster.group = { ...cluster.group, inSync: ['mbx01-node1'] };
    },
  };
  for (const [status, story] of Object.entries(stories)) {
    const cluster = new FakeCluster();
    story(cluster);
    const message = new RegExp(`First Storage Group: its copy on mbx01-node2 is ${status}`);
    await assert.rejects(run(cluster, 'Move-ClusteredMailboxServer', move), { code: 'MoveRefused', message });
    assert.deepEqual(cluster.asked, []);
  }
});

test('move: a machine that is not of the server, or that runs it already: refused', async () => {
  const elsewhere = run(new FakeCluster(), 'Move-ClusteredMailboxServer', { ...move, TargetMachine: 'hub1' });
  await assert.rejects(elsewhere, { code: 'MoveRefused', message: /hub1 is not one of its redundant machines/ });
  const already = run(new FakeCluster(), 'Move-ClusteredMailboxServer', { ...move, TargetMachine: 'mbx01-node1' });
  await assert.rejects(already, { code: 'MoveRefused', message: /it already runs there/ });
});

test('move: dismounted storage group with an unhealthy copy: only -IgnoreDismounted lets it pass', async () => {
  const cluster = new FakeCluster();
  cluster.group = { ...cluster.group, mounted: false };
  cluster.changeView('mbx01-node2', { state: 'failed' });
  await assert.rejects(run(cluster, 'Move-ClusteredMailboxServer', move), { code: 'MoveRefused' });
  await run(cluster, 'Move-ClusteredMailboxServer', { ...move, IgnoreDismounted: true });
  assert.equal(cluster.asked.length, 1);
});

test('move: validate only: checked, not done', async () => {
  const cluster = new FakeCluster();
  await run(cluster, 'Move-ClusteredMailboxServer', { ...move, ValidateOnly: true });
  assert.deepEqual(cluster.asked, []);
});

test('mailboxes: made and found again: by address, alias, display name; the password only as its hash', async () => {
  const cluster = new FakeCluster();
  await run(cluster, 'New-Mailbox', { Identity: 'anna@example.test', DisplayName: 'Anna Berg', Password: 'secret' });
  await run(cluster, 'New-Mailbox', { Identity: 'bo@EXAMPLE.test' });
  assert.deepEqual(cluster.credentials, ['$hash$secret', null]);
  for (const identity of ['Anna@example.test', 'anna', 'ANNA BERG']) {
    const [row] = await run(cluster, 'Get-Mailbox', { Identity: identity });
    assert.deepEqual([row?.['PrimarySmtpAddress'], row?.['StorageGroup']], ['anna@example.test', IDENTITY]);
  }
  assert.deepEqual(
    (await run(cluster, 'Get-Mailbox')).map((row) => row['Name']),
    ['Anna Berg', 'bo'],
  );
  assert.equal((await run(cluster, 'Get-Mailbox', { ResultSize: 1 })).length, 1);
  assert.doesNotMatch(JSON.stringify(cluster.asked), /"secret"/);
});

test('mailboxes: one that exists, a foreign domain, an address that is none: refused', async () => {
  const cluster = new FakeCluster();
  await run(cluster, 'New-Mailbox', { Identity: 'anna@example.test' });
  await assert.rejects(run(cluster, 'New-Mailbox', { Identity: 'anna@example.test' }), { code: 'MailboxExists' });
  await assert.rejects(run(cluster, 'New-Mailbox', { Identity: 'anna@example.org' }), { code: 'DomainNotAccepted' });
  for (const address of ['anna', '@example.test', 'a b@example.test', 'a\r\n@example.test', 'a@b@example.test', '']) {
    await assert.rejects(run(cluster, 'New-Mailbox', { Identity: address }), { code: 'ParameterInvalid' });
  }
  await assert.rejects(run(cluster, 'Get-Mailbox', { Identity: 'carl' }), { code: 'MailboxNotFound' });
});

test('storage group: what the cluster decided is shown', async () => {
  const [row] = await run(new FakeCluster(), 'Get-StorageGroup', { Server: 'mbx01' });
  assert.deepEqual(
    [row?.['Identity'], row?.['Mode'], row?.['ActiveCopy'], row?.['InSyncCopies'], row?.['Replicated']],
    [IDENTITY, 'sync', 'mbx01-node1', ['mbx01-node1', 'mbx01-node2'], 'NonShared'],
  );
});

test('health: in order: every check passes', async () => {
  const rows = await run(new FakeCluster(), 'Test-ReplicationHealth');
  assert.ok(rows.length >= 12);
  assert.deepEqual(
    rows.filter((row) => row['Result'] !== 'Passed'),
    [],
  );
});

test('health: the passive host is down: the checks that are about it fail, the service is not in question', async () => {
  const cluster = new FakeCluster();
  cluster.silentHosts.add('mbx01-node2');
  cluster.acceptorFailures.set('mbx01-node2', 'no answer');
  cluster.group = { ...cluster.group, inSync: ['mbx01-node1'] };
  const failed = await failedChecks(cluster);
  assert.deepEqual(Object.keys(failed).sort(), [
    'ClusterNetwork',
    'DatabaseRedundancy',
    'PassiveNodeUp',
    'ReplayService',
    'SGCopyFailed',
  ]);
});

test('health: the group is degraded: it says how many changes stand on one disk alone, as Get-StorageGroup does', async () => {
  const cluster = new FakeCluster();
  cluster.group = { ...cluster.group, inSync: ['mbx01-node1'] };
  cluster.exposedChanges = 12;
  const { DatabaseRedundancy } = await failedChecks(cluster);
  assert.match(
    String(DatabaseRedundancy),
    /only mbx01-node1 holds everything acknowledged, 12 changes on its disk alone$/,
  );
  const [row] = await run(cluster, 'Get-StorageGroup', { Server: 'mbx01' });
  assert.equal(row?.['ExposedChanges'], 12);
});

test('health: the witness is gone: only its check fails', async () => {
  const cluster = new FakeCluster();
  cluster.acceptorFailures.set('witness', 'the share is not there');
  assert.deepEqual(await failedChecks(cluster), { FileShareQuorum: 'witness: the share is not there' });
});

test('health: a host runs and its vote is lost: said, although the majority stands', async () => {
  const cluster = new FakeCluster();
  cluster.acceptorFailures.set('mbx01-node2', 'it holds no state');
  assert.deepEqual(await failedChecks(cluster), {
    QuorumGroup: 'it stands, but not every vote counts: mbx01-node2: it holds no state',
  });
});

test('health: no quorum: said as such, with what can be said without the register', async () => {
  const cluster = new FakeCluster();
  cluster.hasQuorum = false;
  cluster.silentHosts.add('mbx01-node2');
  cluster.acceptorFailures.set('mbx01-node2', 'no answer').set('witness', 'not there');
  const failed = await failedChecks(cluster);
  assert.match(String(failed['QuorumGroup']), /^1 of 3 votes answer, 2 are needed/);
});

test('health: queues that grow: named with their lengths', async () => {
  const cluster = new FakeCluster();
  cluster.changeView('mbx01-node2', { copyQueueLength: 10, replayQueueLength: 50 });
  assert.deepEqual(await failedChecks(cluster), {
    SGCopyQueueLength: `${IDENTITY}: 10 log files are not yet copied`,
    SGReplayQueueLength: `${IDENTITY}: 50 log files are not yet replayed`,
  });
});
