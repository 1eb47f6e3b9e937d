/** Disable-ContinuousReplicationHostName: takes back an address that Enable-ContinuousReplicationHostName gave a node. */
import { z } from 'zod';
import { Problem } from '../../base/problem.ts';
import { hostCalled } from '../../cluster/networks/network-changes.ts';
import { applyToNetworks } from '../cluster-networks.ts';
import { declareCommand } from '../command.ts';
import { findServer, quoted } from '../objects.ts';
import { name } from '../schemas.ts';

export const disableContinuousReplicationHostName = declareCommand({
  name: 'Disable-ContinuousReplicationHostName',
  synopsis: 'Takes back an address of a node for log shipping and seeding.',
  description:
    'Only addresses that Enable-ContinuousReplicationHostName gave. What runs over it is formed again over the next network; a network that has no address left is gone. What leaves two nodes without a network in common is refused; what leaves one network on which everything depends is done with a warning. Every host must answer.',
  parameters: z.strictObject({
    Identity: name('The clustered mailbox server.'),
    HostName: name('The name of the address.'),
  }),
  positional: ['Identity', 'HostName'],
  permission: 'Server Administrator',
  change: { asks: false, describe: ({ HostName: hostName }) => `Use ${hostName} between nodes no longer` },
  columns: [],
  table: [],
  examples: [{ line: 'Disable-ContinuousReplicationHostName mbx01 mbx01-node1-repl', what: 'Takes one address back.' }],
  handler: async (context, { Identity: identity, HostName: hostName }) => {
    findServer(await context.register(), identity);
    const { networks } = context.networks;
    if (networks.every((network) => hostCalled(network, hostName) === undefined)) {
      const known = networks.flatMap((network) => Object.values(network.hostNames ?? {}));
      throw new Problem(
        'HostNameUnknown',
        `Cannot find the replication host name ${quoted(hostName)}: ${known.length === 0 ? 'none was enabled' : `these were enabled: ${known.join(', ')}`}.`,
      );
    }
    await applyToNetworks(context, { what: 'disable-name', hostName });
    context.reportProgress(`${hostName} is used no longer`);
    return [];
  },
});
