/**
 * The cluster's times, and the one inequality between them that ownership rests on. The holder counts its lease from
 * the moment it sent the renewal, the watcher its grace from the moment it saw the change (C7), so what is left to
 * fear is that their clocks run at different speeds: with a drift of at most rho on each side,
 * grace * (1 - rho) > lease * (1 + rho) keeps the two intervals apart.
 *
 * The figures aim at 2.5 s from a kill to the first served client: on average a host dies half a renewal after its
 * last one, so a watcher moves about 1.7 s after the death, and the rest is for fence, change and activation.
 */
import { assert } from '../base/assert.ts';

export interface ClusterTiming {
  /** How long the active may act after it sent a renewal that was confirmed. */
  readonly leaseMs: number;
  readonly renewalMs: number;
  /** How long a watcher must have seen the lease stand still before it may take over. */
  readonly graceMs: number;
  readonly watchMs: number;
  /** A difference between the wall clock's and the monotonic clock's progress that counts as a pause (C7). */
  readonly clockJumpMs: number;
  /** Bound of one change of the register. Shorter than the lease, so that a renewal is tried again within it. */
  readonly registerTimeoutMs: number;
  /** Bound of one reading without a ballot. */
  readonly peekTimeoutMs: number;
  /** How long the active copy may take to let its log drain to the target of a planned move. */
  readonly drainTimeoutMs: number;
  /** A host that gave a storage group up leaves it to others for this long. */
  readonly abstainMs: number;
  /** A second death of a copy's process within this time gives its storage group up (case 18). */
  readonly restartPeriodMs: number;
  /** How long the owner may keep a storage group that it does not manage to serve, when another copy could. */
  readonly ownerPatienceMs: number;
  /** How long the active copy may owe a sync without progress, when another copy in sync could serve. */
  readonly commitPatienceMs: number;
  /** How long a preferred copy must have been in sync without a break before a storage group moves back to it. */
  readonly failbackAfterMs: number;
}

export const defaultTiming: ClusterTiming = {
  leaseMs: 1_500,
  renewalMs: 400,
  graceMs: 1_900,
  watchMs: 150,
  clockJumpMs: 200,
  registerTimeoutMs: 1_000,
  peekTimeoutMs: 500,
  drainTimeoutMs: 10_000,
  abstainMs: 5_000,
  restartPeriodMs: 600_000,
  ownerPatienceMs: 10_000,
  commitPatienceMs: 8_000,
  failbackAfterMs: 600_000,
};

/** Assumed bound of a clock's error in speed. Real clocks are off by less than 0.05 %; a busy hypervisor is not a clock. */
export const CLOCK_DRIFT = 0.05;

/** Called wherever a timing comes in from a configuration. */
export function checkTiming(timing: ClusterTiming): void {
  const { leaseMs, graceMs, renewalMs, clockJumpMs, registerTimeoutMs } = timing;
  const marginMs = graceMs * (1 - CLOCK_DRIFT) - leaseMs * (1 + CLOCK_DRIFT);
  assert(marginMs > 0, `A grace of ${graceMs} ms is too short for a lease of ${leaseMs} ms`);
  assert(
    clockJumpMs <= marginMs,
    `A clock jump of ${clockJumpMs} ms may go unnoticed beyond the margin of ${marginMs} ms`,
  );
  assert(renewalMs * 2 < leaseMs, 'A lease must outlive one lost renewal');
  assert(registerTimeoutMs < leaseMs, 'A renewal must end before the lease does');
}
