/**
 * Optimize-StorageGroupCopy: online defragmentation of one copy. It is each copy's own affair, so it names a host; the
 * active copy is what people mean when they name none.
 */
import { z } from 'zod';
import { declareCommand } from '../command.ts';
import { copyHost, findStorageGroup } from '../objects.ts';
import { name, storageGroupIdentity } from '../schemas.ts';

const resultSchema = z.object({
  emptiedPacks: z.number(),
  movedBodies: z.number(),
  movedBytes: z.number(),
  damagedBodies: z.number(),
  freedPages: z.number(),
  longestStepMs: z.number(),
});

export const optimizeStorageGroupCopy = declareCommand({
  name: 'Optimize-StorageGroupCopy',
  synopsis: 'Defragments a copy while it is in use.',
  description:
    'Gives the space of removed messages back to the disk: packs of which less than three quarters are in use are emptied into new ones and go, free pages of the database leave its file. The copy serves, or follows, meanwhile: the work is done in steps of a few milliseconds with longer rests between. It may be stopped at any moment; what was done by then is kept. Every copy does it by itself once a day, after its scrub. Other copies are not touched, and need no seed. `eseutil /d` does the same offline, and writes everything anew.',
  parameters: z.strictObject({
    Identity: storageGroupIdentity,
    Server: name('The host of the copy; the active one unless it is given.').optional(),
  }),
  positional: ['Identity'],
  permission: 'Server Administrator',
  change: { asks: false, describe: ({ Identity: identity }) => `Defragment a copy of ${identity}` },
  columns: [
    { name: 'StorageGroupName', type: 'text', description: 'The storage group.' },
    { name: 'Server', type: 'text', description: 'The host of the copy.' },
    { name: 'EmptiedPacks', type: 'number', description: 'Packs whose space is given back with the next checkpoint.' },
    { name: 'MovedMessages', type: 'number', description: 'Message bodies that were moved out of them.' },
    { name: 'MovedBytes', type: 'number', description: 'How many bytes that were.' },
    {
      name: 'DamagedMessages',
      type: 'number',
      description: 'Message bodies that could not be moved; they are repaired.',
    },
    { name: 'FreedPages', type: 'number', description: 'Pages by which the database has become shorter.' },
    { name: 'LongestStepMs', type: 'number', description: 'The longest time for which the copy was held up.' },
  ],
  table: ['StorageGroupName', 'Server', 'EmptiedPacks', 'MovedBytes', 'FreedPages'],
  examples: [
    { line: "Optimize-StorageGroupCopy 'mbx01\\First Storage Group'", what: 'Defragments the active copy.' },
    {
      line: "Optimize-StorageGroupCopy 'mbx01\\First Storage Group' -Server mbx01-node2",
      what: 'Defragments the copy on mbx01-node2.',
    },
  ],
  handler: async (context, { Identity: identity, Server: server }) => {
    const group = findStorageGroup(await context.register(), identity);
    const host = copyHost(group, server, 'defragment');
    const order = { storageGroup: group.name };
    const answer = await context.askHost(host, 'optimize-copy', order, (line) => context.reportProgress(line));
    const result = resultSchema.parse(answer);
    return [
      {
        StorageGroupName: group.name,
        Server: host,
        EmptiedPacks: result.emptiedPacks,
        MovedMessages: result.movedBodies,
        MovedBytes: result.movedBytes,
        DamagedMessages: result.damagedBodies,
        FreedPages: result.freedPages,
        LongestStepMs: Math.ceil(result.longestStepMs),
      },
    ];
  },
});
