/** Restore-QuarantinedMail: mail that a seed put aside goes back to its mailboxes. */
import { z } from 'zod';
import { declareCommand } from '../command.ts';
import { copyHost, selectStorageGroups } from '../objects.ts';
import { name, storageGroupIdentity } from '../schemas.ts';

const tailsSchema = z.number();

export const restoreQuarantinedMail = declareCommand({
  name: 'Restore-QuarantinedMail',
  synopsis: 'Brings back mail that a seed has put aside.',
  description:
    'When a copy is seeded, records of its old log that the active copy does not have go to its quarantine folder and stay there: perhaps the storage group was put back to an earlier point, and they are what was to be undone. This command says that they are wanted: mail among them is brought back once, in the background, as that of an ordinary failover is by itself. Messages that were removed in the same moments, that are there already, or that lie so far back that their owner may have deleted them since then, do not come back. Get-QuarantinedChange shows what is there and how far it is.',
  parameters: z.strictObject({
    Identity: storageGroupIdentity,
    Server: name('The host whose copy has it in quarantine.'),
  }),
  positional: ['Identity', 'Server'],
  permission: 'Server Administrator',
  change: {
    asks: false,
    describe: ({ Identity: identity, Server: server }) =>
      `Bring back the mail of ${identity} in quarantine on ${server}`,
  },
  columns: [{ name: 'Folders', type: 'number', description: 'How many folders in quarantine are gone through.' }],
  table: ['Folders'],
  examples: [
    {
      line: "Restore-QuarantinedMail 'mbx01\\First Storage Group' mbx01-node1",
      what: 'Brings back what the seed of the copy on mbx01-node1 has put aside.',
    },
  ],
  handler: async (context, { Identity: identity, Server: server }) => {
    const groups = selectStorageGroups(await context.register(), { identity, server: undefined });
    const folders = groups.map(async (group) => {
      const host = copyHost(group, server, 'bring back mail of');
      return tailsSchema.parse(await context.askHost(host, 'return-quarantined', { storageGroup: group.name }));
    });
    return (await Promise.all(folders)).map((count) => ({ Folders: count }));
  },
});
