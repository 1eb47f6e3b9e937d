/**
 * The way of a message to one storage group, by the promise of its mode:
 *
 *   sync         the active copy answers, or the queue takes it; either stands on a synced log
 *   sync-strict  the active copy answers, or nobody does
 *   async        the hub's log first (dumpster), the active copy at the same time; the answer stands on the log
 */
import type { Logger } from '../base/logger.ts';
import { isProblem } from '../base/problem.ts';
import { type Delivery, type DeliveryResult, encodeDelivery } from '../mail/delivery.ts';
import type { DeliveryClient, DeliveryOutcome } from './delivery-client.ts';
import type { CommitMode, DeliveryQueue } from './queue.ts';

export type Taken =
  | { readonly kind: 'answered'; readonly results: readonly DeliveryResult[] }
  /** In the queue, durably, for all recipients. */
  | { readonly kind: 'queued' }
  /** Certainly not taken. */
  | { readonly kind: 'not-taken'; readonly reason: 'no-copy' | 'queue-full' | 'refused' }
  /** Nobody knows whether it was: no answer may be given (guarantees: no answer means unknown). */
  | { readonly kind: 'unknown' };

export interface RouteOptions {
  readonly storageGroup: string;
  readonly client: DeliveryClient;
  readonly queue: DeliveryQueue;
  readonly mode: () => CommitMode;
  readonly logger: Logger;
}

export class Route {
  readonly #options: RouteOptions;

  constructor(options: RouteOptions) {
    this.#options = options;
  }

  get storageGroup(): string {
    return this.#options.storageGroup;
  }

  take(delivery: Delivery): Promise<Taken> {
    const encoded = encodeDelivery(delivery);
    return this.#options.mode() === 'async'
      ? this.#takeThroughLog(delivery, encoded)
      : this.#takeDirectly(delivery, encoded);
  }

  async #takeDirectly(delivery: Delivery, encoded: Buffer): Promise<Taken> {
    const outcome = await this.#options.client.deliver(encoded);
    if (outcome.kind === 'answered') return outcome;
    if (outcome.kind === 'refused') return this.#refused(delivery, outcome.problem.code);
    // The mode may have become another one while we waited.
    if (this.#options.mode() === 'sync-strict')
      return outcome.asked ? { kind: 'unknown' } : { kind: 'not-taken', reason: 'no-copy' };
    try {
      await this.#options.queue.add({ deliveryId: delivery.deliveryId, encoded }, 'waiting');
      return { kind: 'queued' };
    } catch (error) {
      if (!isProblem(error)) throw error;
      this.#options.logger.warn({ problem: error.code }, 'queue: cannot take a message');
      return outcome.asked ? { kind: 'unknown' } : { kind: 'not-taken', reason: 'queue-full' };
    }
  }

  /** The copy is asked while the log syncs: together they cost the time of the slower one. */
  async #takeThroughLog(delivery: Delivery, encoded: Buffer): Promise<Taken> {
    const { queue, client, logger } = this.#options;
    const message = { deliveryId: delivery.deliveryId, encoded };
    const logged = queue.add(message, 'delivering').then(
      () => undefined,
      (error: unknown) => error ?? new Error('unknown'),
    );
    const full = await Promise.race([logged, Promise.resolve('under way')]);
    if (isProblem(full)) {
      logger.warn({ problem: full.code }, 'dumpster: cannot take a message');
      return { kind: 'not-taken', reason: 'queue-full' };
    }
    const [failure, outcome] = await Promise.all([logged, client.deliver(encoded)]);
    if (failure !== undefined) {
      if (!isProblem(failure)) throw failure;
      logger.error({ problem: failure.code }, 'dumpster: the log failed');
      return { kind: 'unknown' };
    }
    return this.#settle(delivery, outcome);
  }

  /** The message is durable in the log; what the copy said decides whether it stays there. */
  async #settle(delivery: Delivery, outcome: DeliveryOutcome): Promise<Taken> {
    const { queue } = this.#options;
    if (outcome.kind === 'unavailable') {
      queue.release(delivery.deliveryId);
      return { kind: 'queued' };
    }
    if (outcome.kind === 'refused') {
      await queue.withdraw(delivery.deliveryId);
      return this.#refused(delivery, outcome.problem.code);
    }
    const taken = outcome.results.filter((result) => result.outcome !== 'refused').map((result) => result.recipient);
    if (taken.length === 0) await queue.withdraw(delivery.deliveryId);
    else {
      if (taken.length < delivery.recipients.length) {
        await queue.replace({
          deliveryId: delivery.deliveryId,
          encoded: encodeDelivery({ ...delivery, recipients: taken }),
        });
      }
      queue.confirm(delivery.deliveryId, outcome.epoch);
    }
    return outcome;
  }

  #refused(delivery: Delivery, problem: string): Taken {
    const { storageGroup, logger } = this.#options;
    logger.error(
      { storageGroup, problem, deliveryId: delivery.deliveryId.toString('hex') },
      'delivery: the copy refused a message',
    );
    return { kind: 'not-taken', reason: 'refused' };
  }
}
