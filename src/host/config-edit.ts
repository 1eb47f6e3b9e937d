/**
 * Changes of holdfast.yaml while its host runs: a node that comes, a node that goes. Only what changes is written anew, so
 * that an administrator's comments and order stay; and what is written has been read as a configuration before.
 */
import { Document, parseDocument, visit } from 'yaml';
import type { Witness } from '../cluster/acceptor-places.ts';
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
