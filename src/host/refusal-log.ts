/**
 * Connections that were refused, in the log: a peer that tries again ten times a second (a wrong certificate, a
 * scanner) gets one line a minute, and the next line says how many there were meanwhile.
 */
import type { Logger } from '../base/logger.ts';

const INTERVAL_MS = 60_000;
/** Addresses that are remembered; beyond, the one that was seen first is forgotten, and may get a line too many. */
const MAX_ADDRESSES = 256;

interface Refused {
  loggedAtMs: number;
  sinceThen: number;
}

export class RefusalLog {
  readonly #logger: Logger;
  readonly #monotonicMs: () => number;
  readonly #byAddress = new Map<string, Refused>();

  constructor(logger: Logger, monotonicMs: () => number = () => performance.now()) {
    this.#logger = logger;
    this.#monotonicMs = monotonicMs;
  }

  note(endpoint: string, address: string, reason: string): void {
    const nowMs = this.#monotonicMs();
    const before = this.#byAddress.get(address);
    if (before !== undefined && nowMs - before.loggedAtMs < INTERVAL_MS) {
      before.sinceThen++;
      return;
    }
    this.#byAddress.delete(address);
    const oldest = this.#byAddress.keys().next();
    if (this.#byAddress.size >= MAX_ADDRESSES && oldest.done !== true) this.#byAddress.delete(oldest.value);
    this.#byAddress.set(address, { loggedAtMs: nowMs, sinceThen: 0 });
    const count = 1 + (before?.sinceThen ?? 0);
    this.#logger.warn({ endpoint, from: address, count, reason }, 'connection refused');
  }
}
