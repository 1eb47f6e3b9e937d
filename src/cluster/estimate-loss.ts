/**
 * What a copy would lose if it were made active now, as far as anybody can know: the closed log files between the last
 * position that the old active published and the end of this copy's log. The open log file of the old active may hold
 * more; the first record of the new epoch makes up for what nobody can count (C6).
 */
import type { AutoDatabaseMountDial, LogPosition } from './register-document.ts';

/** Missing closed log files that each setting tolerates (Exchange 2007's figures; "at most", so that Lossless is 0). */
export const DIAL_LOG_FILES: Readonly<Record<AutoDatabaseMountDial, number>> = {
  Lossless: 0,
  GoodAvailability: 3,
  BestAvailability: 6,
};

export interface LossEstimate {
  /** False: this copy holds everything up to the hint. */
  readonly isLossy: boolean;
  readonly missingGenerations: number;
}

export function estimateLoss(hint: LogPosition, mine: LogPosition): LossEstimate {
  if (mine.lsn >= hint.lsn) return { isLossy: false, missingGenerations: 0 };
  return { isLossy: true, missingGenerations: Math.max(0, hint.generation - mine.generation) };
}

/** Lossless tolerates no missing record that is known of, not even one of the open log file. */
export function isWithinDial(loss: LossEstimate, dial: AutoDatabaseMountDial): boolean {
  if (!loss.isLossy) return true;
  return dial !== 'Lossless' && loss.missingGenerations <= DIAL_LOG_FILES[dial];
}
