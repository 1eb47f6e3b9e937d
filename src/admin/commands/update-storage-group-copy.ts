/** Update-StorageGroupCopy: seeds a copy, that is, makes its baseline anew from the active one. */
import { z } from 'zod';
import { declareCommand } from '../command.ts';
import { choosePassiveCopy } from '../passive-copy.ts';
import { flag, force, name, storageGroupIdentity } from '../schemas.ts';
import { dataHostNames, maxBytesPerSecond, orderSeed } from '../seed-order.ts';

export const updateStorageGroupCopy = declareCommand({
  name: 'Update-StorageGroupCopy',
  synopsis: 'Seeds a copy: makes it anew from the active one.',
  description:
    'Makes the passive copy anew: a consistent snapshot of the database and the message bodies, then the log from there on. The active copy keeps serving. Progress is shown while it runs; blocks that this copy already has, from an interrupted seed or in its old files, are not sent again. The old files are replaced when everything is here and verified. Needed after damage or divergence that cannot be mended automatically.',
  parameters: z.strictObject({
    Identity: storageGroupIdentity,
    DeleteExistingFiles: flag("Removes the old copy's files first; without it they must be gone or usable."),
    ManualResume: flag('Leaves the copy suspended after the seed.'),
    StandbyMachine: name('The host of the copy; needed only where there are several passive ones.').optional(),
    MaxBytesPerSecond: maxBytesPerSecond,
    DataHostNames: dataHostNames,
    Force: force,
  }),
  positional: ['Identity'],
  permission: 'Server Administrator',
  change: { asks: true, describe: ({ Identity: identity }) => `Seed the passive copy of ${identity}` },
  columns: [],
  table: [],
  examples: [
    {
      line: "Update-StorageGroupCopy 'mbx01\\First Storage Group' -DeleteExistingFiles",
      what: 'Throws the passive copy away and makes it anew.',
    },
    {
      line: "Update-StorageGroupCopy 'mbx01\\First Storage Group' -DeleteExistingFiles -MaxBytesPerSecond 10485760",
      what: 'The same with at most 10 MiB a second.',
    },
    {
      line: "Update-StorageGroupCopy 'mbx01\\First Storage Group' -DeleteExistingFiles -DataHostNames mbx01-node2/Public",
      what: 'Leaves the private network to the log.',
    },
  ],
  handler: async (context, parameters) => {
    const { Identity: identity, StandbyMachine: machine } = parameters;
    const { DeleteExistingFiles: deleteExistingFiles, ManualResume: manualResume } = parameters;
    const copy = choosePassiveCopy('seed', await context.register(), identity, machine);
    await orderSeed(context, copy, { ...parameters, deleteExistingFiles, manualResume });
    return [];
  },
});
