/**
 * Hands a message to the active copy of its storage group, wherever that is while it tries. Every attempt carries the
 * same delivery id, so trying once more is always safe. It gives up when no copy has taken the message for
 * `waitForActiveMs`: the caller then has a queue, or says so to the client.
 */
import type { Clock } from '../base/clock.ts';
import type { Problem } from '../base/problem.ts';
import type { ActiveCopy, CopyFinder } from '../directory/copy-finder.ts';
import type { DeliveryResult } from '../mail/delivery.ts';
import { attemptDelivery, changeOrDelay } from './delivery-attempt.ts';
import type { DeliveryClientLimits } from './limits.ts';
import { Turnstile } from './turnstile.ts';

export type DeliveryOutcome =
  | { readonly kind: 'answered'; readonly results: readonly DeliveryResult[]; readonly epoch: number }
  | { readonly kind: 'refused'; readonly problem: Problem }
  /** `asked`: some copy may have taken it without our hearing of it. */
  | { readonly kind: 'unavailable'; readonly asked: boolean };

export interface DeliveryClientOptions {
  readonly finder: CopyFinder;
  readonly clock: Clock;
  readonly limits: DeliveryClientLimits;
}

export class DeliveryClient {
  readonly #options: DeliveryClientOptions;
  readonly #turnstile: Turnstile;

  constructor(options: DeliveryClientOptions) {
    this.#options = options;
    this.#turnstile = new Turnstile({
      maxInside: options.limits.maxConcurrent,
      maxInsideBytes: options.limits.maxConcurrentBytes,
    });
  }

  /** `encoded`: encodeDelivery's bytes. */
  deliver(encoded: Buffer): Promise<DeliveryOutcome> {
    return this.#turnstile.pass(encoded.length, () => this.#deliver(encoded));
  }

  async #deliver(encoded: Buffer): Promise<DeliveryOutcome> {
    const { finder, clock, limits } = this.#options;
    let asked = false;
    /** Counted from the moment when there was no copy that could take it, not from the start: a slow commit is no failure. */
    let giveUpMs: number | undefined;
    for (;;) {
      const copy: ActiveCopy | undefined = finder.active();
      if (copy !== undefined) {
        const attempt = await attemptDelivery(finder, copy, encoded, limits.attemptTimeoutMs);
        if (attempt.kind !== 'unknown') return attempt;
        asked ||= attempt.asked;
      }
      giveUpMs ??= clock.monotonicMs() + limits.waitForActiveMs;
      const leftMs = giveUpMs - clock.monotonicMs();
      if (leftMs <= 0) return { kind: 'unavailable', asked };
      if (finder.active() === undefined) await finder.whenActive(leftMs);
      else if (finder.active()?.rpc === copy?.rpc)
        await changeOrDelay(finder, clock, Math.min(leftMs, limits.retryDelayMs));
    }
  }
}
