/**
 * Which copies the active should go on without. A copy that leaves commits waiting for longer than the bound costs every
 * client that time; shrinking the set costs nobody an answer, but from then on fewer copies may lead (cases 1, 15).
 */
import type { ReplicationMode } from './register-document.ts';

export interface FollowerDelay {
  readonly host: string;
  /** Age of the oldest commit that this copy has not acknowledged; 0 when it owes none. */
  readonly owesForMs: number;
}

export interface ShrinkFacts {
  readonly host: string;
  readonly mode: ReplicationMode;
  readonly inSync: readonly string[];
  readonly followers: readonly FollowerDelay[];
}

/** The smaller set, or undefined to leave it. A member without facts counts as absent. */
export function decideShrink(
  facts: ShrinkFacts,
  policy: { readonly maxOwedMs: number },
): readonly string[] | undefined {
  const isTimely = (host: string) => {
    if (host === facts.host) return true;
    const follower = facts.followers.find((candidate) => candidate.host === host);
    return follower !== undefined && follower.owesForMs < policy.maxOwedMs;
  };
  const kept = facts.inSync.filter(isTimely);
  if (kept.length === facts.inSync.length) return undefined;
  // sync-strict prefers to answer nothing; so the other copies stay able to lead.
  return facts.mode === 'sync-strict' && kept.length < 2 ? undefined : kept;
}
