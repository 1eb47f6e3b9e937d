/**
 * Wrong logins make their address wait: 100 ms, doubled each time, to a bound. Addresses of IPv6 count by their /64,
 * which one person has to himself. The memory is bounded; the oldest are forgotten first.
 */
import type { Clock } from '../base/clock.ts';

export const failureDelayLimits = {
  firstDelayMs: 100,
  maxDelayMs: 5_000,
  /** Without a failure for this long, an address starts afresh. */
  forgetMs: 15 * 60_000,
  maxAddresses: 10_000,
};

interface Failures {
  readonly count: number;
  readonly lastMs: number;
}

export class FailureDelays {
  readonly #clock: Clock;
  /** Longest without a failure first. */
  readonly #failures = new Map<string, Failures>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#failures.size;
  }

  /** How long the answer to this failure waits. */
  failed(remoteAddress: string): number {
    const key = networkOf(remoteAddress);
    const nowMs = this.#clock.monotonicMs();
    const known = this.#failures.get(key);
    const isFresh = known === undefined || nowMs - known.lastMs > failureDelayLimits.forgetMs;
    const count = isFresh ? 1 : known.count + 1;
    this.#failures.delete(key);
    this.#failures.set(key, { count, lastMs: nowMs });
    for (const oldest of this.#failures.keys()) {
      if (this.#failures.size <= failureDelayLimits.maxAddresses) break;
      this.#failures.delete(oldest);
    }
    const { firstDelayMs, maxDelayMs } = failureDelayLimits;
    return Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(count - 1, 10));
  }
}

function networkOf(remoteAddress: string): string {
  const address = remoteAddress.replace(/^::ffff:(?=\d)/i, '');
  return address.includes(':') ? prefix64(address) : address;
}

function prefix64(address: string): string {
  const [head = '', tail] = address.toLowerCase().split('::');
  const front = head === '' ? [] : head.split(':');
  if (tail === undefined) return front.slice(0, 4).join(':');
  const back = tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - front.length - back.length) }, () => '0');
  return [...front, ...zeros, ...back].slice(0, 4).join(':');
}
