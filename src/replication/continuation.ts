/**
 * How the log of a passive copy comes to end exactly where the active copy's goes on. The active copy names the last record that
 * both have, and its checksum; 0 when they have none in common.
 */
import { Problem } from '../base/problem.ts';
import type { LogPlace } from '../log/log-reader.ts';
import { formatLsn } from '../log/lsn.ts';

export interface ContinuationFacts {
  readonly commonLsn: number;
  /** The crc of that record at the active copy. */
  readonly chain: number;
  readonly generation: number;
  readonly endLsn: number;
  readonly appliedLsn: number;
  /** Of the common record here, when it is here. */
  readonly place: LogPlace | undefined;
}

/**
 * `new`: there is no log yet. `empty`: there is a file, and the process ended before its first record came: it is nobody's history, and
 * the active copy may have begun another one since. `as-it-is`: nothing stands behind the common record. `cut`: something does. An open
 * file without records counts: the active copy's file of that generation may have another header.
 */
export type Continuation = 'new' | 'empty' | 'as-it-is' | 'cut';

/** Problem('Diverged') */
export function decideContinuation(facts: ContinuationFacts): Continuation {
  const { commonLsn, chain, generation, endLsn, appliedLsn, place } = facts;
  if (generation === 0) return 'new';
  if (commonLsn === 0 && endLsn === 0 && appliedLsn === 0) return 'empty';
  if (place === undefined || place.chain !== chain) {
    throw diverged(`its history up to ${formatLsn(commonLsn)} is another one`);
  }
  return endLsn === commonLsn && generation === place.generation ? 'as-it-is' : 'cut';
}

export function databaseIsAhead(commonLsn: number): Problem {
  return diverged(`the database holds records behind ${formatLsn(commonLsn)} that it does not have`);
}

function diverged(why: string): Problem {
  return new Problem(
    'Diverged',
    `Cannot follow the active copy: ${why}. Make this copy anew with Update-StorageGroupCopy.`,
  );
}
