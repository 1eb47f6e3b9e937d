/**
 * A clock that stands still until a test moves it. `advance` fires what falls due one timer at a time, at that timer's
 * own instant, and between two timers lets the promises run that the first one settled, so that a loop which sleeps and
 * works is driven through every one of its rounds by a single call.
 */
import { assert } from '../assert.ts';
import type { Cancel, Clock } from '../clock.ts';

interface Timer {
  readonly dueMs: number;
  readonly fire: () => void;
}

/** Rounds of microtasks between two timers: enough for a chain of that many awaits to reach its next timer. */
const microtaskRounds = 100;

/** Lets everything run that waits for promises only. */
export async function settle(): Promise<void> {
  for (let round = 0; round < microtaskRounds; round++) await Promise.resolve();
}

export class ManualClock implements Clock {
  #nowMs: number;
  #wallOffsetMs: number;
  /** In the order in which they were set, which is the order of those that fall due together. */
  readonly #timers = new Set<Timer>();

  constructor(options: { monotonicMs?: number; wallMs?: number } = {}) {
    this.#nowMs = options.monotonicMs ?? 0;
    this.#wallOffsetMs = (options.wallMs ?? Date.UTC(2026, 0, 1)) - this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs + this.#wallOffsetMs;
  }

  after(delayMs: number, fire: () => void): Cancel {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), fire };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** How many timers are set: a part that was stopped leaves none. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves the wall clock alone, as an administrator or a time server does. */
  jumpWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** Lets `ms` pass: fires what falls due, in order, including timers that are set on the way. */
  async advance(ms: number): Promise<void> {
    assert(ms >= 0, `Time does not go back by ${-ms} ms`);
    const untilMs = this.#nowMs + ms;
    await settle();
    for (let timer = this.#next(untilMs); timer !== undefined; timer = this.#next(untilMs)) {
      this.#nowMs = timer.dueMs;
      this.#timers.delete(timer);
      timer.fire();
      await settle();
    }
    this.#nowMs = untilMs;
  }

  #next(untilMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= untilMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }
}
