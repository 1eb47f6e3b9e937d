/** Which copy, and which part of it, the path of an eseutil command means; and the lock that offline work takes. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { isProblem, Problem } from '../../base/problem.ts';
import { diskProblem } from '../../host/disk-problem.ts';
import { DATABASE_NAME } from '../../host/seed-files.ts';
import { type FolderLock, lockFolder } from '../folder-lock.ts';

export interface CopyPlace {
  readonly part: 'copy' | 'database' | 'log' | 'log-file' | 'packs' | 'pack';
  /** The copy's folder, absolute. */
  readonly root: string;
  /** The part's path in it; '' for the whole copy. */
  readonly name: string;
}

const LOG_FILE = /^E00([0-9a-f]{8})?\.log$/;

/** Problem('FileMissing' | 'ArgumentInvalid') */
export function locateCopy(path: string): CopyPlace {
  const full = resolve(path);
  if (!existsSync(full)) throw new Problem('FileMissing', `Cannot find ${path}: there is no such file or folder.`);
  const name = basename(full);
  if (statSync(full).isDirectory()) {
    if (existsSync(join(full, DATABASE_NAME)) || existsSync(join(full, 'log'))) {
      return { part: 'copy', root: full, name: '' };
    }
    if (name === 'packs') return { part: 'packs', root: dirname(full), name };
    if (existsSync(join(full, 'E00.log')) || name === 'log') return { part: 'log', root: dirname(full), name };
  } else {
    if (LOG_FILE.test(name)) {
      const folder = dirname(full);
      return { part: 'log-file', root: dirname(folder), name: `${basename(folder)}/${name}` };
    }
    if (/^\d{8,16}\.pack$/.test(name)) return { part: 'pack', root: dirname(dirname(full)), name: `packs/${name}` };
    if (name.endsWith('.sqlite')) return { part: 'database', root: dirname(full), name };
  }
  throw new Problem(
    'ArgumentInvalid',
    `Cannot use ${path}: it is no copy of a storage group and no part of one. Name its folder (DIR/HOST/copies/STORAGE GROUP), its log, packs or ${DATABASE_NAME}.`,
  );
}

/** The copy's folder when `path` is it or its database. Problem('ArgumentInvalid') */
export function wholeCopy(path: string, mode: string): string {
  const { part, root } = locateCopy(path);
  if (part === 'copy' || part === 'database') return root;
  throw new Problem('ArgumentInvalid', `Cannot run ${mode} on ${path}: it needs the folder of a whole copy.`);
}

/**
 * Nobody else uses the copy until it is released. A copy in its place is its host's, so the host's lock is taken; one
 * that was put somewhere else has a lock of its own. Problem('CopyInUse' | 'DiskFull' | 'DiskFailed' | ...)
 */
export function lockCopy(root: string, mode: string): FolderLock {
  const isInPlace = basename(dirname(root)) === 'copies';
  try {
    return lockFolder(isInPlace ? dirname(dirname(root)) : root);
  } catch (error) {
    if (!isProblem(error, 'DataFolderInUse')) throw diskProblem(error, `lock the folder ${root}`);
    throw new Problem('CopyInUse', `Cannot run ${mode} on ${root}: its host is running. Stop the host first.`, {
      cause: error,
    });
  }
}
