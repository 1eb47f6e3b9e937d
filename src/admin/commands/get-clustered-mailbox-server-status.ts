/** Get-ClusteredMailboxServerStatus: whether a clustered mailbox server is served, by which machine, and by which it could be. */
import { z } from 'zod';
import { gatherFacts } from '../cluster-facts.ts';
import { declareCommand } from '../command.ts';
import { findServer } from '../objects.ts';
import { name } from '../schemas.ts';
import { serverColumns, serverRow, serverTable } from '../server-row.ts';

export const getClusteredMailboxServerStatus = declareCommand({
  name: 'Get-ClusteredMailboxServerStatus',
  synopsis: 'Shows the state of clustered mailbox servers.',
  description:
    'Shows whether a clustered mailbox server is online, which of its machines answer, and which of them is the active one. Without -Identity all are shown.',
  parameters: z.strictObject({ Identity: name('The clustered mailbox server.').optional() }),
  positional: ['Identity'],
  permission: 'View-Only Administrator',
  columns: serverColumns,
  table: serverTable,
  defaultFormat: 'List',
  examples: [{ line: 'Get-ClusteredMailboxServerStatus -Identity mbx01', what: 'Shows where mbx01 runs now.' }],
  handler: async (context, { Identity: identity }) => {
    const facts = await gatherFacts(context);
    const { document } = facts;
    const names = identity === undefined ? Object.keys(document.clusteredMailboxServers) : [identity];
    return names.map((each) => serverRow(facts, findServer(document, each)));
  },
});
