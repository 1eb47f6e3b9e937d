/**
 * Restore-ClusterVote: an acceptor that lost its state, or was replaced by an empty one, votes again (C10). Only by an
 * administrator's word, because a vote that forgot what it promised could let two copies lead; so a majority of the others
 * has to say what it knows, and the set of acceptors as a whole moves on (cluster/vote-set.ts).
 */
import { z } from 'zod';
import { Problem } from '../../base/problem.ts';
import { declareCommand } from '../command.ts';
import { quoted, sameName } from '../objects.ts';
import { force, name } from '../schemas.ts';

export const restoreClusterVote = declareCommand({
  name: 'Restore-ClusterVote',
  synopsis: 'Lets an acceptor that lost its state vote again.',
  description:
    'For an acceptor that answers and holds no state: a host whose disk was replaced (a node or a witness), or a witness share that was emptied. A majority must answer, and the host of this one (or the directory of the share) must be there and empty of any old vote. Refused when the acceptor holds a state already. If it is interrupted after it was decided, the hosts complete it by themselves. Service goes on meanwhile. For another place give Set-ClusterQuorum.',
  parameters: z.strictObject({
    Identity: name(
      'The acceptor: the name of a mailbox host or of the witness process, or witness for a share. Test-ReplicationHealth names it.',
    ),
    Force: force,
  }),
  positional: ['Identity'],
  permission: 'Server Administrator',
  change: { asks: true, describe: ({ Identity: identity }) => `Let the acceptor ${identity} vote again` },
  columns: [],
  table: [],
  examples: [
    { line: 'Restore-ClusterVote witness', what: 'Lets a new, empty witness share vote.' },
    { line: 'Restore-ClusterVote mbx01-node2', what: 'Lets a node vote whose data folder was lost.' },
  ],
  handler: async (context, { Identity: identity }) => {
    const reports = await context.acceptorReports();
    const acceptor = sameName(
      reports.map((report) => report.name),
      identity,
    );
    if (acceptor === undefined) {
      const names = reports.map((report) => report.name).join(', ');
      throw new Problem('AcceptorNotFound', `Cannot find acceptor ${quoted(identity)}: the acceptors are ${names}.`);
    }
    if (reports.some((report) => report.name === acceptor && report.failure === null)) {
      throw new Problem('VoteCounts', `Cannot give ${acceptor} its vote back: it has it. Nothing is to be done.`);
    }
    await context.admitAcceptor(acceptor);
    return [];
  },
});
