/**
 * From the names of -DataHostNames to the cluster network that a seed takes. A name is one of those that the status shows
 * (`mbx01-node2/Private`, or a replication host name), or the address of a host on a network: either says which host and
 * which network is meant. It is refused here, with what could be written instead, rather than found out by a connection that
 * does not come about.
 */
import { Problem } from '../base/problem.ts';
import { addressOn, type ClusterNetwork, mayCarry, replicationName } from '../cluster/networks/cluster-network.ts';
import { isWayLost } from '../cluster/networks/network-status.ts';
import type { AdminContext, ClusterNetworks } from './context.ts';
import { heardBy } from './network-facts.ts';
import { quoted } from './objects.ts';

export interface SeedWay {
  readonly target: string;
  /** The host that gives; null while nobody is active, which the target's host refuses by itself. */
  readonly source: string | null;
}

/** Null without names. Problem('DataHostNameUnknown' | 'DataHostNameUnfit' | 'DataHostUnreachable') */
export async function seedNetwork(
  context: AdminContext,
  names: readonly string[],
  way: SeedWay,
): Promise<string | null> {
  const [first, ...others] = names.map((name) => networkCalled(context.networks, name, way));
  if (first === undefined) return null;
  const another = others.find((network) => network !== first);
  if (another !== undefined) throw unfit(`${first.name} and ${another.name} are two networks. Name one`);
  if (way.source !== null) await mustWork(context, first, way.target, way.source);
  return first.name;
}

function networkCalled(networks: ClusterNetworks, name: string, { target, source }: SeedWay): ClusterNetwork {
  const wanted = name.toLowerCase();
  const known = networks.networks.flatMap((network) =>
    Object.entries(network.addresses).map(([host, address]) => ({ network, host, address })),
  );
  const found = known.find((each) =>
    [nameOf(each), `${each.host}/${each.network.name}`, each.address].some((called) => called.toLowerCase() === wanted),
  );
  const ends = known.filter(({ host }) => host === target || host === source);
  if (found === undefined) {
    throw new Problem(
      'DataHostNameUnknown',
      `Cannot seed over ${quoted(name)}: no host has this name or address on a network. These are known: ${ends.map(nameOf).join(', ')}.`,
    );
  }
  if (!ends.some(({ host }) => host === found.host)) {
    throw unfit(`${name} is neither of ${target}, which is seeded, nor of ${source ?? 'an active copy'}`);
  }
  return found.network;
}

function nameOf({ host, network }: { readonly host: string; readonly network: ClusterNetwork }): string {
  return replicationName(network, host);
}

async function mustWork(context: AdminContext, network: ClusterNetwork, target: string, source: string): Promise<void> {
  const [from, to] = [target, source].map((name) => context.networks.hosts.find((host) => host.name === name));
  if (from === undefined || to === undefined || !mayCarry(network, from, to)) {
    const without = [target, source].find((name) => addressOn(network, name) === undefined);
    throw unfit(
      without === undefined
        ? `${network.name} is for clients and carries nothing between nodes`
        : `${without} has no address on ${network.name}`,
    );
  }
  if (isWayLost(network.name, target, source, heardBy(await context.hostReports())) !== true) return;
  throw new Problem(
    'DataHostUnreachable',
    `Cannot seed over ${network.name}: ${target} and ${source} do not hear each other there. Get-ClusterNetwork says which network works; without -DataHostNames the best one is taken.`,
    { temporary: true },
  );
}

function unfit(state: string): Problem {
  return new Problem('DataHostNameUnfit', `Cannot seed over the network that -DataHostNames names: ${state}.`);
}
