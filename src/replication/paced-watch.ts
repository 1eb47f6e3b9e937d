/**
 * Looks again and again: often while something is awaited, seldom while nothing is. A host has a copy of every storage
 * group, and most of the time nobody waits for most of them.
 */
import type { Cancel, Clock } from '../base/clock.ts';

/** How often it is looked while something is awaited. */
export const WATCH_INTERVAL_MS = 25;
const IDLE_INTERVAL_MS = 500;

export class PacedWatch {
  readonly #options: { readonly clock: Clock; readonly isIdle: () => boolean; readonly look: () => void };
  #wasIdle = false;
  #isStopped = false;
  #cancel: Cancel = () => undefined;

  constructor(options: { readonly clock: Clock; readonly isIdle: () => boolean; readonly look: () => void }) {
    this.#options = options;
  }

  /** Something may be awaited now that was not. */
  soon(): void {
    if (this.#wasIdle && !this.#options.isIdle()) this.start();
  }

  start(): void {
    this.#cancel();
    if (this.#isStopped) return;
    this.#wasIdle = this.#options.isIdle();
    this.#cancel = this.#options.clock.after(this.#wasIdle ? IDLE_INTERVAL_MS : WATCH_INTERVAL_MS, () => {
      this.#options.look();
      this.start();
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }
}
