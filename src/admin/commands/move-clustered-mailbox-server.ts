/**
 * Move-ClusteredMailboxServer: a planned move, which loses nothing and interrupts for less than a second. Whether it may
 * take place is decided by the cluster's own rule (cluster/hand-off.ts), here before anything is touched and once more
 * by the host that does it.
 */
import { z } from 'zod';
import { Problem } from '../../base/problem.ts';
import { decideHandOff } from '../../cluster/hand-off.ts';
import { type ClusterFacts, copyStatusAt, gatherFacts } from '../cluster-facts.ts';
import { declareCommand } from '../command.ts';
import type { AdminContext } from '../context.ts';
import { type ClusteredMailboxServer, findServer, sameName } from '../objects.ts';
import { comment, flag, force, name } from '../schemas.ts';
import { serverColumns, serverRow, serverTable } from '../server-row.ts';

export const moveClusteredMailboxServer = declareCommand({
  name: 'Move-ClusteredMailboxServer',
  synopsis: 'Moves a clustered mailbox server to another machine.',
  description:
    "Moves a clustered mailbox server, with all its storage groups, to another of its machines. Refused while a copy there is not Healthy; the message names the storage group. Every acknowledged change is on the target before it takes over; clients see an interruption of less than a second. Afterwards the server's state is shown.",
  parameters: z.strictObject({
    Identity: name('The clustered mailbox server.'),
    TargetMachine: name('The machine that shall run it.'),
    MoveComment: comment('The reason; it is written to the log and kept in the register.'),
    IgnoreDismounted: flag('Leaves dismounted storage groups out of the checks.'),
    ValidateOnly: flag('Checks whether the move would be allowed, and does not move.'),
    Force: force,
  }),
  positional: ['Identity'],
  permission: 'Server Administrator',
  change: {
    asks: true,
    describe: ({ Identity: identity, TargetMachine: target }) => `Move ${identity} to ${target}`,
  },
  columns: serverColumns,
  table: serverTable,
  defaultFormat: 'List',
  examples: [
    {
      line: "Move-ClusteredMailboxServer mbx01 -TargetMachine mbx01-node2 -MoveComment 'maintenance'",
      what: 'Makes mbx01-node2 the active node, so that mbx01-node1 can be shut down.',
    },
  ],
  handler: async (context, parameters) => {
    const facts = await gatherFacts(context);
    const server = findServer(facts.document, parameters.Identity);
    const target = sameName(server.record.redundantMachines, parameters.TargetMachine) ?? parameters.TargetMachine;
    const sources = checkMove(facts, server, target, parameters.IgnoreDismounted);
    if (!parameters.ValidateOnly) await handOff(context, server, target, parameters.MoveComment, sources);
    const after = parameters.ValidateOnly ? facts : await gatherFacts(context);
    return [serverRow(after, findServer(after.document, server.name))];
  },
});

/** The hosts that have to hand over. Problem('MoveRefused') with every objection. */
function checkMove(
  facts: ClusterFacts,
  server: ClusteredMailboxServer,
  target: string,
  ignoreDismounted: boolean,
): readonly string[] {
  const statusAtTarget = new Map(
    server.record.storageGroups.map((group) => [group, copyStatusAt(facts, group, target)]),
  );
  const decision = decideHandOff({
    document: facts.document,
    server: server.name,
    target,
    statusAtTarget,
    ignoreDismounted,
  });
  if (decision.kind === 'refused') throw refused(server, target, decision.objections);
  if (decision.moves.length === 0) throw refused(server, target, ['it already runs there']);
  const unowned = decision.moves.filter((move) => move.from === null);
  if (unowned.length > 0)
    throw refused(
      server,
      target,
      unowned.map((move) => `${move.storageGroup}: no host owns it now`),
    );
  return [...new Set(decision.moves.flatMap((move) => move.from ?? []))];
}

function refused(server: ClusteredMailboxServer, target: string, objections: readonly string[]): Problem {
  return new Problem(
    'MoveRefused',
    `Cannot move ${server.name} to ${target}: ${objections.join('; ')}. Get-StorageGroupCopyStatus and Get-ClusteredMailboxServerStatus say more.`,
  );
}

async function handOff(
  context: AdminContext,
  server: ClusteredMailboxServer,
  target: string,
  text: string,
  sources: readonly string[],
): Promise<void> {
  const request = { clusteredMailboxServer: server.name, target, comment: text };
  for (const source of sources) {
    await context.askHost(source, 'hand-off', request, (line) => context.reportProgress(line));
  }
}
