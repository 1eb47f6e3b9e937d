/** Update-ContentIndex: throws the full-text index of a copy away and makes it anew. */
import { z } from 'zod';
import { declareCommand } from '../command.ts';
import { copyHost, findStorageGroup } from '../objects.ts';
import { name, storageGroupIdentity } from '../schemas.ts';

export const updateContentIndex = declareCommand({
  name: 'Update-ContentIndex',
  synopsis: 'Makes a full-text index anew.',
  description:
    'Throws the content index of a copy away and builds it anew from the database, in the background. Until it is done searches read the messages themselves. It is never needed in normal service: a damaged index is found and replaced without help.',
  parameters: z.strictObject({
    Identity: storageGroupIdentity,
    Server: name('The host of the copy; the active one unless it is given.').optional(),
  }),
  positional: ['Identity'],
  permission: 'Server Administrator',
  change: { asks: false, describe: ({ Identity: identity }) => `Build the content index of ${identity} anew` },
  columns: [],
  table: [],
  examples: [
    { line: "Update-ContentIndex 'mbx01\\First Storage Group'", what: 'Builds the index of the active copy anew.' },
  ],
  handler: async (context, { Identity: identity, Server: server }) => {
    const group = findStorageGroup(await context.register(), identity);
    const host = copyHost(group, server, 'update the content index of');
    await context.askHost(host, 'rebuild-content-index', { storageGroup: group.name });
    return [];
  },
});
