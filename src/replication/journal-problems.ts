/** What the journal of an active copy says instead of taking a change or answering for one. */
import { Problem } from '../base/problem.ts';

export function notActive(reason: string): Problem {
  return new Problem('NotActive', `Cannot serve this storage group here: ${reason}. Try the active copy.`, {
    temporary: true,
  });
}

/** Mode sync-strict. */
export function notRedundant(missing: readonly string[]): Problem {
  return new Problem(
    'NotRedundant',
    `Cannot accept a change: ${missing.join(', ')} cannot confirm it now and the mode is sync-strict. Try again later.`,
    { temporary: true },
  );
}

export function shortOfRoom(): Problem {
  return new Problem(
    'DiskFull',
    'Cannot accept the change: the disk is nearly full, and no other copy can take over. Make room on it.',
    { temporary: true },
  );
}
