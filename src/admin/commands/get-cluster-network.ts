/** Get-ClusterNetwork: the networks of the cluster, and which of them work, by the heartbeats of its hosts. */
import { z } from 'zod';
import { networkStatus } from '../../cluster/networks/network-status.ts';
import { declareCommand } from '../command.ts';
import { heardBy } from '../network-facts.ts';

export const getClusterNetwork = declareCommand({
  name: 'Get-ClusterNetwork',
  synopsis: 'Shows the networks of the cluster and whether they work.',
  description:
    'Shows each network with its role, its priority and its hosts, and what their heartbeats say: Up, Down, Partitioned where only some hosts hear each other, Unknown where no heartbeats are sent. A network that is lost is no failover: connections take the next one.',
  parameters: z.strictObject({}),
  permission: 'View-Only Administrator',
  columns: [
    { name: 'Name', type: 'text', description: 'The network.' },
    { name: 'Role', type: 'text', description: 'private (between nodes), public (clients) or mixed (both).' },
    { name: 'Priority', type: 'number', description: 'Connections take the lowest number that is up.' },
    { name: 'State', type: 'text', description: 'Up, Partitioned, Down or Unknown.' },
    { name: 'Addresses', type: 'list', description: 'Its hosts and their addresses.' },
    { name: 'Heartbeat', type: 'text', description: 'The interval, and how many may be missing in a row.' },
    { name: 'Faults', type: 'list', description: 'Who does not hear whom.' },
  ],
  table: ['Name', 'Role', 'Priority', 'State', 'Faults'],
  examples: [{ line: 'Get-ClusterNetwork', what: 'Shows whether every network between the hosts works.' }],
  handler: async (context) => {
    const heard = heardBy(await context.hostReports());
    return [...context.networks.networks]
      .sort((one, other) => one.priority - other.priority)
      .map((network) => {
        const { state, faults } = networkStatus(network, heard);
        const { intervalMs, toleratedMissed } = network.heartbeat;
        return {
          Name: network.name,
          Role: network.role,
          Priority: network.priority,
          State: state,
          Addresses: Object.entries(network.addresses).map(([host, address]) => `${host} ${address}`),
          Heartbeat: network.role === 'public' ? null : `${intervalMs} ms x ${toleratedMissed}`,
          Faults: faults,
        };
      });
  },
});
