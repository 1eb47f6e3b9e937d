/**
 * A copy's part in seeding, both ways: an active one gives snapshots out, with the log behind them held; a passive one is
 * made anew from another copy. What its old log holds and the other copy has not is put aside and never deleted: after
 * an activation by force that may be the only place where a message still is.
 */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { type Channel, type Network, overNetwork } from '../base/network.ts';
import { listLogFiles } from '../log/folder.ts';
import { lastCommonLsn } from './common-point.ts';
import type { CopyFiles } from './copy-files.ts';
import type { CopyStorage } from './copy-storage.ts';
import { SeedFetch } from './seed-fetch.ts';
import type { SeedManifest } from './seed-manifest.ts';
import { logFileNames, type OldLog } from './seed-place.ts';
import type { SeedReport } from './seed-progress.ts';
import { SeedSource } from './seed-source.ts';

export interface CopySeedingOptions {
  readonly storageGroup: string;
  readonly files: CopyFiles;
  readonly storage: CopyStorage;
  readonly network: Network;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Keeps the log behind `lsn` until the result is called. Problem when this copy is not active. */
  readonly holdLog: (lsn: number) => () => void;
}

export interface SeedOrder {
  /** The host of the copy that gives. */
  readonly source: string;
  /** Null: as fast as it goes. */
  readonly maxBytesPerSecond: number | null;
  /** Leaves the log where it reaches the seed with the same history: only the database and the packs are made anew. */
  readonly keepLog: boolean;
  /** The cluster network to take; without it the best one that is up. */
  readonly network?: string | null;
}

/** What the copy's log was when it was closed. */
interface OwnLog {
  readonly signature: string;
  readonly ends: readonly { readonly epoch: number; readonly lastLsn: number }[];
  readonly endLsn: number;
  readonly firstReadableLsn: number;
}

export class CopySeeding {
  readonly #options: CopySeedingOptions;
  readonly #source: SeedSource;
  #fetch: SeedFetch | undefined;

  constructor(options: CopySeedingOptions) {
    this.#options = options;
    const { files, holdLog } = options;
    this.#source = new SeedSource(options.clock, async () => {
      const release = holdLog(files.committedLsn);
      try {
        const snapshot = await files.takeSnapshot();
        const ends = files.log.epochEnds.map(({ epoch, lastLsn }) => ({ epoch, lastLsn }));
        const manifest: SeedManifest = { ...snapshot.manifest, ends };
        return { ...snapshot, manifest, release: () => snapshot.release().finally(release) };
      } catch (error) {
        release();
        throw error;
      }
    });
  }

  /** Of the seed that is being received; null when there is none. */
  get report(): SeedReport | null {
    return this.#fetch?.report ?? null;
  }

  serve(channel: Channel): void {
    this.#source.serve(channel);
  }

  /** Ends a seed that is being received; it goes on from there when it is ordered again. */
  stop(): void {
    this.#fetch?.stop();
  }

  /** Closes the copy's files and makes them anew. Problems: they are as they were. */
  async receive(order: SeedOrder, onProgress: (line: string) => void): Promise<void> {
    const { files, storage, storageGroup, network, clock } = this.#options;
    const own = ownLog(files);
    await files.close();
    this.#fetch = new SeedFetch({
      endpoint: `${order.source}/copy/${storageGroup}`,
      storageGroup,
      network: overNetwork(network, order.network ?? null),
      clock,
      disk: storage.disk,
      maxBytesPerSecond: order.maxBytesPerSecond,
      oldLog: (manifest) => this.#decide(manifest, own, order.keepLog),
      onProgress,
    });
    try {
      await this.#fetch.run();
    } finally {
      this.#fetch = undefined;
    }
  }

  async #decide(manifest: SeedManifest, own: OwnLog | undefined, keepLog: boolean): Promise<OldLog> {
    const { storage, logger } = this.#options;
    const isSameStream = own !== undefined && own.signature === manifest.signature;
    const commonLsn = isSameStream ? lastCommonLsn(manifest.ends, own.ends) : 0;
    if (keepLog && isSameStream && manifest.lsn <= commonLsn && manifest.lsn >= own.firstReadableLsn) {
      return { keep: true, surplus: [] };
    }
    const isEmpty = own?.endLsn === 0;
    const surplus = await this.#surplus(commonLsn, isSameStream || isEmpty ? own.endLsn : Number.POSITIVE_INFINITY);
    if (surplus.length > 0) logger.warn({ commonLsn, surplus, from: storage.databasePath }, 'log files are put aside');
    return { keep: false, surplus, commonLsn: commonLsn > 0 ? commonLsn : undefined };
  }

  /** Files with records behind `commonLsn`, in a log that ends at `endLsn`. */
  async #surplus(commonLsn: number, endLsn: number): Promise<readonly string[]> {
    const { disk } = this.#options.storage;
    if (endLsn <= commonLsn) return [];
    if (commonLsn === 0) return (await logFileNames(disk)).filter((name) => name.endsWith('.log'));
    const found = await listLogFiles(disk, 'log');
    const first = found.findLastIndex(({ header }) => header !== undefined && header.previousLsn <= commonLsn);
    return found.slice(Math.max(0, first)).map(({ name }) => name);
  }
}

/** Nothing was ever in it. */
const NO_LOG: OwnLog = { signature: '', ends: [], endLsn: 0, firstReadableLsn: 0 };

function ownLog(files: CopyFiles): OwnLog | undefined {
  if (!files.isOpen) return undefined;
  if (files.generation === 0) return NO_LOG;
  const { epochEnds, endLsn, firstReadableLsn } = files.log;
  return { signature: files.signature, ends: epochEnds, endLsn, firstReadableLsn };
}
