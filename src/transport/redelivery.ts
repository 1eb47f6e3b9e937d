/**
 * The queue's own loop: as soon as there is an active copy, what waits goes to it, in the order of its coming, a bounded
 * number at a time. A round that the copy's end cuts short is begun again at the next copy; the ids make that safe.
 */
import type { Cancel, Clock } from '../base/clock.ts';
import { type Deferred, deferred } from '../base/deferred.ts';
import type { Logger } from '../base/logger.ts';
import { messageOf } from '../base/problem.ts';
import type { ActiveCopy, CopyFinder } from '../directory/copy-finder.ts';
import { attemptDelivery, changeOrDelay } from './delivery-attempt.ts';
import { deliveryClientLimits, redeliveryLimits } from './limits.ts';
import type { DeliveryQueue, QueuedMessage } from './queue.ts';

export interface RedeliveryOptions {
  readonly queue: DeliveryQueue;
  readonly finder: CopyFinder;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class Redelivery {
  readonly #options: RedeliveryOptions;
  readonly #undo: () => void;
  readonly #running: Promise<void>;
  readonly #stop: Deferred<undefined> = deferred();
  #cancelUnpark: Cancel | undefined;
  #closed = false;

  constructor(options: RedeliveryOptions) {
    this.#options = options;
    this.#undo = options.finder.onChange((active) => this.#greet(active));
    this.#greet(options.finder.active());
    this.#unparkLater();
    this.#running = this.#run();
  }

  /** Resolves when the round under way is over. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#undo();
    this.#cancelUnpark?.();
    this.#stop.resolve(undefined);
    await this.#running;
  }

  #greet(active: ActiveCopy | undefined): void {
    if (active === undefined) return;
    this.#options.queue.onActive(active.epoch, active.lossy);
    this.#options.queue.unparkAll();
  }

  #unparkLater(): void {
    this.#cancelUnpark = this.#options.clock.after(redeliveryLimits.parkedRetryMs, () => {
      this.#options.queue.unparkAll();
      this.#unparkLater();
    });
  }

  async #run(): Promise<void> {
    const { queue, finder } = this.#options;
    while (!this.#closed) {
      await Promise.race([queue.whenWaiting(), this.#stop.promise]);
      const copy = await this.#activeCopy();
      if (copy === undefined) return;
      const pauseMs = await this.#round(copy);
      if (pauseMs > 0) await Promise.race([changeOrDelay(finder, this.#options.clock, pauseMs), this.#stop.promise]);
    }
  }

  /** Undefined when the loop is to end. No timer: a copy may be away for days. */
  async #activeCopy(): Promise<ActiveCopy | undefined> {
    const { finder } = this.#options;
    while (!this.#closed) {
      const copy = finder.active();
      if (copy !== undefined) return copy;
      const changed = deferred<undefined>();
      const undo = finder.onChange(() => changed.resolve(undefined));
      await Promise.race([changed.promise, this.#stop.promise]);
      undo();
    }
    return undefined;
  }

  /** Everything that waits, once. Returns how long to wait before the next round. */
  async #round(copy: ActiveCopy): Promise<number> {
    const underWay = new Set<Promise<void>>();
    let interrupted = false;
    try {
      for await (const message of this.#options.queue.waiting()) {
        if (this.#closed || interrupted) break;
        const task = this.#deliver(copy, message).then((wasHeard) => {
          interrupted ||= !wasHeard;
          underWay.delete(task);
        });
        underWay.add(task);
        if (underWay.size >= redeliveryLimits.maxConcurrent) await Promise.race(underWay);
      }
      await Promise.all(underWay);
      return interrupted ? redeliveryLimits.retryDelayMs : 0;
    } catch (error) {
      this.#options.logger.error({ error: messageOf(error) }, 'queue: a round of redelivery ended early');
      await Promise.allSettled(underWay);
      return redeliveryLimits.parkedRetryMs;
    }
  }

  /** True when the copy has said something about this message. */
  async #deliver(copy: ActiveCopy, message: QueuedMessage): Promise<boolean> {
    const { queue, finder, logger } = this.#options;
    const deliveryId = message.deliveryId.toString('hex');
    const attempt = await attemptDelivery(finder, copy, message.encoded, deliveryClientLimits.attemptTimeoutMs);
    if (attempt.kind === 'unknown') return false;
    const refused = attempt.kind === 'refused' || attempt.results.some((result) => result.outcome === 'refused');
    if (attempt.kind === 'answered' && !refused) {
      queue.confirm(message.deliveryId, attempt.epoch);
      logger.info({ deliveryId }, 'queue: delivered');
      return true;
    }
    queue.park(message.deliveryId);
    const problem = attempt.kind === 'refused' ? attempt.problem.code : 'RecipientRefused';
    logger.warn({ deliveryId, problem }, 'queue: not taken, kept for another try');
    return true;
  }
}
