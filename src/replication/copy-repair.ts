/**
 * What another copy can mend without an administrator. A log that is damaged from its beginning is put aside and begun
 * anew where the database stands; a damaged database is made anew from the active copy's, block by block where ours has
 * the same, with our packs and our log kept. Pages cannot be shipped one by one: two copies hold the same rows in
 * different pages.
 *
 * Nothing is touched before an active copy answers, because what is damaged here may be the last that is left. Without
 * one, a database whose log reaches back to its first record is made from that. Either way only so often in a day: a
 * disk that goes on failing is for people.
 */
import { type Clock, sleep } from '../base/clock.ts';
import { deferred } from '../base/deferred.ts';
import type { Logger } from '../base/logger.ts';
import type { Network } from '../base/network.ts';
import { isProblem, messageOf } from '../base/problem.ts';
import type { CopyHosts } from './copy-hosts.ts';
import type { CopySeeding } from './copy-seeding.ts';
import type { CopyStorage } from './copy-storage.ts';
import { replicationLimits } from './limits.ts';
import { putLogAside } from './log-aside.ts';
import { decodeSourceFrame, type ReplicationHello } from './protocol.ts';

export interface CopyDamage {
  /** `opening`: nothing is known to be damaged, the disk only did not let the files be opened. */
  readonly what: 'log' | 'database' | 'opening';
  readonly reason: string;
}

/** What cannot be opened and another copy can mend, or a later attempt, by the code of the problem. */
export const REPAIRABLE: Readonly<Record<string, CopyDamage['what']>> = {
  LogDamaged: 'log',
  LogCutImpossible: 'log',
  DatabaseUnusable: 'database',
  DatabaseDamaged: 'database',
  DiskFull: 'opening',
  DiskFailed: 'opening',
  TooManyFiles: 'opening',
};

export interface CopyRepairOptions {
  readonly host: string;
  readonly storageGroup: string;
  readonly copies: CopyHosts;
  readonly network: Network;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly storage: CopyStorage;
  readonly seeding: CopySeeding;
  /** Undefined while nothing is wrong, or nothing may be done about it. */
  readonly damage: () => CopyDamage | undefined;
  /** As of a copy without a log. */
  readonly hello: () => ReplicationHello;
  /** Whether the database can be made from the log alone. */
  readonly logReachesBack: () => boolean;
  /**
   * Stops following, lets `work` close the files and change them (`isNew`: so that nothing is left of what was damaged),
   * and opens them again. Problem when the copy is active.
   */
  readonly anew: (work: () => Promise<void>, isNew: boolean) => Promise<void>;
  readonly closeFiles: () => Promise<void>;
  readonly onMended: (what: CopyDamage['what']) => void;
}

export class CopyRepair {
  readonly #options: CopyRepairOptions;
  #nextMs = 0;
  /** When repairs were begun, within the last period. */
  #begunMs: number[] = [];

  constructor(options: CopyRepairOptions) {
    this.#options = options;
  }

  /** False when there were so many lately that a further one would mend nothing. */
  get mayRepair(): boolean {
    const sinceMs = this.#options.clock.monotonicMs() - replicationLimits.repairPeriodMs;
    this.#begunMs = this.#begunMs.filter((atMs) => atMs > sinceMs);
    return this.#begunMs.length < replicationLimits.repairsInPeriod;
  }

  /** Looks whether there is something to mend, and mends it. Never rejects for a reason of the world. */
  async step(): Promise<void> {
    const { clock, damage, logger } = this.#options;
    const found = damage();
    if (found === undefined || clock.monotonicMs() < this.#nextMs) return;
    if (found.what === 'opening') return this.#reopen();
    if (!this.mayRepair) return;
    this.#nextMs = clock.monotonicMs() + replicationLimits.repairRetryMs;
    const source = await this.#findActive();
    const isFromLog = source === undefined && found.what === 'database' && this.#options.logReachesBack();
    if (source === undefined && !isFromLog) return;
    this.#begunMs.push(clock.monotonicMs());
    logger.warn({ ...found, source: source ?? null }, 'a damaged part of this copy is made anew');
    try {
      await this.#mend(found, source);
      logger.warn({ what: found.what }, 'the damaged part of this copy was made anew');
      this.#options.onMended(found.what);
    } catch (error) {
      if (!isProblem(error)) throw error;
      logger.error({ what: found.what, code: error.code, reason: error.message }, 'this copy could not be mended');
    }
  }

  /** It heals by itself when there is room, or the disk answers again. */
  async #reopen(): Promise<void> {
    const { clock, anew, closeFiles, logger } = this.#options;
    this.#nextMs = clock.monotonicMs() + replicationLimits.reopenMs;
    try {
      await anew(closeFiles, false);
    } catch (error) {
      if (!isProblem(error)) throw error;
      logger.warn({ code: error.code, reason: error.message }, 'this copy could not be opened again');
    }
  }

  #mend({ what, reason }: CopyDamage, source: string | undefined): Promise<void> {
    const { anew, closeFiles, storage, seeding, logger } = this.#options;
    return anew(async () => {
      if (what === 'database' && source !== undefined) {
        const order = { source, maxBytesPerSecond: null, keepLog: true };
        return seeding.receive(order, (line) => logger.info({ line }, 'making the database anew'));
      }
      await closeFiles();
      if (what === 'database') return storage.putDatabaseAside();
      const aside = await putLogAside(storage.disk, reason);
      logger.warn({ aside, reason }, 'the log is damaged from its beginning: it was put aside and is fetched again');
    }, true);
  }

  /** The host whose copy answers as the active one. */
  async #findActive(): Promise<string | undefined> {
    for (const copy of this.#options.copies.others) {
      if (await this.#isActive(copy)) return copy;
    }
    return undefined;
  }

  async #isActive(host: string): Promise<boolean> {
    const { network, storageGroup, clock, hello } = this.#options;
    const answer = deferred<boolean>();
    try {
      const channel = await network.connect(`${host}/copy/${storageGroup}`, replicationLimits.connectTimeoutMs);
      channel.onClose(() => answer.resolve(false));
      channel.onFrame((frame) => answer.resolve(decodeSourceFrame(frame).epoch >= hello().epoch));
      channel.send(Buffer.from(JSON.stringify(hello())));
      void sleep(clock, replicationLimits.connectTimeoutMs).then(() => answer.resolve(false));
      const isActive = await answer.promise;
      channel.close('that was all');
      return isActive;
    } catch (error) {
      this.#options.logger.info({ peer: host, reason: messageOf(error) }, 'the other copy cannot help now');
      return false;
    }
  }
}
