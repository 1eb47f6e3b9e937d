/** A bound for any wait. The work is not stopped, only no longer waited for: it may still happen. */
import type { Clock } from '../base/clock.ts';
import { Problem } from '../base/problem.ts';

/** Rejects with Problem('TimedOut') once the monotonic clock reaches `deadlineMs`; a late failure of `work` is dropped. */
export async function withinTime<T>(clock: Clock, deadlineMs: number, what: string, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(Math.max(0, deadlineMs - clock.monotonicMs()), () => {
    reject(new Problem('TimedOut', `Cannot ${what}: no answer in time. Check the other side.`, { temporary: true }));
  });
  try {
    return await Promise.race([work, promise]);
  } finally {
    cancel();
  }
}
