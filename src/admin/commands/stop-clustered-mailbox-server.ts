/** Stop-ClusteredMailboxServer: taken down cleanly, and down until somebody starts it, whatever restarts meanwhile. */
import { z } from 'zod';
import { Problem } from '../../base/problem.ts';
import { stopServer } from '../../cluster/configuration-changes.ts';
import { declareCommand } from '../command.ts';
import { findServer } from '../objects.ts';
import { comment, force, name } from '../schemas.ts';

export const stopClusteredMailboxServer = declareCommand({
  name: 'Stop-ClusteredMailboxServer',
  synopsis: 'Stops a clustered mailbox server until it is started again.',
  description:
    'Takes a clustered mailbox server down cleanly, with all its storage groups, and keeps it down through restarts and failovers until Start-ClusteredMailboxServer. The reason is kept in the register and shown wherever the server is found not to be served. Refused when it is stopped already.',
  parameters: z.strictObject({
    Identity: name('The clustered mailbox server.'),
    StopReason: comment('The reason; it is written to the log and kept in the register.').min(1, 'it is empty'),
    Force: force,
  }),
  positional: ['Identity'],
  permission: 'Server Administrator',
  change: {
    asks: true,
    describe: ({ Identity: identity }) => `Stop ${identity}, so that none of its mailboxes can be used`,
  },
  columns: [],
  table: [],
  examples: [
    { line: "Stop-ClusteredMailboxServer mbx01 -StopReason 'new switch'", what: 'Stops it until it is started again.' },
  ],
  handler: async (context, { Identity: identity, StopReason: reason }) => {
    const server = findServer(await context.register(), identity);
    if (server.record.stopped !== undefined) {
      throw new Problem(
        'AlreadyStopped',
        `Cannot stop ${server.name}: it was stopped already (${server.record.stopped.reason}). Start-ClusteredMailboxServer starts it.`,
      );
    }
    await context.changeRegister((document) => stopServer(document, server.name, reason));
    return [];
  },
});
