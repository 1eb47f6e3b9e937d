/**
 * The giving end of a seed on the file system: a snapshot is a copy of the database file, in `snapshots/`, and the fixed
 * beginnings of the packs where they lie.
 */
import { closeSync, fsyncSync, linkSync, openSync, writeSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Problem } from '../base/problem.ts';
import type { SeedSnapshot, SnapshotManifest } from '../replication/seed-manifest.ts';
import type { Snapshot } from '../store/snapshot.ts';
import { diskProblem } from './disk-problem.ts';
import { makeFolder, removeFolder } from './folders.ts';

const SNAPSHOTS = 'snapshots';
export const DATABASE_NAME = 'database.sqlite';
const PACKS = 'packs';

/** Problem('DiskFull' | 'DiskFailed' | ...) */
export function freshSnapshotPath(root: string): string {
  const folder = join(root, SNAPSHOTS);
  try {
    makeFolder(folder);
  } catch (error) {
    throw diskProblem(error, `make the folder ${SNAPSHOTS}`);
  }
  return join(folder, `${process.hrtime.bigint()}.sqlite`);
}

/**
 * Of the active copy in `root`, whose database was copied to `copy`. Packs get a second name beside it, before anything
 * else happens: one that becomes empty meanwhile goes from its folder and stays readable here.
 */
export async function openSnapshot(
  root: string,
  copy: string,
  snapshot: Snapshot,
  signature: string,
): Promise<SeedSnapshot> {
  const packPath = (pack: number): string => `${PACKS}/${String(pack).padStart(8, '0')}.pack`;
  const held = `${copy}.held`;
  holdPacks(
    root,
    held,
    snapshot.packs.map(({ pack }) => packPath(pack)),
  );
  const name = join(SNAPSHOTS, basename(copy));
  const { database, sizeBytes } = await openDatabase(copy, name);
  const manifest: SnapshotManifest = {
    lsn: snapshot.lsn,
    signature,
    files: [
      { name: DATABASE_NAME, sizeBytes },
      ...snapshot.packs.map(({ pack, length }) => ({ name: packPath(pack), sizeBytes: length })),
    ],
  };
  return {
    manifest,
    read: async (file, position, length) => {
      try {
        if (file === DATABASE_NAME) return await readExactly(database, position, length);
        return await readFile(join(held, file), position, length);
      } catch (error) {
        throw diskProblem(error, `read ${file} of the snapshot ${name}`);
      }
    },
    release: async () => {
      try {
        await database.close();
        await rm(copy, { force: true });
        await rm(held, { recursive: true, force: true });
      } catch (error) {
        throw diskProblem(error, `remove the snapshot ${name}`);
      }
    },
  };
}

/** A file that is left to the garbage collector ends the process: it is closed where nobody takes it over. */
async function openDatabase(path: string, name: string): Promise<{ database: FileHandle; sizeBytes: number }> {
  let database: FileHandle | undefined;
  try {
    database = await open(path, 'r');
    return { database, sizeBytes: (await database.stat()).size };
  } catch (error) {
    await database?.close();
    throw diskProblem(error, `open the snapshot ${name}`);
  }
}

function holdPacks(root: string, held: string, names: readonly string[]): void {
  try {
    makeFolder(join(held, PACKS));
    for (const name of names) linkSync(join(root, name), join(held, name));
  } catch (error) {
    throw diskProblem(error, `hold the packs of the snapshot ${join(SNAPSHOTS, basename(held))}`);
  }
}

async function readFile(path: string, position: number, length: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    return await readExactly(file, position, length);
  } finally {
    await file.close();
  }
}

async function readExactly(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, position + filled);
    if (bytesRead === 0) throw new Problem('SeedDamaged', 'Cannot read a seed: a file is shorter than it was');
    filled += bytesRead;
  }
  return bytes;
}

/** Snapshots of an earlier life of the process. */
export function forgetSnapshots(root: string): void {
  removeFolder(join(root, SNAPSHOTS));
}

export function writeSynced(path: string, text: string): void {
  const file = openSync(path, 'w', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  syncFolder(dirname(path));
}

export function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
