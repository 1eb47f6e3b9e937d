/** Time that stands still until a test moves it. */
import type { Cancel, Clock } from '../../../base/clock.ts';

export class ManualClock implements Clock {
  #nowMs = 0;
  #timers: { dueMs: number; fire: () => void }[] = [];

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return Date.UTC(2026, 0, 2, 3, 4, 5) + this.#nowMs;
  }

  after(delayMs: number, fire: () => void): Cancel {
    const timer = { dueMs: this.#nowMs + delayMs, fire };
    if (delayMs === 0) queueMicrotask(fire);
    else this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  advance(byMs: number): void {
    this.#nowMs += byMs;
    const due = this.#timers.filter(({ dueMs }) => dueMs <= this.#nowMs);
    this.#timers = this.#timers.filter(({ dueMs }) => dueMs > this.#nowMs);
    for (const { fire } of due) fire();
  }
}
