/** Documents and views for tests of the pure decisions: a healthy pair, changed where the story needs it. */
import type { CopyView } from '../copy-control.ts';
import type { ClusteredMailboxServerRecord, RegisterDocument, StorageGroupRecord } from '../register-document.ts';

export const GROUP = 'mbx01\\First Storage Group';

export function groupRecord(changes: Partial<StorageGroupRecord> = {}): StorageGroupRecord {
  return {
    epoch: 5,
    active: 'A',
    inSync: ['A', 'B'],
    mounted: true,
    hint: { lsn: 1_000, generation: 10 },
    mode: 'sync',
    copies: ['A', 'B'],
    sharedStorage: false,
    circularLogging: false,
    suspended: {},
    ...changes,
  };
}

export function documentOf(
  group: Partial<StorageGroupRecord> = {},
  server: Partial<ClusteredMailboxServerRecord> = {},
): RegisterDocument {
  return {
    clusterId: 'c',
    version: 12,
    nodes: { A: { incarnation: 3, lease: 40 }, B: { incarnation: 2, lease: 7 } },
    storageGroups: { [GROUP]: groupRecord(group) },
    clusteredMailboxServers: {
      mbx01: {
        storageGroups: [GROUP],
        redundantMachines: ['A', 'B'],
        autoDatabaseMountDial: 'BestAvailability',
        forcedDatabaseMountAfterHours: null,
        ...server,
      },
    },
  };
}

export function copyView(changes: Partial<CopyView> = {}): CopyView {
  return {
    state: 'passive',
    epochSeen: 5,
    endLsn: 1_000,
    durableLsn: 1_000,
    generation: 10,
    copyQueueLength: 0,
    replayQueueLength: 0,
    failedMessage: null,
    seeding: false,
    resynchronizing: false,
    initializing: false,
    mayTakeOver: true,
    ...changes,
  };
}
