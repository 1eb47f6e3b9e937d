/** The real clock and the real randomness, for the processes of a host. */
import { randomBytes, randomInt } from 'node:crypto';
import type { Cancel, Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';

/** CLOCK_MONOTONIC, which all processes of one machine share: a lease granted in one of them is checked in another. */
export const machineClock: Clock = {
  monotonicMs: () => Number(process.hrtime.bigint() / 1000n) / 1000,
  wallMs: () => Date.now(),
  after(delayMs: number, fire: () => void): Cancel {
    const timer = setTimeout(fire, delayMs);
    return () => clearTimeout(timer);
  },
};

export const machineRandom: Random = {
  below: (bound) => randomInt(bound),
  bytes: (length) => randomBytes(length),
};

/** Lets the event loop take its turn: input, timers and other sessions go first. */
export function yieldTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
