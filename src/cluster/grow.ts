/**
 * May a joining copy be recorded as in sync? Only when every commit already waits for it, and it holds everything
 * (C3): the order matters, for between the two moments nothing may be acknowledged that it lacks.
 */
import type { StorageGroupRecord } from './register-document.ts';

export interface GrowFacts {
  readonly joiner: string;
  /** Every commit since this LSN has waited for the joiner; undefined while none does. */
  readonly requiredSinceLsn: number | undefined;
  readonly joinerDurableLsn: number;
  /** End of the commits that were acknowledged without the joiner: the last one before requiredSinceLsn. */
  readonly committedBeforeLsn: number;
}

export function mayGrow(group: StorageGroupRecord, facts: GrowFacts): boolean {
  if (group.mode === 'async' || group.inSync.includes(facts.joiner)) return false;
  if (!group.copies.includes(facts.joiner) || Object.hasOwn(group.suspended, facts.joiner)) return false;
  return facts.requiredSinceLsn !== undefined && facts.joinerDurableLsn >= facts.committedBeforeLsn;
}
