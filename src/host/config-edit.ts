/**
 * Changes of holdfast.yaml while its host runs: a node that comes or goes, networks that change. Only what changes is written anew, so
 * that an administrator's comments and order stay; and what is written has been read as a configuration before.
 */
import { Document, parseDocument, visit } from 'yaml';
import { Problem } from '../base/problem.ts';
import type { Witness } from '../cluster/acceptor-places.ts';
import type { ClusterNetwork } from '../cluster/networks/cluster-network.ts';
import { changeNetworks, type NetworkChange } from '../cluster/networks/network-changes.ts';
import { type HostConfig, type HostEntry, parseConfig } from './config.ts';

export interface NewHost {
  readonly entry: HostEntry;
  /** By network, where there is a list of networks. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** As it is to be from now on; undefined leaves it. */
type NextWitness = Witness | undefined;

/** An entry of the same name is replaced. Problem('ConfigInvalid' | 'NetworksUnfit') */
export function textWithHost(text: string, path: string, { entry, addresses }: NewHost, witness: NextWitness): string {
  return edited(text, path, entry.name, witness, (config, document) => {
    document.addIn(['hosts'], document.createNode(entry));
    for (const [index, network] of (config.networks ?? []).entries()) {
      const address = addresses[network.name];
      if (address !== undefined) document.setIn(['networks', index, 'addresses', entry.name], address);
    }
  });
}

/** Problem('ConfigInvalid' | 'NetworksUnfit') */
export function textWithoutHost(text: string, path: string, name: string, witness: NextWitness): string {
  return edited(text, path, name, witness, () => undefined);
}

/** Problem('ConfigInvalid' | 'NetworksUnfit' | 'NetworksNotListed') */
export function textWithNetworks(text: string, path: string, change: NetworkChange): string {
  const config = parseConfig(text, path);
  const before = config.networks;
  if (before === undefined) throw networksNotListed(path);
  const document = editable(text, config);
  const after = changeNetworks(before, change);
  for (const [index, network] of [...before.entries()].reverse()) {
    const next = after.find(({ name }) => name === network.name);
    if (next === undefined) document.deleteIn(['networks', index]);
    else writeNetwork(document, index, network, next);
  }
  const added = after.filter(({ name }) => before.every((network) => network.name !== name));
  for (const network of added) document.addIn(['networks'], document.createNode(network));
  const result = document.toString();
  parseConfig(result, path);
  return result;
}

function writeNetwork(document: Document, index: number, before: ClusterNetwork, next: ClusterNetwork): void {
  for (const field of ['role', 'priority', 'addresses', 'hostNames'] as const) {
    const at = ['networks', index, field];
    if (next[field] === before[field]) continue;
    if (next[field] === undefined) document.deleteIn(at);
    else document.setIn(at, document.createNode(next[field]));
  }
}

function networksNotListed(path: string): Problem {
  return new Problem(
    'NetworksNotListed',
    `Cannot change the networks in ${path}: there is no list of them. Write networks into holdfast.yaml of every host first, and restart the hosts one after the other.`,
  );
}

function edited(
  text: string,
  path: string,
  name: string,
  witness: NextWitness,
  add: (config: HostConfig, document: Document) => void,
): string {
  const config = parseConfig(text, path);
  const document = editable(text, config);
  const index = config.hosts.findIndex((host) => host.name === name);
  if (index !== -1) document.deleteIn(['hosts', index]);
  for (const number of (config.networks ?? []).keys()) document.deleteIn(['networks', number, 'addresses', name]);
  add(config, document);
  if (witness !== undefined && config.quorumDisk === undefined) document.set('witness', document.createNode(witness));
  const next = document.toString();
  parseConfig(next, path);
  return next;
}

/** A part that others point to cannot be taken out: such a file is written wholly anew. */
function editable(text: string, config: HostConfig): Document {
  const document = parseDocument(text);
  let hasAliases = false;
  visit(document, {
    Alias: () => {
      hasAliases = true;
      return visit.BREAK;
    },
  });
  return hasAliases ? new Document(config, { aliasDuplicateObjects: false }) : document;
}
