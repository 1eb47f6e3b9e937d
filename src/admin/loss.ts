/** What a copy lacks, or lacked when it took over, in words and figures. */
import type { LogPosition } from '../cluster/register-document.ts';
import { formatLsn } from '../log/lsn.ts';

export interface Missing {
  /** Closed log files. */
  readonly missingGenerations: number;
  readonly lastKept: LogPosition;
  /** The last position that is known to have been acknowledged. */
  readonly hint: LogPosition;
}

/** Without a full stop. */
export function describeMissing({ missingGenerations: count, lastKept, hint }: Missing): string {
  const ends = `its log ends with record ${formatLsn(lastKept.lsn)} in log file ${lastKept.generation}`;
  if (lastKept.lsn >= hint.lsn) {
    return `${ends} and reaches the last one known to be acknowledged, ${formatLsn(hint.lsn)}; only what was acknowledged after that was published may be missing`;
  }
  const files = count === 0 ? 'no whole log file' : `${count} whole log file${count === 1 ? '' : 's'}`;
  return `${ends}, but record ${formatLsn(hint.lsn)} in log file ${hint.generation} was acknowledged: ${files} and the rest of the open one are missing, and perhaps what came after`;
}
