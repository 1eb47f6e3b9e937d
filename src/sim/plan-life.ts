/**
 * How a seed's cluster lives. A storm is short and dense. A long life has hours with a fault every few minutes, and a
 * timing twenty times slower, as an administrator sets it for hosts that are far apart: the same decisions at a twentieth of
 * the events, which is what makes hundreds of simulated hours affordable.
 */
import { SeededRandom } from '../base/random.ts';
import type { ClusterTiming } from '../cluster/timing.ts';
import { type ChannelPace, directoryLimits } from '../directory/limits.ts';
import { type NemesisPace, stormPace } from './nemesis.ts';
import type { PlantedBug } from './planted-bugs/planted-bug.ts';

export interface LifePlan {
  /** Factor of the cluster's times, and of everything that is waited for. */
  readonly slowness: number;
  readonly pace: NemesisPace;
  /** Mail comes after up to twice a pause, which is at most this. */
  readonly longestMailPauseMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** One seed of so many lives long. */
const LONG_LIVES = 11;
const LONG_LIFE_SLOWNESS = 20;
/** A preferred node gets its storage group back after seconds instead of minutes: a storm does not last longer. */
const FAILBACK_AFTER_MS = 4_000;

/** Planted bugs are looked for in storms. */
export function planLife(seed: number, bug: PlantedBug | undefined): LifePlan {
  const random = new SeededRandom(seed ^ 0x11fe);
  if (bug !== undefined || random.below(LONG_LIVES) > 0) {
    return { slowness: 1, pace: stormPace(random), longestMailPauseMs: 400 };
  }
  const durationMs = HOUR_MS + random.below(3 * HOUR_MS);
  return {
    slowness: LONG_LIFE_SLOWNESS,
    pace: {
      durationMs,
      meanPauseMs: MINUTE_MS + random.below(6 * MINUTE_MS),
      // Now and then something stays broken until somebody comes in the morning.
      longestMs: [3_000, 30_000, 30_000, 5 * MINUTE_MS, 5 * MINUTE_MS, 90 * MINUTE_MS],
    },
    longestMailPauseMs: 2 * MINUTE_MS,
  };
}

function scaled<Times extends object>(times: Times, slowness: number): Times {
  const entries = Object.entries(times).map(([name, value]: [string, number]) => [name, value * slowness]);
  return Object.fromEntries(entries) as unknown as Times;
}

/** Signs of life of idle channels would otherwise be most of what happens in the hours of a long life. */
export function scaledPace(slowness: number): ChannelPace {
  const { reconnectMaxMs, pingIntervalMs, pingTimeoutMs } = directoryLimits;
  return scaled({ reconnectMaxMs, pingIntervalMs, pingTimeoutMs }, slowness);
}

/** The inequalities between a cluster's times hold at any slowness. The period of restarts is no part of them. */
export function scaledTiming(timing: ClusterTiming, slowness: number): ClusterTiming {
  return {
    ...scaled(timing, slowness),
    restartPeriodMs: timing.restartPeriodMs,
    failbackAfterMs: FAILBACK_AFTER_MS * slowness,
  };
}
