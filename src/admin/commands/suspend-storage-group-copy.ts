/**
 * Suspend-StorageGroupCopy: the copy is left alone until somebody resumes it. The order is a decision of the cluster,
 * kept in the register, so it holds through restarts, and any host can write it down when the copy's own is away.
 */
import { z } from 'zod';
import { declareCommand } from '../command.ts';
import { askHostOrPeer, choosePassiveCopy } from '../passive-copy.ts';
import { comment, force, name, storageGroupIdentity } from '../schemas.ts';

export const suspendStorageGroupCopy = declareCommand({
  name: 'Suspend-StorageGroupCopy',
  synopsis: 'Stops replication to a copy.',
  description:
    'Stops replication to the passive copy: no more log files are copied, inspected or replayed there, and it cannot take over. Its status becomes Suspended. Suspending twice is no error; the new comment stands. While a copy is suspended, log files pile up on the active one.',
  parameters: z.strictObject({
    Identity: storageGroupIdentity,
    SuspendComment: comment('The reason, shown by Get-StorageGroupCopyStatus.').default(''),
    StandbyMachine: name('The host of the copy; needed only where there are several passive ones.').optional(),
    Force: force,
  }),
  positional: ['Identity'],
  permission: 'Server Administrator',
  change: {
    asks: true,
    describe: ({ Identity: identity }) => `Suspend replication to the passive copy of ${identity}`,
  },
  columns: [],
  table: [],
  examples: [
    {
      line: "Suspend-StorageGroupCopy 'mbx01\\First Storage Group' -SuspendComment 'new disk'",
      what: 'Leaves the passive copy alone while its disk is changed.',
    },
  ],
  handler: async (context, { Identity: identity, SuspendComment: text, StandbyMachine: machine }) => {
    const { group, host } = choosePassiveCopy('suspend', await context.register(), identity, machine);
    await askHostOrPeer(context, group, host, 'suspend-copy', { storageGroup: group.name, host, comment: text });
    return [];
  },
});
