/**
 * Set-ClusterQuorum: who votes, while everything runs: another witness, a quorum disk, or the nodes alone. The set of votes
 * moves as a whole (cluster/vote-set.ts); the old witness has no vote from then on, whatever becomes of it.
 */
import { z } from 'zod';
import { Problem } from '../../base/problem.ts';
import { type AcceptorPlace, placesOf } from '../../cluster/acceptor-places.ts';
import { declareCommand } from '../command.ts';
import type { AcceptorReport, AdminContext } from '../context.ts';
import { describePlaces, nodesOf, type WitnessParameters, witnessFrom } from '../quorum.ts';
import { flag, force } from '../schemas.ts';
import { witnessParameters } from '../witness-parameters.ts';

export const setClusterQuorum = declareCommand({
  name: 'Set-ClusterQuorum',
  synopsis: 'Says who votes: another witness, a quorum disk, or the nodes alone.',
  description:
    'Another witness, an empty directory that every host reaches or a host with the role witness, takes the place of the present one, which may be gone for good. A quorum disk, a directory on storage that every node reaches, becomes the only vote. -NodeMajority leaves the votes to an odd number of nodes. A majority of the present votes must answer, and every new one. Hosts need no restart. If the command is interrupted after it was decided, the hosts complete it by themselves. Get-ClusterQuorum shows who votes.',
  parameters: z.strictObject({
    ...witnessParameters,
    QuorumDisk: z
      .string()
      .regex(/^\/.{0,4000}$/, 'a path from the root, such as /mnt/quorum')
      .describe('A directory that is the only vote from now on.')
      .optional(),
    NodeMajority: flag('The nodes vote, and nobody else; their number is odd.'),
    Force: force,
  }),
  positional: [],
  permission: 'Server Administrator',
  change: {
    asks: true,
    describe: ({ WitnessShare: share, WitnessHost: host, QuorumDisk: disk, NodeMajority: nodes }) => {
      if (disk !== undefined) return `Make ${disk} the only vote`;
      return nodes ? 'Leave the votes to the nodes' : `Make ${share ?? host ?? 'nothing'} the witness`;
    },
  },
  columns: [],
  table: [],
  examples: [
    {
      line: 'Set-ClusterQuorum -WitnessShare /mnt/witness2',
      what: 'Takes another share, for instance when the old one is lost.',
    },
    { line: 'Set-ClusterQuorum -WitnessHost witness1', what: 'Takes a process instead of a share.' },
    { line: 'Set-ClusterQuorum -QuorumDisk /mnt/quorum', what: 'Leaves every decision to one disk.' },
  ],
  handler: async (context, parameters) => {
    const places = await placesFor(context, parameters);
    context.reportProgress(`From now on these vote: ${describePlaces(places)}`);
    await context.changeAcceptors(places);
    return [];
  },
});

interface QuorumParameters extends WitnessParameters {
  readonly QuorumDisk?: string | undefined;
  readonly NodeMajority: boolean;
}

/** Problem('NothingToSet' | 'QuorumInvalid' | 'WitnessNotNeeded' | 'HostNotFound' | 'HostIsNoWitness') */
async function placesFor(context: AdminContext, parameters: QuorumParameters): Promise<readonly AcceptorPlace[]> {
  const { QuorumDisk: quorumDisk, NodeMajority: isNodesAlone } = parameters;
  const witness = await witnessFrom(context, parameters);
  const given = [witness !== undefined, quorumDisk !== undefined, isNodesAlone].filter(Boolean).length;
  if (given !== 1) {
    throw new Problem(
      'NothingToSet',
      'Cannot change the quorum: give one of -WitnessShare, -WitnessHost, -QuorumDisk and -NodeMajority.',
    );
  }
  const nodes = presentNodes(context, await context.acceptorReports());
  if (witness !== undefined && nodes.length % 2 === 1) {
    throw new Problem(
      'WitnessNotNeeded',
      `Cannot take a witness: ${nodes.length} nodes are an odd number, and it would not vote. Give -NodeMajority if they do not vote yet; else nothing is to be done.`,
    );
  }
  return placesOf({ nodes, witness, quorumDisk });
}

/** Beside a quorum disk no node votes: then the configuration says who they are. */
function presentNodes(context: AdminContext, acceptors: readonly AcceptorReport[]): readonly string[] {
  const voting = nodesOf(acceptors);
  if (voting.length > 0) return voting;
  return context.configuration.hosts.filter(({ roles }) => roles.includes('mailbox')).map(({ name }) => name);
}
