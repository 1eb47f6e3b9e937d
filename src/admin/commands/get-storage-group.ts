/** Get-StorageGroup: what the cluster has decided about each storage group. */
import { z } from 'zod';
import { type ClusterFacts, gatherFacts, reportOf } from '../cluster-facts.ts';
import { declareCommand, type Row } from '../command.ts';
import { type StorageGroup, selectStorageGroups } from '../objects.ts';
import { name, storageGroupIdentity } from '../schemas.ts';

export const getStorageGroup = declareCommand({
  name: 'Get-StorageGroup',
  synopsis: 'Shows storage groups.',
  description:
    'Shows what the cluster has decided about each storage group: which copies there are, which one is active, which ones hold everything acknowledged, and by which rule a change counts as done. Get-StorageGroupCopyStatus shows how the copies are.',
  parameters: z.strictObject({
    Identity: storageGroupIdentity.optional(),
    Server: name('Only storage groups of this clustered mailbox server.').optional(),
  }),
  positional: ['Identity'],
  permission: 'View-Only Administrator',
  columns: [
    { name: 'Identity', type: 'text', description: 'server\\name' },
    { name: 'Name', type: 'text', description: 'The name of the storage group.' },
    { name: 'Server', type: 'text', description: 'The clustered mailbox server that serves it.' },
    {
      name: 'Replicated',
      type: 'text',
      description: 'NonShared: copies that share nothing. Shared: one, on shared storage. None: one only.',
    },
    { name: 'Recovery', type: 'boolean', description: 'Whether it is a recovery storage group.' },
    { name: 'Mode', type: 'text', description: 'When a change counts as done: sync, sync-strict or async.' },
    { name: 'ActiveCopy', type: 'text', description: 'The host that owns it; empty while nobody does.' },
    { name: 'Copies', type: 'list', description: 'Hosts with a copy, in the order of preference.' },
    { name: 'InSyncCopies', type: 'list', description: 'Copies that hold everything acknowledged.' },
    {
      name: 'ExposedChanges',
      type: 'number',
      description:
        'Changes that are acknowledged and, as far as the active copy has heard since it became active, on its disk alone; empty when it does not answer.',
    },
    { name: 'SuspendedCopies', type: 'list', description: 'Copies that an administrator has suspended.' },
    {
      name: 'Mounted',
      type: 'boolean',
      description:
        'Whether it is to be served; Get-StorageGroupCopyStatus and Test-ReplicationHealth say whether it is.',
    },
    {
      name: 'CircularLoggingEnabled',
      type: 'boolean',
      description: 'Whether log files go as soon as nobody needs them.',
    },
    { name: 'LogFilePrefix', type: 'text', description: 'What the names of its log files begin with.' },
    { name: 'Epoch', type: 'number', description: 'Raised by every activation.' },
  ],
  table: ['Name', 'Server', 'Replicated', 'Mode', 'ActiveCopy', 'InSyncCopies'],
  examples: [
    { line: 'Get-StorageGroup', what: 'Lists the storage groups and the hosts of their active copies.' },
    { line: "Get-StorageGroup 'mbx01\\First Storage Group' -Format List", what: 'Shows everything about one.' },
  ],
  handler: async (context, { Identity: identity, Server: server }) => {
    const facts = await gatherFacts(context);
    return selectStorageGroups(facts.document, { identity, server }).map((group) => rowOf(facts, group));
  },
});

function rowOf(facts: ClusterFacts, { identity, name: groupName, server, record }: StorageGroup): Row {
  const report = record.active === null ? undefined : reportOf(facts, groupName, record.active);
  return {
    Identity: identity,
    Name: groupName,
    Server: server,
    Replicated: replicationOf(record.copies.length, record.sharedStorage),
    Recovery: false,
    Mode: record.mode,
    ActiveCopy: record.active,
    Copies: record.copies,
    InSyncCopies: record.inSync,
    ExposedChanges: report?.upkeep?.exposedChanges ?? null,
    SuspendedCopies: Object.keys(record.suspended),
    Mounted: record.mounted,
    CircularLoggingEnabled: record.circularLogging,
    LogFilePrefix: 'E00',
    Epoch: record.epoch,
  };
}

function replicationOf(copies: number, shared: boolean): string {
  if (shared) return 'Shared';
  return copies > 1 ? 'NonShared' : 'None';
}
