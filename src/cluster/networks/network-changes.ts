/**
 * Changes of the cluster's networks while everything runs, as functions of the list: what a network is for and how much it is
 * preferred; a replication host name, that is, one more address of a node for what nodes say to each other. Each host applies
 * a change to its own list, and a change that is made already changes nothing, so an order may be given again.
 */
import type { ClusterNetwork, NetworkRole } from './cluster-network.ts';
import { isSameSubnet, parseIpAddress } from './ip-address.ts';

export type NetworkChange =
  | {
      readonly what: 'set';
      readonly network: string;
      readonly role?: NetworkRole | undefined;
      readonly priority?: number | undefined;
    }
  | {
      readonly what: 'enable-name';
      readonly host: string;
      readonly hostName: string;
      readonly address: string;
      /** As it is to be if there is none of this name. */
      readonly network: Pick<ClusterNetwork, 'name' | 'priority' | 'prefixLength' | 'heartbeat'>;
    }
  | { readonly what: 'disable-name'; readonly hostName: string };

export function changeNetworks(networks: readonly ClusterNetwork[], change: NetworkChange): readonly ClusterNetwork[] {
  if (change.what === 'set') return withSettings(networks, change);
  return change.what === 'enable-name' ? withName(networks, change) : withoutName(networks, change.hostName);
}

/** A priority that another network has is exchanged with it. */
function withSettings(
  networks: readonly ClusterNetwork[],
  { network: name, role, priority }: Extract<NetworkChange, { what: 'set' }>,
): readonly ClusterNetwork[] {
  const before = networks.find((each) => each.name === name);
  if (before === undefined) return networks;
  const next = { ...before, role: role ?? before.role, priority: priority ?? before.priority };
  return networks.map((each) => {
    if (each === before) return next;
    return each.priority === next.priority ? { ...each, priority: before.priority } : each;
  });
}

function withName(
  networks: readonly ClusterNetwork[],
  { host, hostName, address, network }: Extract<NetworkChange, { what: 'enable-name' }>,
): readonly ClusterNetwork[] {
  const known = networks.find(({ name }) => name === network.name);
  const changed: ClusterNetwork = {
    ...(known ?? { ...network, role: 'private' }),
    addresses: { ...known?.addresses, [host]: address },
    hostNames: { ...known?.hostNames, [host]: hostName },
  };
  return known === undefined ? [...networks, changed] : networks.map((each) => (each === known ? changed : each));
}

/** The address that came with the name goes with it; a network without any address is none. */
function withoutName(networks: readonly ClusterNetwork[], hostName: string): readonly ClusterNetwork[] {
  return networks.flatMap((network) => {
    const host = hostCalled(network, hostName);
    if (host === undefined) return [network];
    const { hostNames: _all, ...others } = network;
    const hostNames = without(network.hostNames ?? {}, host);
    const addresses = without(network.addresses, host);
    if (Object.keys(addresses).length === 0) return [];
    return [{ ...others, addresses, ...(Object.keys(hostNames).length === 0 ? {} : { hostNames }) }];
  });
}

/** Whose replication host name on this network it is. */
export function hostCalled(network: ClusterNetwork, hostName: string): string | undefined {
  const wanted = hostName.toLowerCase();
  return Object.entries(network.hostNames ?? {}).find(([, called]) => called.toLowerCase() === wanted)?.[0];
}

/** The network in whose subnet `address` is. */
export function networkOfSubnet(networks: readonly ClusterNetwork[], address: string): ClusterNetwork | undefined {
  const parsed = parseIpAddress(address);
  if (parsed === undefined) return undefined;
  return networks.find(({ addresses, prefixLength }) =>
    Object.values(addresses).some((text) => {
      const other = parseIpAddress(text);
      return other !== undefined && isSameSubnet(parsed, other, prefixLength);
    }),
  );
}

/** Undefined when all are taken. */
export function freePriority(networks: readonly ClusterNetwork[], highest: number): number | undefined {
  for (let priority = 1; priority <= highest; priority += 1) {
    if (networks.every((network) => network.priority !== priority)) return priority;
  }
  return undefined;
}

function without<T>(record: Readonly<Record<string, T>>, key: string): Record<string, T> {
  const { [key]: _gone, ...rest } = record;
  return rest;
}
