/**
 * SQLite's errors in our words. Most say something about the database; a few say something about the disk below it, and
 * then a new copy would help nobody: the disk has to be looked after first.
 */
import { messageOf, Problem } from '../base/problem.ts';

/** Primary result codes of sqlite3.h. */
const READONLY = 8;
const IOERR = 10;
const FULL = 13;
const CANTOPEN = 14;

/** `action` completes "Cannot …"; undefined when the disk is not the reason. Problem('DiskFull' | 'DiskFailed') */
export function diskProblemOf(error: unknown, action: string, path: string): Problem | undefined {
  const place = `${action} (${path.slice(path.lastIndexOf('/') + 1)})`;
  switch (primaryCode(error)) {
    case FULL:
      return new Problem('DiskFull', `Cannot ${place}: the disk is full. Make room on it.`, {
        temporary: true,
        cause: error,
      });
    case IOERR:
    case READONLY:
    case CANTOPEN:
      return new Problem('DiskFailed', `Cannot ${place}: ${messageOf(error)}. Check the disk.`, { cause: error });
    default:
      return undefined;
  }
}

function primaryCode(error: unknown): number | undefined {
  const isCoded = error instanceof Error && 'errcode' in error && typeof error.errcode === 'number';
  return isCoded ? Number(error.errcode) % 256 : undefined;
}
