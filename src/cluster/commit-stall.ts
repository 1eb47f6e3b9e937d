/**
 * A disk that hangs: the copy's process lives, its lease is renewed by others' votes, and nothing that was written
 * becomes durable. Nobody is answered wrongly, and nobody is answered. The host therefore watches how long the active
 * copy has owed a sync without any progress, and gives the storage group up when another copy holds everything.
 */
import type { CopyView } from './copy-control.ts';

export interface StallFacts {
  /** For how long records have waited for their sync while none became durable. */
  readonly stalledMs: number;
  /** Another copy in sync, not suspended. */
  readonly hasHeir: boolean;
}

export function decideStall(facts: StallFacts, policy: { readonly commitPatienceMs: number }): 'keep' | 'give-up' {
  return facts.hasHeir && facts.stalledMs >= policy.commitPatienceMs ? 'give-up' : 'keep';
}

/** Between two looks of a service that runs this does not pass: it stood still itself, and so perhaps did the copy. */
const LOOK_GAP_MS = 2_000;

/** Measures `stalledMs` from what the copy tells of itself. */
export class StallWatch {
  #durableLsn = -1;
  #sinceMs = 0;
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  observe(view: Pick<CopyView, 'endLsn' | 'durableLsn'>, nowMs: number): number {
    const isWaiting = view.endLsn > view.durableLsn;
    const hasGap = nowMs - this.#lookedAtMs > LOOK_GAP_MS;
    if (!isWaiting || hasGap || view.durableLsn !== this.#durableLsn) this.#sinceMs = nowMs;
    this.#durableLsn = view.durableLsn;
    this.#lookedAtMs = nowMs;
    return nowMs - this.#sinceMs;
  }
}
