/**
 * Are these networks fit for a cluster? Asked when a cluster is formed, whenever a host reads its configuration, and by
 * Test-ReplicationHealth. What cannot work, or works until the first fault and then not, is refused; what works and
 * leaves one thing on which everything depends is a warning. All findings are returned: who has to mend three things
 * wants to know of three.
 *
 * Refused: an address that is not fixed, addresses of one network in different subnets, two networks in one subnet
 * (which way a packet takes is then the machine's choice, and both go with one cable), nodes without a common network
 * for their traffic, clients or hubs without a way to a node.
 */
import { addressOn, type ClusterNetwork, mayCarry, type NetworkHost } from './cluster-network.ts';
import { type IpAddress, isLinkLocal, isPrivateRange, isSameSubnet, parseIpAddress } from './ip-address.ts';

export interface NetworkFindings {
  readonly refused: readonly string[];
  readonly warnings: readonly string[];
}

export function checkNetworks(networks: readonly ClusterNetwork[], hosts: readonly NetworkHost[]): NetworkFindings {
  return {
    refused: [
      ...twice(networks),
      ...networks.flatMap((network) => addressFaults(network)),
      ...networks.flatMap((network) => strangers(network, hosts)),
      ...nameFaults(networks, hosts),
      ...sharedSubnets(networks),
      ...pairs(hosts).flatMap(([one, other]) => withoutWay(networks, one, other)),
      ...withoutClients(networks),
    ],
    warnings: [...singlePoints(networks, hosts), ...networks.flatMap((network) => publicRange(network))],
  };
}

function twice(networks: readonly ClusterNetwork[]): readonly string[] {
  return pairs(networks).flatMap(([one, other]) => [
    ...(one.name.toLowerCase() === other.name.toLowerCase() ? [`two networks are called ${one.name}`] : []),
    ...(one.priority === other.priority ? [`${one.name} and ${other.name} both have priority ${one.priority}`] : []),
  ]);
}

function addressFaults(network: ClusterNetwork): readonly string[] {
  const entries = Object.entries(network.addresses);
  const first = entries.map(([, text]) => parseIpAddress(text)).find((address) => address !== undefined);
  return entries.flatMap(([host, text]) => {
    const address = parseIpAddress(text);
    const place = `the address of ${host} on ${network.name} (${text})`;
    if (address === undefined) return [`${place} is not a fixed IP address; names and addresses given by DHCP change`];
    if (isLinkLocal(address)) return [`${place} is one that a machine draws for itself; give it a fixed one`];
    if (network.prefixLength > address.bytes.length * 8) return [`${network.name} has no prefix length for ${text}`];
    const isApart = first !== undefined && !isSameSubnet(first, address, network.prefixLength);
    return isApart ? [`${place} is not in the subnet of the others (/${network.prefixLength})`] : [];
  });
}

function strangers(network: ClusterNetwork, hosts: readonly NetworkHost[]): readonly string[] {
  return Object.keys(network.addresses)
    .filter((name) => !hosts.some((host) => host.name === name))
    .map((name) => `${network.name} has an address for ${name}, which is not a host of the cluster`);
}

/** A replication host name means one address. */
function nameFaults(networks: readonly ClusterNetwork[], hosts: readonly NetworkHost[]): readonly string[] {
  const names = networks.flatMap((network) =>
    Object.entries(network.hostNames ?? {}).map(([host, name]) => ({ network, host, name: name.toLowerCase() })),
  );
  return [
    ...names
      .filter(({ network, host }) => addressOn(network, host) === undefined)
      .map(({ network, host, name }) => `${name} is a name of ${host} on ${network.name}, where it has no address`),
    ...pairs(names)
      .filter(([one, other]) => one.name === other.name)
      .map(([one, other]) => `${one.name} is a name of ${one.host} and of ${other.host}`),
    ...names
      .filter(({ name }) => hosts.some((host) => host.name.toLowerCase() === name))
      .map(({ name, network }) => `${name} on ${network.name} is the name of a host`),
  ];
}

function sharedSubnets(networks: readonly ClusterNetwork[]): readonly string[] {
  return pairs(networks).flatMap(([one, other]) => {
    const prefixLength = Math.min(one.prefixLength, other.prefixLength);
    const isShared = addressesOf(one).some((left) =>
      addressesOf(other).some((right) => isSameSubnet(left, right, prefixLength)),
    );
    return isShared ? [`${one.name} (${one.role}) and ${other.name} (${other.role}) are in one subnet`] : [];
  });
}

function addressesOf(network: ClusterNetwork): readonly IpAddress[] {
  return Object.values(network.addresses).flatMap((text) => parseIpAddress(text) ?? []);
}

function withoutWay(networks: readonly ClusterNetwork[], one: NetworkHost, other: NetworkHost): readonly string[] {
  if (!one.isNode && !other.isNode) return [];
  if (networks.some((network) => mayCarry(network, one, other))) return [];
  const needed = one.isNode && other.isNode ? 'private or mixed' : 'public or mixed';
  return [`${one.name} and ${other.name} have no ${needed} network in common`];
}

function withoutClients(networks: readonly ClusterNetwork[]): readonly string[] {
  return networks.some((network) => network.role !== 'private') ? [] : ['every network is private: clients have none'];
}

/** One private and one public network: the private one alone carries what nodes say to each other. */
function singlePoints(networks: readonly ClusterNetwork[], hosts: readonly NetworkHost[]): readonly string[] {
  const nodes = hosts.filter((host) => host.isNode);
  return pairs(nodes).flatMap(([one, other]) => {
    const ways = networks.filter((network) => mayCarry(network, one, other));
    const [only] = ways;
    if (ways.length !== 1 || only === undefined) return [];
    return [`${only.name} (${only.role}) is a single point of failure between ${one.name} and ${other.name}`];
  });
}

function publicRange(network: ClusterNetwork): readonly string[] {
  if (network.role !== 'private') return [];
  return Object.keys(network.addresses).flatMap((host) => {
    const address = parseIpAddress(addressOn(network, host) ?? '');
    if (address === undefined || isPrivateRange(address)) return [];
    return [`${network.name} is private, but the address of ${host} is not from a private range (RFC 1918)`];
  });
}

function pairs<T>(list: readonly T[]): readonly (readonly [T, T])[] {
  return list.flatMap((one, index) => list.slice(index + 1).map((other) => [one, other] as const));
}
