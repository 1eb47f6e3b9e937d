/**
 * The copies of this host: one process each ("one database, one process": a sick one takes nobody with it), attached to
 * the cluster service while it lives. What kills it twice within the period moves its storage group to another host
 * (case 18); this process is started again in any case, as a passive copy.
 */
import type { ChildProcess } from 'node:child_process';
import type { CopyMaintenanceReport } from '../admin/context.ts';
import { type Clock, sleep } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { messageOf, Problem } from '../base/problem.ts';
import type { ClusterService } from '../cluster/cluster-service.ts';
import type { CopyView } from '../cluster/copy-control.ts';
import { formatLevelOf, formatRange, reads } from '../cluster/format-level.ts';
import { member, type RegisterDocument, type StorageGroupRecord } from '../cluster/register-document.ts';
import { type HostConfig, hostEntry } from '../host/config.ts';
import { IpcChannel } from '../host/ipc-channel.ts';
import type { UpkeepFacts } from '../replication/copy-upkeep.ts';
import type { LogMarks } from '../replication/log-marks.ts';
import { RemoteCopy } from './copy-ipc.ts';
import { RoleProcess } from './role-process.ts';

const REGISTER_RETRY_MS = 200;
/** From the start of a copy's process until it has opened its files. */
const OPEN_LIMIT_MS = 60_000;
/** The copies' processes learn settings that were changed in the register this often. */
const SETTINGS_INTERVAL_MS = 1_000;

export interface HostCopiesOptions {
  readonly config: HostConfig;
  readonly dataFolder: string;
  readonly cluster: ClusterService;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Entry {
  readonly process: RoleProcess;
  remote: RemoteCopy | undefined;
  isEnding: boolean;
}

export class HostCopies {
  readonly #options: HostCopiesOptions;
  readonly #entries = new Map<string, Entry>();
  #isStopping = false;

  constructor(options: HostCopiesOptions) {
    this.#options = options;
  }

  get names(): readonly string[] {
    return Object.keys(hostEntry(this.#options.config, this.#options.config.host).copyPorts);
  }

  /** Starts every copy as soon as the register can be read: its process must know who else has one. */
  start(): void {
    this.#look(0);
  }

  /**
   * Which copies the register gives to this host, and their settings. Over and over, whether they changed or not: a process that has
   * just started may have heard older ones. What is seen may never have been decided; a copy that is started or
   * stopped for that is stopped or started again. Nothing is begun while the cluster writes what no copy of this version
   * could read: then the cluster service ends this host.
   */
  #look(attempt: number): void {
    if (this.#isStopping) return;
    const { cluster, clock, logger } = this.#options;
    const document = cluster.status().document;
    if (document !== undefined) for (const storageGroup of this.names) this.#lookAt(document, storageGroup);
    else if (attempt === 10) logger.warn({}, 'no majority of the register answers: the copies wait for it');
    const pauseMs = document === undefined ? REGISTER_RETRY_MS : SETTINGS_INTERVAL_MS;
    clock.after(pauseMs, () => this.#look(attempt + 1));
  }

  #lookAt(document: RegisterDocument, storageGroup: string): void {
    const group = member(document.storageGroups, storageGroup);
    if (group === undefined || !reads(formatRange, formatLevelOf(document))) return;
    const entry = this.#entries.get(storageGroup);
    const isOurs = group.copies.includes(this.#options.config.host);
    if (isOurs && entry === undefined) this.#startCopy(storageGroup, group);
    else if (!isOurs && entry !== undefined) this.#endCopy(storageGroup, entry);
    else entry?.remote?.setCircularLogging(group.circularLogging);
  }

  /** The copy was removed. Its files stay, for people to delete. */
  #endCopy(storageGroup: string, entry: Entry): void {
    if (entry.isEnding) return;
    const { cluster, logger } = this.#options;
    entry.isEnding = true;
    logger.warn({ storageGroup }, 'the register gives no copy of it to this host any more: its process is ended');
    cluster.detach(storageGroup);
    void entry.process.stop().then(() => {
      this.#entries.delete(storageGroup);
    });
  }

  #startCopy(storageGroup: string, group: StorageGroupRecord): void {
    const { config, clock, logger } = this.#options;
    const entry: Entry = {
      remote: undefined,
      isEnding: false,
      process: new RoleProcess({
        name: `copy of ${storageGroup}`,
        args: () => this.#argumentsOf(storageGroup, group),
        clock,
        logger,
        onStarted: (child) => this.#attach(storageGroup, entry, child),
        onEnded: async () => {
          entry.remote = undefined;
          const decision = await this.#options.cluster.copyDied(storageGroup);
          logger.warn({ storageGroup, decision, host: config.host }, 'the process of a copy ended');
        },
      }),
    };
    this.#entries.set(storageGroup, entry);
    entry.process.start();
  }

  #argumentsOf(storageGroup: string, group: StorageGroupRecord): string[] {
    const { config, dataFolder, cluster, clock } = this.#options;
    const latest = member(cluster.status().document?.storageGroups ?? {}, storageGroup) ?? group;
    return [
      'copy',
      JSON.stringify({
        config,
        dataFolder,
        storageGroup,
        copies: latest.copies,
        incarnation: Math.floor(clock.wallMs()),
        circularLogging: latest.circularLogging,
        suspended: member(latest.suspended, config.host) ?? null,
      }),
    ];
  }

