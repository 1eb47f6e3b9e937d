/**
 * SQLite's errors in our words. Most say something about the database; a few say something about the disk below it, and
 * then a new copy would help nobody: the disk has to be looked after first.
 */
import type { StatementSync } from 'node:sqlite';
import { messageOf, Problem } from '../base/problem.ts';

/** Primary result codes of sqlite3.h. */
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;
/** Extended ones: bytes that are there and cannot be had. */
const IOERR_READ = 266;
const IOERR_SHORT_READ = 522;
const IOERR_CORRUPTFS = 8458;

const UNREADABLE = [CORRUPT, NOTADB, IOERR_READ, IOERR_SHORT_READ, IOERR_CORRUPTFS];

/** `action` completes "Cannot …"; undefined when the disk is not the reason. Problem('DiskFull' | 'DiskFailed') */
export function diskProblemOf(error: unknown, action: string, path: string): Problem | undefined {
  const place = placeOf(action, path);
  switch (resultCode(error) % 256) {
    case FULL:
      return new Problem('DiskFull', `Cannot ${place}: the disk is full. Make room on it.`, {
        temporary: true,
        cause: error,
      });
    case IOERR:
    case READONLY:
      return new Problem('DiskFailed', `Cannot ${place}: ${messageOf(error)}. Check the disk.`, { cause: error });
    case CANTOPEN:
      // Of a limit on open files SQLite says no more than this.
      return new Problem(
        'DiskFailed',
        `Cannot ${place}: ${messageOf(error)}. Check the disk, and how many files may be open (ulimit -n).`,
        { cause: error },
      );
    default:
      return undefined;
  }
}

/**
 * Whether what is in the database's file cannot be had, for a read error or because it is something else. A number
 * beyond what a column may have is something else, too: node:sqlite refuses to read it.
 */
export function isUnreadable(error: unknown): boolean {
  if (error instanceof Error && 'code' in error && error.code === 'ERR_OUT_OF_RANGE') return true;
  const code = resultCode(error);
  return UNREADABLE.includes(code) || UNREADABLE.includes(code % 256);
}

/** Of a database that was good when it was opened, Problem('DatabaseDamaged') too; any other error as it is. */
export function databaseProblem(error: unknown, action: string, path: string): unknown {
  const problem = diskProblemOf(error, action, path);
  if (problem !== undefined || !isUnreadable(error)) return problem ?? error;
  return new Problem(
    'DatabaseDamaged',
    `Cannot ${placeOf(action, path)}: ${messageOf(error)}. Check the disk; a running copy is made anew from another one.`,
    { cause: error },
  );
}

const CALLS = ['all', 'get', 'run'] as const;

/** `statement`, whose errors go through `explain`. */
export function explained(statement: StatementSync, explain: (error: unknown) => unknown): StatementSync {
  for (const name of CALLS) {
    const call = statement[name].bind(statement) as (...values: unknown[]) => unknown;
    const value = (...values: unknown[]): unknown => {
      try {
        return call(...values);
      } catch (error) {
        throw explain(error);
      }
    };
    Object.defineProperty(statement, name, { value });
  }
  return statement;
}

function placeOf(action: string, path: string): string {
  return `${action} (${path.slice(path.lastIndexOf('/') + 1)})`;
}

/** SQLite's extended code; 0 when it is none of SQLite's errors. */
function resultCode(error: unknown): number {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : 0;
}
