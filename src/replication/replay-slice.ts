/** Keeps a long replay from holding the thread. */
import type { Clock } from '../base/clock.ts';
import { replicationLimits } from './limits.ts';

export class ReplaySlice {
  readonly #clock: Clock;
  readonly #yieldTurn: () => Promise<void>;
  #startedMs: number;

  constructor({ clock, yieldTurn }: { clock: Clock; yieldTurn: () => Promise<void> }) {
    this.#clock = clock;
    this.#yieldTurn = yieldTurn;
    this.#startedMs = clock.monotonicMs();
  }

  isOver(): boolean {
    return this.#clock.monotonicMs() - this.#startedMs >= replicationLimits.replaySliceMs;
  }

  async rest(): Promise<void> {
    await this.#yieldTurn();
    this.#startedMs = this.#clock.monotonicMs();
  }
}
