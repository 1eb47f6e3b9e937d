/** Resume-StorageGroupCopy: takes back Suspend-StorageGroupCopy. A copy that is bad fails again, and says why. */
import { z } from 'zod';
import { declareCommand } from '../command.ts';
import { askHostOrPeer, choosePassiveCopy } from '../passive-copy.ts';
import { name, storageGroupIdentity } from '../schemas.ts';

export const resumeStorageGroupCopy = declareCommand({
  name: 'Resume-StorageGroupCopy',
  synopsis: 'Starts replication to a suspended copy again.',
  description:
    'Starts copying and replaying log files again. Get-StorageGroupCopyStatus shows whether Suspend is False and how far the copy is. Resuming a copy that is not suspended is no error.',
  parameters: z.strictObject({
    Identity: storageGroupIdentity,
    StandbyMachine: name('The host of the copy; needed only where there are several passive ones.').optional(),
  }),
  positional: ['Identity'],
  permission: 'Server Administrator',
  change: {
    asks: false,
    describe: ({ Identity: identity }) => `Resume replication to the passive copy of ${identity}`,
  },
  columns: [],
  table: [],
  examples: [
    { line: "Resume-StorageGroupCopy 'mbx01\\First Storage Group'", what: 'Lets the passive copy catch up again.' },
  ],
  handler: async (context, { Identity: identity, StandbyMachine: machine }) => {
    const { group, host } = choosePassiveCopy('resume', await context.register(), identity, machine);
    await askHostOrPeer(context, group, host, 'resume-copy', { storageGroup: group.name, host });
    return [];
  },
});
