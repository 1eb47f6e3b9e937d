/** Start-ClusteredMailboxServer: takes Stop-ClusteredMailboxServer back. */
import { z } from 'zod';
import { Problem } from '../../base/problem.ts';
import { startServer } from '../../cluster/configuration-changes.ts';
import { declareCommand } from '../command.ts';
import { findServer } from '../objects.ts';
import { name } from '../schemas.ts';

export const startClusteredMailboxServer = declareCommand({
  name: 'Start-ClusteredMailboxServer',
  synopsis: 'Starts a clustered mailbox server that was stopped.',
  description:
    'Lets a clustered mailbox server be served again after Stop-ClusteredMailboxServer. That it ends without an error does not mean that every storage group is served: one that was dismounted stays so. Get-ClusteredMailboxServerStatus says how it is. Refused when it was not stopped.',
  parameters: z.strictObject({ Identity: name('The clustered mailbox server.') }),
  positional: ['Identity'],
  permission: 'Server Administrator',
  change: { asks: false, describe: ({ Identity: identity }) => `Start ${identity}` },
  columns: [],
  table: [],
  examples: [{ line: 'Start-ClusteredMailboxServer mbx01', what: 'Serves its mailboxes again.' }],
  handler: async (context, { Identity: identity }) => {
    const server = findServer(await context.register(), identity);
    if (server.record.stopped === undefined) {
      throw new Problem(
        'NotStopped',
        `Cannot start ${server.name}: it was not stopped. Get-ClusteredMailboxServerStatus says how it is.`,
      );
    }
    await context.changeRegister((document) => startServer(document, server.name));
    return [];
  },
});
