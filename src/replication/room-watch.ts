/**
 * How much room the disk of a copy has. What was acknowledged is still to go into the database and its packs, and a commit
 * that finds no room ends the copy's process: an active copy that nobody can relieve takes no more changes while there is
 * still room for those, and goes on being read.
 */
import type { Logger } from '../base/logger.ts';
import { isProblem } from '../base/problem.ts';
import type { TransactionLog } from '../log/transaction-log.ts';
import type { CopyStorage } from './copy-storage.ts';
import { replicationLimits } from './limits.ts';

export class RoomWatch {
  readonly #storage: CopyStorage;
  readonly #logger: Logger;
  #isShort = false;

  constructor({ storage, logger }: { readonly storage: CopyStorage; readonly logger: Logger }) {
    this.#storage = storage;
    this.#logger = logger;
  }

  get isShort(): boolean {
    return this.#isShort;
  }

  /** A disk that does not tell has room: whatever is wrong with it, others find out. The log of this copy looks, too. */
  async look(log: Pick<TransactionLog, 'lookForRoom'>): Promise<void> {
    log.lookForRoom();
    const freeBytes = await this.#freeBytes();
    const isShort = freeBytes < replicationLimits.leastFreeBytes;
    if (isShort === this.#isShort) return;
    this.#isShort = isShort;
    if (isShort) this.#logger.warn({ freeBytes }, 'the disk is nearly full: alone, this copy takes no changes');
    else this.#logger.info({ freeBytes }, 'the disk has room again');
  }

  async #freeBytes(): Promise<number> {
    try {
      return (await this.#storage.freeBytes?.()) ?? Number.POSITIVE_INFINITY;
    } catch (error) {
      if (!isProblem(error)) throw error;
      return Number.POSITIVE_INFINITY;
    }
  }
}
