/** What the commands say of the cluster's networks, from their description and the heartbeats that hosts report. */
import { Problem } from '../base/problem.ts';
import {
  type ClusterNetwork,
  mayCarry,
  networksBetween,
  replicationName,
} from '../cluster/networks/cluster-network.ts';
import { type HeardBy, isWayLost, networkStatus } from '../cluster/networks/network-status.ts';
import type { ClusterNetworks, HostReport } from './context.ts';
import { quoted, sameName } from './objects.ts';

export function heardBy(hosts: readonly HostReport[]): readonly HeardBy[] {
  return hosts.map(({ host, links = [] }) => ({ host, links }));
}

/** Each network that is lost between some of its hosts, in words; those of hosts that are down themselves left out. */
export function lostNetworks(networks: ClusterNetworks, hosts: readonly HostReport[]): readonly string[] {
  const reachable = new Set(hosts.filter((report) => report.reachable).map((report) => report.host));
  const heard = heardBy(hosts)
    .filter(({ host }) => reachable.has(host))
    .map(({ host, links }) => ({ host, links: links.filter(({ peer }) => reachable.has(peer)) }));
  return networks.networks.flatMap((network) => {
    const { state, faults } = networkStatus(network, heard);
    return faults.length === 0 ? [] : [`${network.name} is ${state}: ${faults.join(', ')}`];
  });
}

/** Problem('NetworkUnknown') */
export function networkCalled({ networks }: ClusterNetworks, identity: string): ClusterNetwork {
  const names = networks.map(({ name }) => name);
  const found = networks.find(({ name }) => name === sameName(names, identity));
  if (found !== undefined) return found;
  throw new Problem('NetworkUnknown', `Cannot find network ${quoted(identity)}: these are known: ${names.join(', ')}.`);
}

export interface ReplicationNames {
  readonly operational: readonly string[];
  readonly failed: readonly string[];
  readonly inUse: readonly string[];
}

/** `HOST/NETWORK`, or the replication host name, for each network between these machines; undefined while no heartbeat says anything. */
export function replicationNames(
  { networks, hosts }: ClusterNetworks,
  reports: readonly HostReport[],
  machines: readonly string[],
): ReplicationNames | undefined {
  const heard = heardBy(reports);
  const names = { operational: new Set<string>(), failed: new Set<string>(), inUse: new Set<string>() };
  for (const [index, one] of machines.entries()) {
    for (const other of machines.slice(index + 1)) {
      const [from, to] = [one, other].map((name) => hosts.find((host) => host.name === name));
      if (from === undefined || to === undefined) continue;
      const isDown = (network: ClusterNetwork): boolean => isWayLost(network.name, one, other, heard) ?? true;
      const ways = networks.filter((network) => mayCarry(network, from, to));
      if (ways.every((way) => isWayLost(way.name, one, other, heard) === undefined)) continue;
      for (const way of ways) {
        for (const name of [one, other])
          (isDown(way) ? names.failed : names.operational).add(replicationName(way, name));
      }
      const [best] = networksBetween(networks, from, to, isDown);
      if (best !== undefined && !isDown(best))
        for (const name of [one, other]) names.inUse.add(replicationName(best, name));
    }
  }
  if (names.operational.size + names.failed.size === 0) return undefined;
  return { operational: [...names.operational], failed: [...names.failed], inUse: [...names.inUse] };
}
