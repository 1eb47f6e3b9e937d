/**
 * What is the next step of a copy that is about to join the in-sync set (C3)? The order matters. First every commit must
 * wait for its word, and only then, when it holds everything, may the register name it: between the two nothing
 * is acknowledged that it lacks.
 */
export interface GrowFacts {
  readonly isInSync: boolean;
  /** It receives records as they are made, and no more from closed files. */
  readonly isCaughtUp: boolean;
  /** Every commit waits for its word already. */
  readonly isJoining: boolean;
  readonly durableLsn: number;
  /** The last record of the active copy's log. */
  readonly endLsn: number;
}

export type GrowStep = 'wait' | 'require' | 'record';

export function decideGrow(facts: GrowFacts): GrowStep {
  if (facts.isInSync || !facts.isCaughtUp) return 'wait';
  if (!facts.isJoining) return 'require';
  return facts.durableLsn >= facts.endLsn ? 'record' : 'wait';
}
