/**
 * The state of each cluster network, from what the heartbeats of all hosts say. Two hosts may say different things of
 * one way, each of its own direction; a way works when nobody who was asked calls it lost.
 */
import type { LinkStatus } from '../heartbeat/heartbeats.ts';
import type { ClusterNetwork } from './cluster-network.ts';

/** `Unknown`: nothing is heard of it, because it is for clients only or its hosts run without heartbeats. */
export type NetworkState = 'Up' | 'Partitioned' | 'Down' | 'Unknown';

/** What one host says. */
export interface HeardBy {
  readonly host: string;
  readonly links: readonly LinkStatus[];
}

export interface NetworkStatus {
  readonly state: NetworkState;
  /** "mbx01-node1 does not hear mbx01-node2", one for each host that says so. */
  readonly faults: readonly string[];
}

export function networkStatus(network: ClusterNetwork, heard: readonly HeardBy[]): NetworkStatus {
  const all = linksOn(network.name, heard).filter(({ link }) => link.state !== 'starting');
  const lost = all.filter(({ link }) => link.state !== 'up');
  return { state: stateOf(all.length, lost.length), faults: lost.map(faultOf) };
}

function stateOf(known: number, lost: number): NetworkState {
  if (known === 0) return 'Unknown';
  if (lost === 0) return 'Up';
  return lost === known ? 'Down' : 'Partitioned';
}

interface HeardLink {
  readonly host: string;
  readonly link: LinkStatus;
}

function linksOn(network: string, heard: readonly HeardBy[]): readonly HeardLink[] {
  return heard.flatMap(({ host, links }) =>
    links.filter((link) => link.network === network).map((link) => ({ host, link })),
  );
}

function faultOf({ host, link }: HeardLink): string {
  return link.state === 'one-way'
    ? `${host} hears ${link.peer} and is not heard by it`
    : `${host} does not hear ${link.peer}`;
}

/** Whether any host calls the way between these two over this network lost; undefined when none knows. */
export function isWayLost(network: string, one: string, other: string, heard: readonly HeardBy[]): boolean | undefined {
  const links = linksOn(network, heard).filter(
    ({ host, link }) => (host === one && link.peer === other) || (host === other && link.peer === one),
  );
  if (links.length === 0) return undefined;
  return links.some(({ link }) => link.state === 'down' || link.state === 'one-way');
}
