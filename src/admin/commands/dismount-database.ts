/**
 * Dismount-Database: nobody serves the storage group until Mount-Database. The wish is kept in the register, so it
 * holds through restarts and failovers.
 */
import { z } from 'zod';
import { setMounted } from '../../cluster/configuration-changes.ts';
import { declareCommand } from '../command.ts';
import { findStorageGroup } from '../objects.ts';
import { force, storageGroupIdentity } from '../schemas.ts';

export const dismountDatabase = declareCommand({
  name: 'Dismount-Database',
  synopsis: 'Stops serving a storage group.',
  description:
    'Closes the clients of a storage group and keeps it closed, through restarts and failovers, until Mount-Database. Mail for it goes on being accepted into the queue of the hub (not in sync-strict). Dismounting what is dismounted is no error.',
  parameters: z.strictObject({ Identity: storageGroupIdentity, Force: force }),
  positional: ['Identity'],
  permission: 'Server Administrator',
  change: {
    asks: true,
    describe: ({ Identity: identity }) => `Dismount ${identity}, so that none of its mailboxes can be used`,
  },
  columns: [],
  table: [],
  examples: [{ line: "Dismount-Database 'mbx01\\First Storage Group'", what: 'Stops serving its mailboxes.' }],
  handler: async (context, { Identity: identity }) => {
    const { name } = findStorageGroup(await context.register(), identity);
    await context.changeRegister((document) => setMounted(document, name, false));
    return [];
  },
});
