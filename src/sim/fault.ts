/** What a fault is, and what several of them need: whom it befalls, and what goes with it. */
import type { Random } from '../base/random.ts';
import { addCopy, removeCopy } from '../cluster/configuration-changes.ts';
import type { RegisterDocument } from '../cluster/register-document.ts';
import { type SimulatedCluster, STORAGE_GROUP } from './simulated-cluster.ts';
import type { SimulatedHost } from './simulated-host.ts';

/** Begins; returns how it ends. */
export type Fault = (cluster: SimulatedCluster, random: Random) => () => void;

export const nothing = (): void => undefined;

export function oneOf<T>(random: Random, items: readonly T[]): T {
  return items[random.below(items.length)] as T;
}

export function anyHost(cluster: SimulatedCluster, random: Random): SimulatedHost {
  // Every second time the one that matters most.
  return random.below(2) === 0 ? (cluster.serving ?? oneOf(random, cluster.hosts)) : oneOf(random, cluster.hosts);
}

export function otherEnds(cluster: SimulatedCluster, host: SimulatedHost): string[] {
  return [...cluster.hosts.filter((other) => other !== host).map(({ name }) => name), 'share'];
}

export function cut(cluster: SimulatedCluster, pairs: readonly (readonly [string, string])[]): () => void {
  cluster.story.tell('network', `cut: ${pairs.map(([from, to]) => `${from}>${to}`).join(' ')}`);
  for (const [from, to] of pairs) cluster.network.cut(from, to);
  return () => {
    cluster.story.tell('network', `healed: ${pairs.map(([from, to]) => `${from}>${to}`).join(' ')}`);
    for (const [from, to] of pairs) cluster.network.heal(from, to);
  };
}

export function bothWays(one: string, others: readonly string[]): (readonly [string, string])[] {
  return others.flatMap((other) => [
    [one, other],
    [other, one],
  ]);
}

/** Once in a run, and never the last copy that holds everything: nobody promises to survive that. */
export function isSparable(cluster: SimulatedCluster, host: SimulatedHost): boolean {
  const isWhole = cluster.hosts.every(
    ({ disksLost, logsRotten, databasesRotten }) => disksLost + logsRotten + databasesRotten === 0,
  );
  return isWhole && (cluster.group?.inSync ?? []).some((name) => name !== host.name);
}

/**
 * As Disable- and Enable-StorageGroupCopy do it: only while the active one serves; the host of the copy hears of it a while
 * after it was decided.
 */
export function removesCopy(cluster: SimulatedCluster, host: SimulatedHost, hearsAfterMs: number): () => void {
  const { administrator, time } = cluster;
  const { name } = host;
  const hear = (): void => {
    if (cluster.group?.copies.includes(name) === true) host.beginCopy();
    else host.endCopy();
  };
  const hearLater = (): void => void time.after(hearsAfterMs, hear);
  const remove = (document: RegisterDocument): RegisterDocument | undefined =>
    removeCopy(document, STORAGE_GROUP, name, cluster.serving?.serving?.epoch);
  administrator.change(`removes the copy on ${name}`, remove, hearLater);
  return () =>
    administrator.change(`adds a copy on ${name}`, (document) => addCopy(document, STORAGE_GROUP, name), hearLater);
}
