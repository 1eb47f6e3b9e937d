/**
 * When the active copy looks for deleted items that were kept long enough: rarely while there are none, and at every
 * commit of the database while there are, a bounded number at once. What goes, goes by a record, on all copies.
 */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { isProblem } from '../base/problem.ts';
import type { DeletedItems } from '../store/mailbox-keeping.ts';
import { replicationLimits } from './limits.ts';

export class DeletedItemPurge {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #dueMs = 0;

  constructor({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** What the journal does not admit just now is looked for again the next time. Problem('NotActive') */
  async run(deletedItems: Pick<DeletedItems, 'purgeExpired'>): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#dueMs) return;
    try {
      const purged = await deletedItems.purgeExpired();
      if (purged === 0) this.#dueMs = nowMs + replicationLimits.purgeIntervalMs;
      else this.#logger.info({ purged }, 'deleted items were kept long enough and are gone');
    } catch (error) {
      if (!isProblem(error) || !error.temporary || error.code === 'NotActive') throw error;
    }
  }
}
