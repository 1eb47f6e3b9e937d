/**
 * The networks of a cluster, as an administrator describes them: a name, what it is for, how much it is preferred, and
 * the address of each host on it.
 *
 *   private   between nodes only: register, log shipping, seeding, heartbeats
 *   public    clients only, hubs and access roles among them: nothing between nodes, no heartbeats
 *   mixed     both
 *
 * Which connection takes which network is a pure question: the ones that may carry it, those that are up before those
 * that are not, then by priority. One that heartbeats call down is put last and never left out: heartbeats advise, and
 * a connection that comes about is better evidence than a datagram that did not.
 */
export type NetworkRole = 'private' | 'public' | 'mixed';

export interface HeartbeatSettings {
  readonly intervalMs: number;
  /** So many in a row may be missing before the network counts as down. */
  readonly toleratedMissed: number;
}

export interface ClusterNetwork {
  readonly name: string;
  readonly role: NetworkRole;
  /** 1 is preferred to 2. */
  readonly priority: number;
  /** Bits of an address that name the subnet. */
  readonly prefixLength: number;
  readonly heartbeat: HeartbeatSettings;
  /** Host to address. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Host to the name that its address here was given by Enable-ContinuousReplicationHostName; absent: nobody has one. */
  readonly hostNames?: Readonly<Record<string, string>> | undefined;
}

export interface NetworkHost {
  readonly name: string;
  /** Has copies, so that traffic between nodes is its own. */
  readonly isNode: boolean;
}

/** 2 s until a network counts as down: soon enough to spare connections their own, longer silence limit. */
export const defaultHeartbeat: HeartbeatSettings = { intervalMs: 250, toleratedMissed: 8 };

/** What hosts without a list of networks have: one for everything, on the address that they are known by. */
export function onlyNetwork(addresses: Readonly<Record<string, string>>): ClusterNetwork {
  return { name: 'Public', role: 'mixed', priority: 1, prefixLength: 0, heartbeat: defaultHeartbeat, addresses };
}

export function addressOn(network: ClusterNetwork, host: string): string | undefined {
  return Object.hasOwn(network.addresses, host) ? network.addresses[host] : undefined;
}

/** May a connection between these two use the network? Both have an address there, and it is meant for such traffic. */
export function mayCarry(network: ClusterNetwork, from: NetworkHost, to: NetworkHost): boolean {
  if (addressOn(network, from.name) === undefined || addressOn(network, to.name) === undefined) return false;
  return from.isNode && to.isNode ? network.role !== 'public' : network.role !== 'private';
}

/** As the status shows a host's place on a network, and as -DataHostNames takes it. */
export function replicationName(network: ClusterNetwork, host: string): string {
  return network.hostNames?.[host] ?? `${host}/${network.name}`;
}

/** Best first. `isDown` is what heartbeats say of the way to `to`. */
export function networksBetween(
  networks: readonly ClusterNetwork[],
  from: NetworkHost,
  to: NetworkHost,
  isDown: (network: ClusterNetwork) => boolean,
): readonly ClusterNetwork[] {
  return networks
    .filter((network) => mayCarry(network, from, to))
    .map((network) => ({ network, rank: isDown(network) ? 1 : 0 }))
    .sort((left, right) => left.rank - right.rank || left.network.priority - right.network.priority)
    .map(({ network }) => network);
}
