/**
 * Get-StorageGroupCopyStatus: how a passive copy is. Always about the target of replication, never about the active
 * copy, as the reference has it for CCR. Everything shown is a fact of now: an idle storage group whose copy is broken
 * is not Healthy, and a new one needs no traffic to become so.
 */
import { z } from 'zod';
import { type SummaryCopyStatus, summaryCopyStatus } from '../../cluster/copy-status.ts';
import type { LogMark } from '../../replication/log-marks.ts';
import { type ClusterFacts, copyFactsAt, gatherFacts, passiveHosts, reportOf } from '../cluster-facts.ts';
import { type Column, declareCommand, type Row } from '../command.ts';
import { isoTime, type StorageGroup, sameName, selectStorageGroups } from '../objects.ts';
import { name, storageGroupIdentity } from '../schemas.ts';

const columns: readonly Column[] = [
  { name: 'Identity', type: 'text', description: 'server\\name' },
  { name: 'Name', type: 'text', description: 'The name of the storage group.' },
  { name: 'StorageGroupName', type: 'text', description: 'The name of the storage group.' },
  { name: 'SummaryCopyStatus', type: 'text', description: 'The overall state of the passive copy.' },
  { name: 'NotSupported', type: 'boolean', description: 'The storage group is of a kind that is not replicated.' },
  { name: 'NotConfigured', type: 'boolean', description: 'There is no passive copy.' },
  { name: 'Disabled', type: 'boolean', description: 'There is nothing to replicate to.' },
  { name: 'ServiceDown', type: 'boolean', description: "The copy's host, or the copy's process, does not answer." },
  { name: 'Initializing', type: 'boolean', description: 'The copy is starting.' },
  {
    name: 'Resynchronizing',
    type: 'boolean',
    description: 'The copy is finding the last point that it has in common with the active one.',
  },
  { name: 'Failed', type: 'boolean', description: 'The copy cannot replicate and replay.' },
  { name: 'FailedMessage', type: 'text', description: 'Why it is Failed.' },
  { name: 'Seeding', type: 'boolean', description: 'A seed is running.' },
  { name: 'SeedingPercent', type: 'number', description: 'How much of the seed is here.' },
  { name: 'SeedingBytesPerSecond', type: 'number', description: 'How fast the seed is.' },
  { name: 'SeedingSecondsLeft', type: 'number', description: 'How long the seed will take at this rate.' },
  { name: 'Suspend', type: 'boolean', description: 'An administrator has suspended it.' },
  { name: 'SuspendComment', type: 'text', description: "The administrator's reason." },
  { name: 'CCRTargetNode', type: 'text', description: 'The host of the passive copy.' },
  { name: 'CopyQueueLength', type: 'number', description: 'Log files not yet copied and inspected.' },
  { name: 'ReplayQueueLength', type: 'number', description: 'Log files inspected and not yet replayed.' },
  { name: 'LatestAvailableLogTime', type: 'time', description: 'When the newest log file was made.' },
  {
    name: 'LastCopyNotificationedLogTime',
    type: 'time',
    description: 'When the newest log file that the copy was told of was made.',
  },
  { name: 'LastCopiedLogTime', type: 'time', description: 'When the last copied log file was made.' },
  { name: 'LastInspectedLogTime', type: 'time', description: 'When the last inspected log file was made.' },
  { name: 'LastReplayedLogTime', type: 'time', description: 'When the last replayed log file was made.' },
  { name: 'LastLogGenerated', type: 'number', description: 'Generation of the newest log file.' },
  {
    name: 'LastLogCopyNotified',
    type: 'number',
    description: 'Generation of the newest log file that the copy was told of.',
  },
  { name: 'LastLogCopied', type: 'number', description: 'Generation of the last copied log file.' },
  { name: 'LastLogInspected', type: 'number', description: 'Generation of the last inspected log file.' },
  { name: 'LastLogReplayed', type: 'number', description: 'Generation of the last replayed log file.' },
  {
    name: 'InSync',
    type: 'boolean',
    description: 'The copy holds everything acknowledged and may take over by itself.',
  },
  { name: 'LatestFullBackupTime', type: 'time', description: 'When the last full backup was taken.' },
  { name: 'LatestIncrementalBackupTime', type: 'time', description: 'When the last incremental backup was taken.' },
  { name: 'DefragmentationStatus', type: 'text', description: 'How far the defragmentation that runs now is.' },
  { name: 'LatestDefragmentationTime', type: 'time', description: 'When one was finished, since its process started.' },
  { name: 'ContentIndexState', type: 'text', description: "The copy's full-text index: Healthy, Crawling or Failed." },
];

