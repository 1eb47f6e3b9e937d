/**
 * A database (and packs) that were written anew beside the old ones take their place in one step that may be repeated:
 * with the note `rebuilt/complete` the exchange is finished by whoever opens the copy next, without it `rebuilt/` is
 * worth nothing. The log stays as it is.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { diskProblem } from './disk-problem.ts';
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
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(options.packs ? this.packsFolder : folder, { recursive: true, mode: 0o700 });
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
      throw diskProblem(error, 'complete the new files');
    }
  }
}

/** Puts complete new files in place, or forgets incomplete ones. Every step may be repeated; call it before a copy is opened. */
export function finishRebuild(root: string): void {
  const rebuilt = join(root, REBUILT);
  if (!existsSync(rebuilt)) return;
  if (existsSync(join(rebuilt, COMPLETE))) {
    for (const name of [`${DATABASE_NAME}-wal`, `${DATABASE_NAME}-shm`]) rmSync(join(root, name), { force: true });
    replace(root, DATABASE_NAME);
    replace(root, PACKS);
    syncFolder(root);
  }
  rmSync(rebuilt, { recursive: true, force: true });
  syncFolder(root);
}

function replace(root: string, name: string): void {
  const from = join(root, REBUILT, name);
  if (!existsSync(from)) return; // moved already, or not among what was rebuilt
  rmSync(join(root, name), { recursive: true, force: true });
  renameSync(from, join(root, name));
}

function syncFile(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
