/**
 * How much room the disk of a copy has. What was acknowledged is still to go into the database and its packs, and a commit
 * that finds no room ends the copy's process. So there is a reserve: a passive copy takes no more records into it, an active
 * one hands over to a copy that has room, and one that nobody can relieve takes no more changes and goes on being read.
 * Copies hold the same, so their disks run full at the same time: without the reserve none could be opened any more.
 */
import type { Logger } from '../base/logger.ts';
import { isProblem } from '../base/problem.ts';
import type { TransactionLog } from '../log/transaction-log.ts';
import type { CopyStorage } from './copy-storage.ts';
import { replicationLimits } from './limits.ts';

/** `log` only where it is open. */
export interface WatchedFiles {
  readonly isOpen: boolean;
  readonly log: Pick<TransactionLog, 'isDiskFull' | 'lookForRoom'>;
}

export interface RoomWatchOptions {
  readonly storage: CopyStorage;
  readonly logger: Logger;
  readonly files: WatchedFiles;
}

/**
 * `lasting`: at two looks in a row. A passive copy whose disk is as full as this one's has let go by then, and is not taken
 * for an heir.
 */
export type Shortage = 'none' | 'new' | 'lasting';

export interface RoomFacts {
  /** Null: the disk does not tell, or was not asked yet. */
  readonly freeBytes: number | null;
  /** The next log file could not be made. */
  readonly isLogFull: boolean;
  /** It takes no more of what is new, unless another copy with room is connected. */
  readonly isShort: boolean;
}

export class RoomWatch {
  readonly #storage: CopyStorage;
  readonly #logger: Logger;
  readonly #files: WatchedFiles;
  #freeBytes: number | null = null;
  #isLogFull = false;
  #shortage: Shortage = 'none';

  constructor({ storage, logger, files }: RoomWatchOptions) {
    this.#storage = storage;
    this.#logger = logger;
    this.#files = files;
  }

  get facts(): RoomFacts {
    return { freeBytes: this.#freeBytes, isLogFull: this.#isLogFull, isShort: this.isShort };
  }

  get isShort(): boolean {
    return this.#shortage !== 'none';
  }

  get shortage(): Shortage {
    return this.#shortage;
  }

  /** The log looks, too: it is said to be full until it has found room. */
  async look(): Promise<void> {
    const { isOpen } = this.#files;
    this.#isLogFull = isOpen && this.#files.log.isDiskFull;
    if (isOpen) this.#files.log.lookForRoom();
    this.#freeBytes = await this.#ask();
    const before = this.#shortage;
    this.#shortage = nextShortage(before, this.#freeBytes);
    const told = { freeBytes: this.#freeBytes };
    if (this.#shortage === 'new')
      this.#logger.warn(told, 'the disk is nearly full: this copy takes no more of what is new');
    else if (this.#shortage === 'none' && before !== 'none') this.#logger.info(told, 'the disk has room again');
  }

  async #ask(): Promise<number | null> {
    try {
      return (await this.#storage.freeBytes?.()) ?? null;
    } catch (error) {
      if (!isProblem(error)) throw error;
      return null;
    }
  }
}

/** A disk that does not tell has room: whatever is wrong with it, others find out. */
function nextShortage(before: Shortage, freeBytes: number | null): Shortage {
  const { leastFreeBytes, enoughFreeBytes } = replicationLimits;
  const neededBytes = before === 'none' ? leastFreeBytes : enoughFreeBytes;
  if (freeBytes === null || freeBytes >= neededBytes) return 'none';
  return before === 'none' ? 'new' : 'lasting';
}