export const getStorageGroupCopyStatus = declareCommand({
  name: 'Get-StorageGroupCopyStatus',
  synopsis: 'Shows how the passive copies of storage groups are.',
  description:
    'Shows the state of replication: whether the passive copy is Healthy, how many log files it is behind, and why it is not Healthy when it is not. It is always about the target of replication.',
  parameters: z.strictObject({
    Identity: storageGroupIdentity.optional(),
    Server: name('Only storage groups of this clustered mailbox server.').optional(),
    StandbyMachine: name('Only the copy on this host.').optional(),
  }),
  positional: ['Identity'],
  permission: 'View-Only Administrator',
  columns,
  table: ['Name', 'SummaryCopyStatus', 'CopyQueueLength', 'ReplayQueueLength', 'LastInspectedLogTime'],
  examples: [
    { line: 'Get-StorageGroupCopyStatus', what: 'Shows the state of all passive copies.' },
    {
      line: "Get-StorageGroupCopyStatus 'mbx01\\First Storage Group' -Format List",
      what: 'Shows everything about one.',
    },
  ],
  handler: async (context, { Identity: identity, Server: server, StandbyMachine: machine }) => {
    const facts = await gatherFacts(context);
    const groups = selectStorageGroups(facts.document, { identity, server });
    return groups.flatMap((group) =>
      targetsOf(group)
        .filter((host) => machine === undefined || sameName([host], machine) !== undefined)
        .map((host) => rowOf(facts, group, host)),
    );
  },
});

/** A storage group with one copy has no target; its row says so, under the name of the one host it has. */
function targetsOf(group: StorageGroup): readonly string[] {
  const passive = passiveHosts(group);
  return passive.length > 0 ? passive : group.record.copies.slice(0, 1);
}

function rowOf(facts: ClusterFacts, group: StorageGroup, host: string): Row {
  const copy = copyFactsAt(facts, group.name, host);
  const view = reportOf(facts, group.name, host)?.view ?? null;
  const summary: SummaryCopyStatus = summaryCopyStatus(copy);
  return {
    Identity: group.identity,
    Name: group.name,
    StorageGroupName: group.name,
    SummaryCopyStatus: summary,
    NotSupported: !copy.isSupported,
    NotConfigured: !copy.isConfigured,
    Disabled: summary === 'Disabled',
    ServiceDown: !copy.isReachable,
    Initializing: copy.isInitializing,
    Resynchronizing: copy.isResynchronizing,
    Failed: copy.isFailed,
    FailedMessage: view?.failedMessage ?? null,
    Seeding: copy.isSeeding,
    ...seedFields(facts, group, host),
    Suspend: copy.isSuspended,
    SuspendComment: group.record.suspended[host] ?? null,
    CCRTargetNode: host,
    CopyQueueLength: view?.copyQueueLength ?? null,
    ReplayQueueLength: view?.replayQueueLength ?? null,
    ...logFields(facts, group, host),
    InSync: group.record.inSync.includes(host),
    ...upkeepFields(facts, group, host),
  };
}

function upkeepFields(facts: ClusterFacts, group: StorageGroup, host: string): Row {
  const report = reportOf(facts, group.name, host);
  const { backups, contentIndex = null } = report?.upkeep ?? {};
  const defragmentation = report?.maintenance?.defragmentation;
  return {
    LatestFullBackupTime: isoTime(backups?.latestFullMs ?? null),
    LatestIncrementalBackupTime: isoTime(backups?.latestIncrementalMs ?? null),
    DefragmentationStatus: defragmentation?.progress ?? null,
    LatestDefragmentationTime: isoTime(defragmentation?.lastMs ?? null),
    ContentIndexState: contentIndex?.state ?? null,
  };
}

function seedFields(facts: ClusterFacts, group: StorageGroup, host: string): Row {
  const seed = reportOf(facts, group.name, host)?.upkeep?.seed ?? null;
  const percent = seed === null ? null : Math.floor((seed.doneBytes * 100) / Math.max(1, seed.totalBytes));
  return {
    SeedingPercent: percent,
    SeedingBytesPerSecond: seed?.bytesPerSecond ?? null,
    SeedingSecondsLeft: seed?.secondsLeft ?? null,
  };
}

/** What was generated, the active copy knows best; while it is away, the target knows what it was last told. */
function logFields(facts: ClusterFacts, group: StorageGroup, host: string): Row {
  const { active } = group.record;
  const source = active === null ? null : (reportOf(facts, group.name, active)?.logs ?? null);
  const target = reportOf(facts, group.name, host)?.logs ?? null;
  const generated = source?.generated ?? target?.generated;
  return {
    ...markFields('LatestAvailableLogTime', 'LastLogGenerated', generated),
    ...markFields('LastCopyNotificationedLogTime', 'LastLogCopyNotified', target?.copyNotified),
    ...markFields('LastCopiedLogTime', 'LastLogCopied', target?.copied),
    ...markFields('LastInspectedLogTime', 'LastLogInspected', target?.inspected),
    ...markFields('LastReplayedLogTime', 'LastLogReplayed', target?.replayed),
  };
}

function markFields(timeName: string, generationName: string, mark: LogMark | undefined): Row {
  return { [timeName]: isoTime(mark?.timeMs ?? null), [generationName]: mark?.generation ?? null };
}
