/**
 * What a host that missed an order of nodes to come or go has to make up for, by what the register says. Where the others are never
 * decides anything: a host with an old list reaches fewer of them, and that is all.
 */
import { type HostPlace, isEvicted, type RegisterDocument } from './register-document.ts';

/** As the host's own list has it. */
export interface KnownHost {
  readonly name: string;
  readonly address: string;
  readonly clusterPort: number;
}

export interface HostsToLearn {
  readonly add: readonly { readonly name: string; readonly place: HostPlace }[];
  readonly remove: readonly string[];
}

/**
 * `self`: it learns elsewhere that it was evicted itself. `addedOver`: by host, the version of the register over which an order
 * added it here. A node that comes back is told of before the register readmits it, and one that forgot it again by an older
 * document might never reach it: the newcomer may be the vote without which no newer document is read.
 */
export function hostsToLearn(
  document: RegisterDocument,
  known: readonly KnownHost[],
  self: string,
  addedOver: ReadonlyMap<string, number>,
): HostsToLearn {
  const isGone = (name: string): boolean =>
    name !== self && isEvicted(document, name) && document.version > (addedOver.get(name) ?? 0);
  const places = Object.entries(document.places ?? {}).map(([name, place]) => ({ name, place }));
  return {
    add: places.filter(({ name, place }) => !known.some((host) => isAt(host, name, place))),
    remove: known.map(({ name }) => name).filter(isGone),
  };
}

function isAt(host: KnownHost, name: string, place: HostPlace): boolean {
  return host.name === name && host.address === place.address && host.clusterPort === place.clusterPort;
}
