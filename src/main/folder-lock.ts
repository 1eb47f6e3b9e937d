/**
 * The lock of a data folder: held by a process, gone with it, however it ends. SQLite's lock on a file of its own serves,
 * for Node has no flock(); a file with a process id would have to be believed after a restart of the machine, when the id
 * belongs to somebody else.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { messageOf, Problem } from '../base/problem.ts';
import { diskProblem } from '../host/disk-problem.ts';
import { makeFolder } from '../host/folders.ts';
import { diskProblemOf } from '../store/database-problem.ts';

export const FOLDER_LOCK_NAME = 'holdfast.lock';

/** A connection that nobody refers to is closed, and with it goes its lock. */
const held = new Set<DatabaseSync>();

export interface FolderLock {
  release(): void;
}

/**
 * Makes the folder if it is not there. Problem('DataFolderInUse') names the process that holds it;
 * Problem('DiskFull' | 'DiskFailed' | 'TooManyFiles') when the disk does not take the lock.
 */
export function lockFolder(folder: string): FolderLock {
  makeFolder(folder);
  const path = join(folder, FOLDER_LOCK_NAME);
  const database = lockFile(folder, path);
  try {
    writeFileSync(holderPath(path), `${process.pid}\n`, { mode: 0o600 });
  } catch (error) {
    database.close();
    throw diskProblem(error, `lock the folder ${folder} (${FOLDER_LOCK_NAME})`);
  }
  held.add(database);
  return {
    release: () => {
      held.delete(database);
      database.close();
    },
  };
}

function lockFile(folder: string, path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database?.close();
    if (!messageOf(error).includes('locked')) throw diskProblemOf(error, `lock the folder ${folder}`, path) ?? error;
    throw new Problem(
      'DataFolderInUse',
      `Cannot use the data folder ${folder}: Holdfast already runs on it${holderOf(path)}. Stop that one first (Ctrl-C), or use another folder with --data.`,
    );
  }
}

function holderPath(path: string): string {
  return `${path}.pid`;
}

/** Only for the message; the lock itself is SQLite's. */
function holderOf(path: string): string {
  try {
    const text = readFileSync(holderPath(path), 'utf8').trim();
    return /^\d{1,10}$/.test(text) ? ` (process ${text})` : '';
  } catch {
    return ''; // it has the lock and has not yet written its number
  }
}
