/**
 * Both ends of a seed on the file system. The source's snapshot is a copy of the database file and the fixed beginnings
 * of its packs; the target gathers the same files in `seeding/` and then moves them into place. The note
 * `seeding/complete` decides: with it the exchange is finished by whoever opens the copy next, without it `seeding/` is
 * worth nothing.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Problem } from '../base/problem.ts';
import type { SeedManifest, SeedPlace, SeedSnapshot } from '../replication/seed.ts';
import type { Snapshot } from '../store/snapshot.ts';
import { diskProblem } from './disk-problem.ts';

const SEEDING = 'seeding';
const SNAPSHOTS = 'snapshots';
const COMPLETE = 'complete';
export const DATABASE_NAME = 'database.sqlite';
const PACKS = 'packs';
const LOG = 'log';
/** Says from where the log of a seeded copy goes on. */
export const SEEDED_NAME = 'seeded.json';

export function freshSnapshotPath(root: string): string {
  const folder = join(root, SNAPSHOTS);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
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
  const database = await open(copy, 'r');
  const manifest: SeedManifest = {
    lsn: snapshot.lsn,
    signature,
    files: [
      { name: DATABASE_NAME, sizeBytes: (await database.stat()).size },
      ...snapshot.packs.map(({ pack, length }) => ({ name: packPath(pack), sizeBytes: length })),
    ],
  };
  return {
    manifest,
    read: (name, position, length) =>
      name === DATABASE_NAME ? readExactly(database, position, length) : readFile(join(held, name), position, length),
    release: async () => {
      await database.close();
      await rm(copy, { force: true });
      await rm(held, { recursive: true, force: true });
    },
  };
}

function holdPacks(root: string, held: string, names: readonly string[]): void {
  try {
    mkdirSync(join(held, PACKS), { recursive: true, mode: 0o700 });
    for (const name of names) linkSync(join(root, name), join(held, name));
  } catch (error) {
    throw diskProblem(error, 'hold the packs of a snapshot');
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

/** Where a seed for the copy in `root` is gathered. */
export class SeedFolder implements SeedPlace {
  readonly #root: string;
  readonly #open = new Map<string, FileHandle>();

  constructor(root: string) {
    this.#root = root;
  }

  async begin(manifest: SeedManifest): Promise<void> {
    const folder = join(this.#root, SEEDING);
    try {
      await rm(folder, { recursive: true, force: true });
      mkdirSync(join(folder, PACKS), { recursive: true, mode: 0o700 });
      writeSynced(join(folder, SEEDED_NAME), JSON.stringify({ lsn: manifest.lsn, signature: manifest.signature }));
      for (const { name } of manifest.files) this.#open.set(name, await open(join(folder, name), 'wx', 0o600));
    } catch (error) {
      throw diskProblem(error, 'begin a seed');
    }
  }

  async write(name: string, position: number, bytes: Uint8Array): Promise<void> {
    const file = this.#open.get(name);
    if (file === undefined) throw new Problem('Malformed', `Cannot seed this copy: ${name} is not in the manifest`);
    try {
      for (let written = 0; written < bytes.length; ) {
        written += (await file.write(bytes, written, bytes.length - written, position + written)).bytesWritten;
      }
    } catch (error) {
      throw diskProblem(error, `write the seed's ${name}`);
    }
  }

  async install(): Promise<void> {
    try {
      for (const file of this.#open.values()) {
        await file.sync();
        await file.close();
      }
      this.#open.clear();
      syncFolder(join(this.#root, SEEDING, PACKS));
      writeSynced(join(this.#root, SEEDING, COMPLETE), '');
    } catch (error) {
      throw diskProblem(error, 'complete a seed');
    }
    finishSeed(this.#root);
  }
}

/** Puts a complete seed in place, or forgets an incomplete one. Every step may be repeated; call it before a copy is opened. */
export function finishSeed(root: string): void {
  rmSync(join(root, SNAPSHOTS), { recursive: true, force: true });
  const seeding = join(root, SEEDING);
  if (!existsSync(seeding)) return;
  if (existsSync(join(seeding, COMPLETE))) {
    removeLog(join(root, LOG));
    for (const name of [`${DATABASE_NAME}-wal`, `${DATABASE_NAME}-shm`]) rmSync(join(root, name), { force: true });
    replace(root, DATABASE_NAME);
    replace(root, PACKS);
    replace(root, SEEDED_NAME);
    syncFolder(root);
  }
  rmSync(seeding, { recursive: true, force: true });
  syncFolder(root);
}

/** Only what a log consists of; whatever else somebody put there stays. */
function removeLog(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) if (/^E00.*\.(log|jrs|note)$/.test(name)) rmSync(join(folder, name));
  syncFolder(folder);
}

function replace(root: string, name: string): void {
  const from = join(root, SEEDING, name);
  if (!existsSync(from)) return; // moved already, before an interruption
  rmSync(join(root, name), { recursive: true, force: true });
  renameSync(from, join(root, name));
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
