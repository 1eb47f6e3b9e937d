/** Waiting for a condition of the real world: looked at again and again, and never for longer than agreed. */
import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 100;

/** The first value that is not undefined. Throws with `what` and the last reason when it does not come in time. */
export async function waitFor<T>(what: string, withinMs: number, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + withinMs;
  let last = '';
  for (;;) {
    try {
      const value = await look();
      if (value !== undefined) return value;
    } catch (error) {
      last = `: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (performance.now() > deadline) throw new Error(`${what}: not within ${withinMs / 1000} s${last}`);
    await pause(POLL_MS);
  }
}
