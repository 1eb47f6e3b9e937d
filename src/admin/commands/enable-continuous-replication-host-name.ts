/**
 * Enable-ContinuousReplicationHostName: one more address of a node for what nodes say to each other, the log and seeds above all, and a
 * name for it. Given once for each node and network. The name is the cluster's own: no directory and no DNS knows it.
 */
import { z } from 'zod';
import { Problem } from '../../base/problem.ts';
import { MAX_NETWORK_PRIORITY } from '../../cluster/limits.ts';
import { addressOn, type ClusterNetwork, defaultHeartbeat } from '../../cluster/networks/cluster-network.ts';
import { parseIpAddress } from '../../cluster/networks/ip-address.ts';
import { freePriority, networkOfSubnet } from '../../cluster/networks/network-changes.ts';
import { applyToNetworks } from '../cluster-networks.ts';
import { declareCommand } from '../command.ts';
import type { AdminContext } from '../context.ts';
import { findServer, hostNotFound, sameName } from '../objects.ts';
import { name, nameOfHost } from '../schemas.ts';

const USUAL_PREFIX = { v4: 24, v6: 64 } as const;

export const enableContinuousReplicationHostName = declareCommand({
  name: 'Enable-ContinuousReplicationHostName',
  synopsis: 'Gives a node one more address for log shipping and seeding.',
  description:
    'The address belongs to a network card of the node already. If it is in the subnet of a network that carries traffic between nodes, the node joins that one; otherwise a private network is made, with -Network, -PrefixLength and -Priority. Log shipping takes it as soon as another node has an address there too and no network of a lower priority number is up; Update-StorageGroupCopy takes the name for -DataHostNames. Every host must answer; none is restarted.',
  parameters: z.strictObject({
    Identity: name('The clustered mailbox server.'),
    TargetMachine: name('The node.'),
    HostName: nameOfHost('The name of this address.'),
    IPv4Address: name('A fixed address that the node has (an IPv6 address does as well).'),
    Network: name('The name of a new network.').optional(),
    PrefixLength: z.int().min(1).max(128).optional().describe('Of a new network; without it 24, or 64 for IPv6.'),
    Priority: z
      .int()
      .min(1)
      .max(MAX_NETWORK_PRIORITY)
      .optional()
      .describe('Of a new network; without it the lowest number that is free.'),
  }),
  positional: ['Identity', 'TargetMachine'],
  permission: 'Server Administrator',
  change: {
    asks: false,
    describe: ({ TargetMachine: machine, HostName: hostName, IPv4Address: address }) =>
      `Use ${address} of ${machine} as ${hostName} between nodes`,
  },
  columns: [],
  table: [],
  examples: [
    {
      line: 'Enable-ContinuousReplicationHostName mbx01 mbx01-node1 -HostName mbx01-node1-repl -IPv4Address 10.10.20.1',
      what: 'The first half of a second network between the nodes; the other node gets the second.',
    },
  ],
  handler: async (context, parameters) => {
    const { Identity: identity, HostName: hostName, IPv4Address: address } = parameters;
    const { redundantMachines } = findServer(await context.register(), identity).record;
    const host = sameName(redundantMachines, parameters.TargetMachine);
    if (host === undefined) throw hostNotFound(parameters.TargetMachine, redundantMachines);
    const network = networkFor(context, host, parameters);
    await applyToNetworks(context, { what: 'enable-name', host, hostName, address, network }, host);
    context.reportProgress(`${hostName} is ${host} on ${network.name}`);
    return [];
  },
});

interface Wanted {
  readonly HostName: string;
  readonly IPv4Address: string;
  readonly Network?: string | undefined;
  readonly PrefixLength?: number | undefined;
  readonly Priority?: number | undefined;
}

/** Problem('NetworkForClients' | 'AddressKnown' | 'NetworkExists' | 'PrioritiesUsedUp') */
function networkFor(context: AdminContext, host: string, wanted: Wanted): ClusterNetwork {
  const { networks } = context.networks;
  const { IPv4Address: address, HostName: hostName } = wanted;
  const known = networkOfSubnet(networks, address);
  if (known === undefined) return newNetwork(networks, wanted);
  if (known.role === 'public') {
    throw new Problem(
      'NetworkForClients',
      `Cannot use ${address} between nodes: ${known.name} is for clients. Set-ClusterNetwork ${known.name} -Role mixed lets it carry both.`,
    );
  }
  const present = addressOn(known, host);
  const isSame = present === address && known.hostNames?.[host] === hostName;
  if (present === undefined || isSame) return known;
  throw new Problem(
    'AddressKnown',
    `Cannot use ${address} between nodes: ${host} is on ${known.name} with ${present} already, which carries the log and seeds by its role. Nothing is to be done.`,
  );
}

function newNetwork(networks: readonly ClusterNetwork[], wanted: Wanted): ClusterNetwork {
  const names = networks.map(({ name: known }) => known);
  const called = wanted.Network ?? freeName(names);
  if (sameName(names, called) !== undefined) {
    throw new Problem(
      'NetworkExists',
      `Cannot make a network ${called} for ${wanted.IPv4Address}: there is one of this name in another subnet. Give another name with -Network.`,
    );
  }
  const priority = wanted.Priority ?? freePriority(networks, MAX_NETWORK_PRIORITY);
  if (priority === undefined) throw new Problem('PrioritiesUsedUp', 'Cannot make a network: no priority is free.');
  const usual = parseIpAddress(wanted.IPv4Address)?.bytes.length === 16 ? USUAL_PREFIX.v6 : USUAL_PREFIX.v4;
  return {
    name: called,
    role: 'private',
    priority,
    prefixLength: wanted.PrefixLength ?? usual,
    heartbeat: defaultHeartbeat,
    addresses: {},
  };
}

function freeName(names: readonly string[]): string {
  let number = 1;
  const called = (): string => (number === 1 ? 'Replication' : `Replication ${number}`);
  while (sameName(names, called()) !== undefined) number += 1;
  return called();
}
