/** What went wrong, as the one line that a person at a terminal gets, and what to do where the system's word is known. */
import { escapeControl } from '../admin/format.ts';
import { isProblem, messageOf, Problem } from '../base/problem.ts';

const systemErrors: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full. Free some space, or use another folder with --data',
  EDQUOT: 'the disk quota is used up. Free some space, or use another folder with --data',
  EACCES: 'permission denied. Use a folder that belongs to you with --data',
  EPERM: 'it is not permitted. Use a folder that belongs to you with --data',
  EROFS: 'the file system is read-only. Use another folder with --data',
  ENOTDIR: 'a part of the path is a file. Use another folder with --data',
  ENAMETOOLONG: 'the path is too long. Use another folder with --data',
  EMFILE: 'too many files are open. Raise the limit (ulimit -n)',
  EIO: 'the disk reports an error. Check it, or use another folder with --data',
};

/** Without a line feed. `logHint` says where an internal error is explained. */
export function errorLine(error: unknown, logHint: string): string {
  if (isProblem(error)) return escapeControl(error.message);
  const state = systemState(error);
  if (state !== undefined) return escapeControl(`Cannot go on: ${state}.`);
  return escapeControl(`Cannot go on: internal error (${messageOf(error).slice(0, 300)}). ${logHint}`);
}

/** The system's refusal while doing `action` ("form the cluster in /x") as a Problem; anything else as it is. */
export function explainSystemError(action: string, error: unknown): unknown {
  const state = isProblem(error) ? undefined : systemState(error);
  return state === undefined ? error : new Problem('SystemRefused', `Cannot ${action}: ${state}.`, { cause: error });
}

function systemState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  const known = Object.hasOwn(systemErrors, error.code) ? systemErrors[error.code] : undefined;
  if (known === undefined) return 'syscall' in error ? messageOf(error) : undefined;
  const path = 'path' in error && typeof error.path === 'string' ? ` (${error.path})` : '';
  return `${known}${path}`;
}
