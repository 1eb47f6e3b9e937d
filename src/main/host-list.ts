/**
 * The hosts of the cluster, as this host knows them: the list in holdfast.yaml. An administrator's order changes it while everything
 * runs: the file first, whole and synced, then what this process reads, then whoever else is to hear of it. A host that
 * missed the order has an older list, and the order may be given again.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Logger } from '../base/logger.ts';
import { messageOf, Problem } from '../base/problem.ts';
import type { Witness } from '../cluster/acceptor-places.ts';
import type { NetworkChange } from '../cluster/networks/network-changes.ts';
import { adoptHosts } from '../host/adopt-hosts.ts';
import { type HostConfig, type HostEntry, parseConfig } from '../host/config.ts';
import { textWithHost, textWithNetworks, textWithoutHost } from '../host/config-edit.ts';
import { mustBeHere } from '../host/own-address.ts';
import { hostFiles } from './cluster-files.ts';
import { replaceFile } from './cluster-marker.ts';

export interface AddHostOrder {
  readonly entry: HostEntry;
  /** By network; empty where there is no list of networks. */
  readonly addresses: Readonly<Record<string, string>>;
  /** As the configuration names it from now on; absent leaves it. */
  readonly witness?: Witness | undefined;
  /** The version of the register that the order was given over; what an older one says of the host is past. */
  readonly version: number;
}

export interface RemoveHostOrder {
  readonly host: string;
  readonly witness?: Witness | undefined;
}

/** A vote or a copy has written here. A folder that was made for a node to come holds nothing yet. */
function holdsState(dataFolder: string): boolean {
  const copies = entriesOf(hostFiles.copies(dataFolder)).map((name) => hostFiles.copy(dataFolder, name));
  return [hostFiles.acceptor(dataFolder), ...copies].some((folder) => entriesOf(folder).length > 0);
}

function entriesOf(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

export interface HostListOptions {
  readonly config: HostConfig;
  readonly dataFolder: string;
  readonly logger: Logger;
  readonly onChanged: () => void;
  /** This host is none of the cluster any more, and what it knows of it is worth nothing: it must not go on. */
  readonly onEvicted: () => void;
}

/** Problem('HostEvicted') when this folder is of a host that was evicted. */
export function refuseEvicted(dataFolder: string, host: string): void {
  const note = hostFiles.evicted(dataFolder);
  if (!existsSync(note)) return;
  throw new Problem(
    'HostEvicted',
    `Cannot start ${host}: it was evicted from the cluster (${note}). Move ${dataFolder} away; to come back it needs a new folder and Add-ClusterNode.`,
  );
}

export class HostList {
  readonly #options: HostListOptions;
  readonly #addedOver = new Map<string, number>();

  constructor(options: HostListOptions) {
    this.#options = options;
  }

  /** Problem('ConfigInvalid' | 'NetworksUnfit' | 'ConfigNotWritten') */
  add(order: AddHostOrder): void {
    this.#change(order.entry.name, (text, path) => textWithHost(text, path, order, order.witness));
    this.#addedOver.set(order.entry.name, order.version);
  }

  /** By host: the version of the register over which it was added here. */
  get addedOver(): ReadonlyMap<string, number> {
    return this.#addedOver;
  }

  /** Problem('ConfigInvalid' | 'NetworksUnfit' | 'NetworksNotListed' | 'ConfigNotWritten' | 'AddressNotHere') */
  async changeNetworks(change: NetworkChange): Promise<void> {
    if (change.what === 'enable-name' && change.host === this.#options.config.host) await mustBeHere(change.address);
    this.#change(change.what, (text, path) => textWithNetworks(text, path, change));
  }

  /** A host that is not there is no error. Problem('ConfigInvalid' | 'NetworksUnfit' | 'ConfigNotWritten') */
  remove({ host, witness }: RemoveHostOrder): void {
    if (host === this.#options.config.host) return this.#endForGood();
    this.#change(host, (text, path) => textWithoutHost(text, path, host, witness));
  }

  /**
   * The register says that this host was evicted, perhaps while it was dead. A folder that holds what it once knew is not used again; a
   * new one waits to be added.
   */
  evictedByRegister(): void {
    if (holdsState(this.#options.dataFolder)) this.#endForGood();
  }

  #endForGood(): void {
    const { dataFolder, logger, onEvicted } = this.#options;
    replaceFile(hostFiles.evicted(dataFolder), 'This host was evicted from the cluster.\n');
    logger.warn({}, 'this host was evicted from the cluster');
    onEvicted();
  }

  #change(what: string, change: (text: string, path: string) => string): void {
    const { config, dataFolder, logger, onChanged } = this.#options;
    const path = hostFiles.config(dataFolder);
    const text = change(this.#read(path), path);
    try {
      replaceFile(path, text);
    } catch (error) {
      throw notWritten(path, error);
    }
    adoptHosts(config, parseConfig(text, path));
    const { hosts, networks = [] } = config;
    const names = { hosts: hosts.map(({ name }) => name), networks: networks.map(({ name }) => name) };
    logger.warn({ what, ...names }, 'the list of hosts or networks has changed');
    onChanged();
  }

  #read(path: string): string {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      throw notWritten(path, error);
    }
  }
}

function notWritten(path: string, cause: unknown): Problem {
  return new Problem(
    'ConfigNotWritten',
    `Cannot change the list of hosts on ${path}: ${messageOf(cause)}. Mend that, and give the order again.`,
    { cause },
  );
}
