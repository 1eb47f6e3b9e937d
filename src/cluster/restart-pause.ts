/**
 * How long a supervisor waits before it starts a process again that has ended. One that dies as soon as it runs finds its
 * disk or its peer no better a moment later, so each further death in a row doubles the pause, up to a bound.
 */
const FIRST_MS = 100;
const LONGEST_MS = 5_000;
/** A process that ran this long is started at once again. */
const GOOD_RUN_MS = 30_000;

export class RestartPause {
  #nextMs = FIRST_MS;

  /** `ranMs`: from its last start to its end. */
  afterRun(ranMs: number): number {
    const pauseMs = ranMs > GOOD_RUN_MS ? FIRST_MS : this.#nextMs;
    this.#nextMs = Math.min(pauseMs * 2, LONGEST_MS);
    return pauseMs;
  }
}
