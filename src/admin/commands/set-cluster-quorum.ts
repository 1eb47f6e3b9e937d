/**
 * Set-ClusterQuorum: another witness, while everything runs. The set of votes moves as a whole (cluster/vote-set.ts); the old
 * witness has no vote from then on, whatever becomes of it.
 */
import { z } from 'zod';
import { Problem } from '../../base/problem.ts';
import { placesOf } from '../../cluster/acceptor-places.ts';
import { declareCommand } from '../command.ts';
import { describePlaces, nodesOf, witnessFrom } from '../quorum.ts';
import { force } from '../schemas.ts';

export const setClusterQuorum = declareCommand({
  name: 'Set-ClusterQuorum',
  synopsis: 'Takes another witness while the cluster runs.',
  description:
    'The new witness, an empty directory that every host reaches or a host with the role witness, takes the place of the present one, which may be gone for good. A majority of the present votes must answer, and the new witness too. Hosts need no restart. If the command is interrupted after it was decided, the hosts complete it by themselves. Get-ClusterQuorum shows who votes.',
  parameters: z.strictObject({
    WitnessShare: z
      .string()
      .regex(/^\/.{0,4000}$/, 'a path from the root, such as /mnt/witness')
      .describe('The directory, by the same path on every host.')
      .optional(),
    WitnessHost: z.string().min(1).max(63).describe('The host that runs the witness process.').optional(),
    Force: force,
  }),
  positional: [],
  permission: 'Server Administrator',
  change: {
    asks: true,
    describe: ({ WitnessShare: share, WitnessHost: host }) => `Make ${share ?? host ?? 'nothing'} the witness`,
  },
  columns: [],
  table: [],
  examples: [
    {
      line: 'Set-ClusterQuorum -WitnessShare /mnt/witness2',
      what: 'Takes another share, for instance when the old one is lost.',
    },
    { line: 'Set-ClusterQuorum -WitnessHost witness1', what: 'Takes a process instead of a share.' },
  ],
  handler: async (context, parameters) => {
    const witness = await witnessFrom(context, parameters);
    if (witness === undefined) {
      throw new Problem('NothingToSet', 'Cannot change the quorum: give -WitnessShare or -WitnessHost.');
    }
    const nodes = nodesOf(await context.acceptorReports());
    if (nodes.length % 2 === 1) {
      throw new Problem(
        'WitnessNotNeeded',
        `Cannot take a witness: ${nodes.length} nodes are an odd number, and it would not vote. Nothing is to be done.`,
      );
    }
    const places = placesOf({ nodes, witness });
    context.reportProgress(`From now on these vote: ${describePlaces(places)}`);
    await context.changeAcceptors(places);
    return [];
  },
});
