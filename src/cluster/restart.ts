/**
 * A copy's process died on a healthy host (case 18). The first time it is restarted where it is, which is the quickest way back.
 * If it dies again within the period, something here does not let it live, and another copy leads if one can.
 */
export interface RestartFacts {
  /** Times of its deaths on the monotonic clock, this one included. */
  readonly deathsMs: readonly number[];
  readonly nowMs: number;
  /** Another copy in sync, not suspended. */
  readonly hasHeir: boolean;
}

export function decideRestart(
  facts: RestartFacts,
  policy: { readonly restartPeriodMs: number },
): 'restart' | 'give-up' {
  const recent = facts.deathsMs.filter((deathMs) => facts.nowMs - deathMs < policy.restartPeriodMs);
  return recent.length > 1 && facts.hasHeir ? 'give-up' : 'restart';
}
