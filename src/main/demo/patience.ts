/** Trying again while the cluster is between two states: only what is temporary, and never for ever. */
import { sleep } from '../../base/clock.ts';
import { isProblem } from '../../base/problem.ts';
import { machineClock } from '../../host/machine.ts';

/** The first success of `attempt`, or its last failure once `withinMs` are over or `stopped()` says so. */
export async function untilDone<T>(
  attempt: () => Promise<T>,
  options: { withinMs: number; pauseMs: number; isTemporary?: (error: unknown) => boolean; stopped?: () => boolean },
): Promise<T> {
  const deadlineMs = machineClock.monotonicMs() + options.withinMs;
  const isTemporary = options.isTemporary ?? ((error) => isProblem(error) && error.temporary);
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isTemporary(error) || options.stopped?.() || machineClock.monotonicMs() > deadlineMs) throw error;
    }
    await sleep(machineClock, options.pauseMs);
  }
}

/**
 * Runs `work` on every item, at most `atATime` at once. After the first failure nothing more is begun, what is under way
 * is waited for (`isOver` tells it), and the failure is thrown.
 */
export async function forEachAtATime<T>(
  items: readonly T[],
  atATime: number,
  work: (item: T, isOver: () => boolean) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  const isOver = (): boolean => failures.length > 0;
  const rest = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    try {
      for (let next = rest.next(); !next.done && !isOver(); next = rest.next()) await work(next.value, isOver);
    } catch (error) {
      failures.push(error);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atATime, items.length) }, worker));
  if (isOver()) throw failures[0];
}
