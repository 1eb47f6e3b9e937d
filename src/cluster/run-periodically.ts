/** One piece of work again and again, never twice at a time, whatever happens in it. */
import type { Cancel, Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { messageOf } from '../base/problem.ts';

export interface Periodical {
  /** Runs at once; when a run is under way, another one follows it. */
  nudge(): void;
  stop(): void;
}

/** From one start to the next `intervalMs` pass; a run that takes longer is followed at once. Starts immediately. */
export function runPeriodically(
  options: { clock: Clock; logger: Logger; name: string; intervalMs: number },
  work: () => Promise<void>,
): Periodical {
  const { clock, logger, name, intervalMs } = options;
  let isStopped = false;
  let isRunning = false;
  let isNudged = false;
  let lastError = '';
  let cancel: Cancel = () => undefined;

  const run = async () => {
    isRunning = true;
    isNudged = false;
    const startMs = clock.monotonicMs();
    try {
      await work();
      lastError = '';
    } catch (error) {
      // The same failure several times a second says nothing new.
      if (messageOf(error) !== lastError) logger.error({ work: name, error: messageOf(error) }, 'periodic work failed');
      lastError = messageOf(error);
    }
    isRunning = false;
    if (isStopped) return;
    // After a failure, too, there is a pause: work that fails at once must not spin.
    const restMs = intervalMs - (clock.monotonicMs() - startMs);
    cancel = clock.after(isNudged ? 0 : Math.max(0, restMs), () => void run());
  };

  cancel = clock.after(0, () => void run());
  return {
    nudge: () => {
      isNudged = true;
      if (isRunning || isStopped) return;
      cancel();
      cancel = clock.after(0, () => void run());
    },
    stop: () => {
      isStopped = true;
      cancel();
    },
  };
}