  #attach(storageGroup: string, entry: Entry, child: ChildProcess): void {
    const { cluster, clock } = this.#options;
    const channel = new IpcChannel(child, storageGroup);
    entry.remote = new RemoteCopy({ channel, clock, storageGroup, requests: cluster });
    cluster.attach(storageGroup, entry.remote);
  }

  /** Each process keeps connections of its own, and has no heartbeats. */
  networkLost(peer: string, network: string): void {
    for (const { remote } of this.#entries.values()) remote?.networkLost(peer, network);
  }

  /** Each process locates the others by itself. */
  hostsChanged(): void {
    const { hosts, networks } = this.#options.config;
    for (const { remote } of this.#entries.values()) remote?.hostsChanged({ hosts, networks });
  }

  /** The log returns to the network that it is meant for. What the service itself says is little, and stays where it is. */
  networkBack(peer: string, network: string): void {
    for (const { remote } of this.#entries.values()) remote?.networkBack(peer, network);
  }

  view(storageGroup: string): CopyView | undefined {
    return this.#entries.get(storageGroup)?.remote?.view();
  }

  /** What the copy's process last told; undefined while there is none. */
  facts(
    storageGroup: string,
  ):
    | { view: CopyView; logs: LogMarks | null; maintenance: CopyMaintenanceReport | null; upkeep: UpkeepFacts | null }
    | undefined {
    const remote = this.#entries.get(storageGroup)?.remote;
    return remote === undefined
      ? undefined
      : {
          view: remote.view(),
          logs: remote.logMarks(),
          maintenance: remote.maintenance(),
          upkeep: remote.upkeep(),
        };
  }

  /** Problem('CopyNotRunning') */
  remote(storageGroup: string): RemoteCopy {
    const entry = this.#entries.get(storageGroup);
    if (entry?.remote !== undefined && !entry.isEnding) return entry.remote;
    throw new Problem(
      'CopyNotRunning',
      `Cannot reach the copy of ${storageGroup} on ${this.#options.config.host}: its process is not running. Try again.`,
      { temporary: true },
    );
  }

  /**
   * As soon as its process has opened its files: that of the copy which the register's document of `version` gives to this
   * host. Before, it may have been removed, and a process that is still to end serves nobody. Problem('CopyNotRunning')
   */
  async whenOpen(storageGroup: string, version: number): Promise<RemoteCopy> {
    const { clock, cluster } = this.#options;
    const deadlineMs = clock.monotonicMs() + OPEN_LIMIT_MS;
    const isOpen = (): boolean =>
      (cluster.status().document?.version ?? 0) >= version &&
      this.#entries.get(storageGroup)?.isEnding === false &&
      (this.view(storageGroup)?.state ?? 'starting') !== 'starting';
    while (!isOpen() && clock.monotonicMs() < deadlineMs) await sleep(clock, REGISTER_RETRY_MS);
    return this.remote(storageGroup);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const results = await Promise.allSettled([...this.#entries.values()].map((entry) => entry.process.stop()));
    for (const result of results) {
      if (result.status === 'rejected')
        this.#options.logger.error({ reason: messageOf(result.reason) }, 'a copy did not stop');
    }
  }
}
