/** Keeps one session's long command from holding the thread that serves them all. */
import type { Clock } from '../../base/clock.ts';

export class Slice {
  readonly #clock: Clock;
  readonly #lengthMs: number;
  readonly #yieldTurn: () => Promise<void>;
  #endMs = 0;

  constructor(clock: Clock, lengthMs: number, yieldTurn: () => Promise<void>) {
    this.#clock = clock;
    this.#lengthMs = lengthMs;
    this.#yieldTurn = yieldTurn;
  }

  /** A new stretch of work begins. */
  begin(): void {
    this.#endMs = this.#clock.monotonicMs() + this.#lengthMs;
  }

  /** To be called between two small steps: lets the others have their turn when this one has lasted long enough. */
  async step(): Promise<void> {
    if (!this.isOver()) return;
    await this.#yieldTurn();
    this.begin();
  }

  /** For hot loops, which then call `step` only when it is worth a promise. */
  isOver(): boolean {
    return this.#clock.monotonicMs() >= this.#endMs;
  }
}
