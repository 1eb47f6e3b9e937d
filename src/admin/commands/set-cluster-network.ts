/** Set-ClusterNetwork: what a network is for, and how much it is preferred, while everything runs. */
import { z } from 'zod';
import { Problem } from '../../base/problem.ts';
import { MAX_NETWORK_PRIORITY } from '../../cluster/limits.ts';
import { applyToNetworks } from '../cluster-networks.ts';
import { declareCommand } from '../command.ts';
import { networkCalled } from '../network-facts.ts';
import { name } from '../schemas.ts';

export const setClusterNetwork = declareCommand({
  name: 'Set-ClusterNetwork',
  synopsis: 'Changes the role or the priority of a network.',
  description:
    'Every host writes it into its holdfast.yaml (comments stay) and obeys it at once: connections that would take another network from now on are formed again there. A priority that another network has is exchanged with it. What leaves nodes or clients without a way is refused; what leaves one network on which everything depends is done with a warning. Every host must answer.',
  parameters: z.strictObject({
    Identity: name('The network.'),
    Role: z
      .enum(['private', 'public', 'mixed'])
      .optional()
      .describe('private (between nodes), public (clients) or mixed (both).'),
    Priority: z
      .int()
      .min(1)
      .max(MAX_NETWORK_PRIORITY)
      .optional()
      .describe('Connections take the lowest number that is up.'),
  }),
  positional: ['Identity'],
  permission: 'Server Administrator',
  change: {
    asks: false,
    describe: ({ Identity: identity, Role: role, Priority: priority }) =>
      `Make ${identity} ${[role, priority === undefined ? undefined : `priority ${priority}`].filter(Boolean).join(', ')}`,
  },
  columns: [],
  table: [],
  examples: [
    {
      line: 'Set-ClusterNetwork Public -Role mixed',
      what: 'Lets traffic between nodes take it when the private one fails.',
    },
    { line: 'Set-ClusterNetwork Replication -Priority 1', what: 'Prefers it from now on.' },
  ],
  handler: async (context, { Identity: identity, Role: role, Priority: priority }) => {
    if (role === undefined && priority === undefined) {
      throw new Problem('NothingToSet', 'Cannot change a network: say -Role or -Priority.');
    }
    const { name: network } = networkCalled(context.networks, identity);
    await applyToNetworks(context, { what: 'set', network, role, priority });
    context.reportProgress(`every host knows ${network} so`);
    return [];
  },
});
