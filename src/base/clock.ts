/**
 * Time comes in from outside. The core never asks the machine what time it is: it is handed a `Clock`,
 * which is the machine's in production and the simulator's in a simulated cluster.
 */

/** Undo for a timer; calling it twice, or after the timer fired, does nothing. */
export type Cancel = () => void;

export interface Clock {
  /** Milliseconds that only ever grow, comparable between the processes of one machine, never between machines. */
  monotonicMs(): number;
  /** Milliseconds since 1970, UTC. May jump; for dates that people read, never for decisions. */
  wallMs(): number;
  /** Calls `fire` once, after at least `delayMs`. */
  after(delayMs: number, fire: () => void): Cancel;
}

/** Resolves after `delayMs` of `clock`'s time. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}
