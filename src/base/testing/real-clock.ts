/** Time as it is, for what has sockets. */
import type { Cancel, Clock } from '../clock.ts';

export const realClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs: number, fire: () => void): Cancel {
    const timer = setTimeout(fire, delayMs);
    return () => clearTimeout(timer);
  },
};
