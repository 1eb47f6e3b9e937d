/**
 * Without which copy shall the active one go on? A copy that leaves commits waiting for longer than its bound costs every
 * client that time; shrinking the set costs nobody an answer, but from then on fewer copies may lead (cases 1, 15).
 *
 * One that came back older than it was leaves at once: what it acknowledged before, it may no longer have (C10). One that
 * is not yet in the set and only joining is disconnected instead: it begins to join anew, and nobody waits for it meanwhile.
 */
import type { ReplicationMode } from './register-document.ts';

/** Another copy, as the active one knows it. */
export interface CopyDelay {
  readonly host: string;
  /** The register names it in sync, for certain. */
  readonly isInSync: boolean;
  /** A change with it has an unknown outcome: the register may name it. */
  readonly isUndecided: boolean;
  /** Its log ends before what it had acknowledged. */
  readonly isOutdated: boolean;
  /** The oldest commit waits for its word. */
  readonly isAwaited: boolean;
  /** Since when it has no connection; undefined while it has one. Monotonic, as `nowMs`. */
  readonly absentSinceMs: number | undefined;
  /** It was connected under this epoch. */
  readonly wasConnected: boolean;
}

export interface ShrinkFacts {
  readonly mode: ReplicationMode;
  readonly nowMs: number;
  /** In the order of preference for leaving; one goes at a time. */
  readonly copies: readonly CopyDelay[];
  /** Since when the oldest commit waits; undefined when none does. */
  readonly waitingSinceMs: number | undefined;
}

export interface ShrinkPolicy {
  /** How long a commit waits for a copy that is connected and does not acknowledge. */
  readonly slowCopyMs: number;
  /** For one whose connection is gone. */
  readonly absentCopyMs: number;
  /** For one that has not been connected yet: after a takeover it is on its way. */
  readonly firstConnectionMs: number;
}

export interface ShrinkDecision {
  readonly kind: 'shrink' | 'disconnect';
  readonly host: string;
  readonly why: string;
}

/** undefined: wait. sync-strict always waits, async never does, so neither gives a copy up. */
export function decideShrink(facts: ShrinkFacts, policy: ShrinkPolicy): ShrinkDecision | undefined {
  if (facts.mode !== 'sync') return undefined;
  const outdated = facts.copies.find(({ isOutdated, isInSync }) => isOutdated && isInSync);
  if (outdated !== undefined) return { kind: 'shrink', host: outdated.host, why: 'it came back older than it was' };
  for (const copy of facts.copies) {
    const why = reasonToGiveUp(copy, facts, policy);
    if (why === undefined) continue;
    return { kind: copy.isInSync || copy.isUndecided ? 'shrink' : 'disconnect', host: copy.host, why };
  }
  return undefined;
}

function reasonToGiveUp(copy: CopyDelay, facts: ShrinkFacts, policy: ShrinkPolicy): string | undefined {
  const { nowMs, waitingSinceMs } = facts;
  if (!copy.isAwaited || waitingSinceMs === undefined) return undefined;
  if (copy.absentSinceMs === undefined) {
    if (nowMs - waitingSinceMs < policy.slowCopyMs) return undefined;
    return `it has not acknowledged for ${policy.slowCopyMs} ms`;
  }
  const patienceMs = copy.wasConnected ? policy.absentCopyMs : policy.firstConnectionMs;
  return nowMs - Math.max(copy.absentSinceMs, waitingSinceMs) >= patienceMs ? 'it is not connected' : undefined;
}
