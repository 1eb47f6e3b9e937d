/**
 * A database (and packs) that were written anew beside the old ones take their place in one step that may be repeated:
 * with the note `rebuilt/complete` the exchange is finished by whoever opens the copy next, without it `rebuilt/` is
 * worth nothing. The log stays as it is.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { diskProblem } from './disk-problem.ts';
import { makeFolder, removeFile, removeFolder } from './folders.ts';
import { DATABASE_NAME, syncFolder, writeSynced } from './seed-files.ts';

const REBUILT = 'rebuilt';
const COMPLETE = 'complete';
const PACKS = 'packs';

export class RebuiltFolder {
  readonly #root: string;
  /** Where the new database goes. */
  readonly databasePath: string;
  /** Where new packs go, if packs are rebuilt too. */
  readonly packsFolder: string;

  /** Forgets what an earlier, unfinished rebuilding left. */
  constructor(root: string, options: { packs: boolean }) {
    this.#root = root;
    const folder = join(root, REBUILT);
    this.databasePath = join(folder, DATABASE_NAME);
    this.packsFolder = join(folder, PACKS);
    try {
      removeFolder(folder);
      makeFolder(options.packs ? this.packsFolder : folder);
    } catch (error) {
      throw diskProblem(error, `make the folder ${REBUILT}`);
    }
  }

  /** The new files are written and closed. From here on they are the copy's, whatever happens. */
  install(): void {
    try {
      syncFile(this.databasePath);
      if (existsSync(this.packsFolder)) syncFolder(this.packsFolder);
      syncFolder(join(this.#root, REBUILT));
      writeSynced(join(this.#root, REBUILT, COMPLETE), '');
      finishRebuild(this.#root);
    } catch (error) {
      throw diskProblem(error, `put the new files of the folder ${REBUILT} in place`);
    }
  }
}

/** Puts complete new files in place, or forgets incomplete ones. Every step may be repeated; call it before a copy is opened. */
export function finishRebuild(root: string): void {
  const rebuilt = join(root, REBUILT);
  if (!existsSync(rebuilt)) return;
  if (existsSync(join(rebuilt, COMPLETE))) {
    for (const name of [`${DATABASE_NAME}-wal`, `${DATABASE_NAME}-shm`]) removeFile(join(root, name));
    replace(root, DATABASE_NAME);
    replace(root, PACKS);
    syncFolder(root);
  }
  removeFolder(rebuilt);
  syncFolder(root);
}

function replace(root: string, name: string): void {
  const from = join(root, REBUILT, name);
  if (!existsSync(from)) return; // moved already, or not among what was rebuilt
  const to = join(root, name);
  if (statSync(from).isDirectory()) removeFolder(to);
  else removeFile(to);
  renameSync(from, to);
}

function syncFile(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
