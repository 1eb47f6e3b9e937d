/**
 * Mends the parts of a running copy that are damaged, each from where it can be had whole: bodies and closed log files
 * from another copy, which has the same bytes, notes from this copy's memory. What the disk does not take back, even
 * written anew, is a matter for the whole copy.
 */
import { crc32 } from '../base/checksum.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Network } from '../base/network.ts';
import { messageOf, Problem } from '../base/problem.ts';
import { diskProblem } from '../host/disk-problem.ts';
import type { CopyHosts } from '../replication/copy-hosts.ts';
import type { CopyParts } from '../replication/copy-parts.ts';
import { packName } from '../store/maintenance/pack-name.ts';
import type { BodyPlace } from '../store/packs.ts';
import { bodyPlace, RepairClient, readBody, readLogFile, writeBody } from './body-repair.ts';
import { RepairQueue } from './repair-queue.ts';

export interface CopyMendingOptions {
  /** The copy's folder. */
  readonly root: string;
  readonly host: string;
  readonly storageGroup: string;
  readonly copies: CopyHosts;
  readonly network: Network;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly parts: Pick<CopyParts, 'logFileState' | 'isLogFile' | 'replaceLogFile' | 'rewriteNote'>;
  /** What was fetched for a pack cannot be written there or not be read back. */
  readonly onDiskRefuses: (what: string) => void;
  readonly retryMs: number;
  readonly maxDamages: number;
}

export class CopyMending {
  readonly #options: CopyMendingOptions;
  readonly #client: RepairClient;
  readonly #queue: RepairQueue;
  /** Since the process began. */
  repairedBodies = 0;

  constructor(options: CopyMendingOptions) {
    this.#options = options;
    this.#client = new RepairClient(options);
    this.#queue = new RepairQueue(options);
  }

  get damage(): readonly string[] {
    return this.#queue.whats;
  }

  stop(): void {
    this.#queue.stop();
  }

  body(bodyId: number, what: string): void {
    this.#queue.add(`body ${bodyId}`, { what, mend: () => this.#mendBody(bodyId, what) });
  }

  logFile(generation: number, what: string): void {
    this.#queue.add(`log file ${generation}`, { what, mend: () => this.#mendLogFile(generation) });
  }

  note(name: string, what: string): void {
    this.#queue.add(name, { what, mend: () => this.#options.parts.rewriteNote(name) });
  }

  async #mendBody(bodyId: number, what: string): Promise<boolean> {
    const { root, logger } = this.#options;
    const place = bodyPlace(root, bodyId);
    if (place === undefined || (await readBody(root, place)) !== undefined) return true;
    const found = await this.#ask(what, async (host) => {
      const bytes = await this.#client.body(host, bodyId);
      return bytes.length === place.sizeBytes && crc32(bytes) === place.crc32 ? bytes : undefined;
    });
    if (found === undefined) return false;
    await this.#putBody(place, found.bytes, what);
    this.repairedBodies += 1;
    const { pack, position } = place;
    logger.info({ bodyId, pack, position, from: found.host }, 'a message body was repaired');
    return true;
  }

  async #putBody(place: BodyPlace, bytes: Buffer, what: string): Promise<void> {
    const { root, onDiskRefuses } = this.#options;
    const action = `repair message body ${place.bodyId} in ${packName(place.pack)}`;
    try {
      await writeBody(root, place, bytes);
      const isBack = (await readBody(root, place)) !== undefined;
      if (!isBack) throw new Problem('BodyDamaged', `Cannot ${action}: it reads back damaged. Check the disk.`);
    } catch (error) {
      const problem = diskProblem(error, action);
      if (!problem.temporary) onDiskRefuses(`${what}; ${problem.message}`);
      throw problem;
    }
  }

  /** A file that records still go to is mended when it is closed. */
  async #mendLogFile(generation: number): Promise<boolean> {
    const { root, parts, logger } = this.#options;
    const state = parts.logFileState(generation);
    if (state !== 'closed') return state === 'gone';
    const present = await readLogFile(root, generation);
    if (present !== undefined && parts.isLogFile(generation, present)) return true;
    const found = await this.#ask(`log file ${generation}`, async (host) => {
      const bytes = await this.#client.logFile(host, generation);
      return parts.isLogFile(generation, bytes) ? bytes : undefined;
    });
    if (found === undefined || !(await parts.replaceLogFile(generation, found.bytes))) return false;
    const written = await readLogFile(root, generation);
    if (written === undefined || !parts.isLogFile(generation, written)) {
      throw new Problem('DiskFailed', `Cannot repair log file ${generation}: it reads back damaged. Check the disk.`);
    }
    logger.info({ generation, from: found.host }, 'a log file was repaired');
    return true;
  }

  /** Of the first other copy that has it. */
  async #ask(
    what: string,
    ask: (host: string) => Promise<Buffer | undefined>,
  ): Promise<{ readonly host: string; readonly bytes: Buffer } | undefined> {
    const { copies, logger } = this.#options;
    for (const host of copies.others) {
      try {
        const bytes = await ask(host);
        if (bytes !== undefined) return { host, bytes };
      } catch (error) {
        logger.warn({ what, from: host, reason: messageOf(error) }, 'another copy could not help');
      }
    }
    return undefined;
  }
}
