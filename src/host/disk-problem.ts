/** The file system's errors in our words: three that callers tell apart, the rest is a failed disk. */
import { messageOf, Problem } from '../base/problem.ts';

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** `action` completes "Cannot ...". */
export function diskProblem(error: unknown, action: string): Problem {
  if (error instanceof Problem) return error;
  return problemFromCode(errorCode(error), messageOf(error), action, error);
}

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
    default:
      return new Problem('DiskFailed', `Cannot ${action}: ${message}. Check the disk.`, { cause });
  }
}
