/**
 * Mount-Database: a storage group has one database, so it is named by its storage group. The wish is written into the
 * register; the host that may lead does it within the next look, and says in the status why when it cannot.
 */
import { z } from 'zod';
import { setMounted } from '../../cluster/configuration-changes.ts';
import { declareCommand } from '../command.ts';
import { findStorageGroup } from '../objects.ts';
import { storageGroupIdentity } from '../schemas.ts';

export const mountDatabase = declareCommand({
  name: 'Mount-Database',
  synopsis: 'Lets a storage group be served again.',
  description:
    'Takes back Dismount-Database: the storage group is served as soon as a copy may lead it. Mounting what is mounted is no error. Get-ClusteredMailboxServerStatus says whether it is served, and why not.',
  parameters: z.strictObject({ Identity: storageGroupIdentity }),
  positional: ['Identity'],
  permission: 'Server Administrator',
  change: { asks: false, describe: ({ Identity: identity }) => `Mount ${identity}` },
  columns: [],
  table: [],
  examples: [{ line: "Mount-Database 'mbx01\\First Storage Group'", what: 'Serves its mailboxes again.' }],
  handler: async (context, { Identity: identity }) => {
    const { name } = findStorageGroup(await context.register(), identity);
    await context.changeRegister((document) => setMounted(document, name, true));
    return [];
  },
});
