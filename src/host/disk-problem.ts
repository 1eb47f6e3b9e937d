/**
 * The file system's errors in our words: those that callers tell apart have a code of their own, the rest is a failed
 * disk. The system's own text names calls and paths of ours; of the errors that a disk answers with, it says nothing that
 * a person could use, so they have a text here.
 */
import { messageOf, Problem } from '../base/problem.ts';

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

const DISK_STATES: Readonly<Record<string, string>> = {
  EIO: 'the disk reports an error (EIO). Check the disk.',
  EACCES: 'permission denied (EACCES). Look whom the folder belongs to.',
  EROFS: 'the file system is read-only (EROFS). Check the disk, and make it writable again.',
};

/** `action` completes "Cannot ...". */
export function diskProblem(error: unknown, action: string): Problem {
  if (error instanceof Problem) return error;
  return problemFromCode(errorCode(error), messageOf(error), action, error);
}

/** For a `catch`: throws the file system's errors in our words, and others as they are. */
export function inOurWords(action: string): (error: unknown) => never {
  return (error) => {
    throw errorCode(error) === undefined ? error : diskProblem(error, action);
  };
}

/** `code`: the system's. Problem('FileMissing' | 'DiskFull' | 'TooManyFiles' | 'DiskFailed') */
export function problemFromCode(code: string | undefined, message: string, action: string, cause?: unknown): Problem {
  switch (code) {
    case 'ENOENT':
      return new Problem('FileMissing', `Cannot ${action}: there is no such file.`, { cause });
    case 'ENOSPC':
    case 'EDQUOT':
      return new Problem('DiskFull', `Cannot ${action}: the disk is full. Make room on it.`, {
        temporary: true,
        cause,
      });
    case 'EMFILE':
    case 'ENFILE':
      return new Problem(
        'TooManyFiles',
        `Cannot ${action}: too many files are open (${code}). Raise the limit (ulimit -n, LimitNOFILE).`,
        { temporary: true, cause },
      );
    default:
      return new Problem(
        'DiskFailed',
        `Cannot ${action}: ${DISK_STATES[code ?? ''] ?? `${message}. Check the disk.`}`,
        {
          cause,
        },
      );
  }
}
