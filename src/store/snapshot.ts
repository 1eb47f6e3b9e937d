/**
 * A baseline for another copy: the database as of one commit, and how much of each pack belongs to it. Packs only grow
 * behind that mark, so they can be read at leisure while this copy serves on; from the snapshot's LSN the log goes on.
 */
import { backup } from 'node:sqlite';
import { assert } from '../base/assert.ts';
import { type Database, openReader, readTally, type Tally } from './database.ts';
import { databaseProblem } from './database-problem.ts';

export interface Snapshot {
  /** Records behind it are to be replayed. */
  readonly lsn: number;
  /** Bytes of each pack that the database refers to, or may. */
  readonly packs: readonly { readonly pack: number; readonly length: number }[];
}

interface PackLengths {
  list(): readonly { readonly pack: number; readonly length: number }[];
}

/** Pages copied in one go, on libuv's pool: 4 MiB. */
const PAGES_AT_ONCE = 1_024;

/**
 * Writes the last committed database of the file `path` to `targetPath`, which must not exist. It holds that commit
 * while it runs, so the write-ahead file cannot start anew until it ends. Problem('DiskFull' | 'DiskFailed')
 */
export async function takeSnapshot(path: string, packs: PackLengths, targetPath: string): Promise<Snapshot> {
  const reader = openReader(path);
  try {
    reader.exec('BEGIN');
    const tally = readTally(reader);
    const lengths = packsAt(tally, packs);
    await backup(reader, targetPath, { rate: PAGES_AT_ONCE });
    return { lsn: tally.appliedLsn, packs: lengths };
  } catch (error) {
    throw databaseProblem(error, 'copy the database', targetPath);
  } finally {
    reader.close();
  }
}

/** The same for a database in memory, right after its commit: an image for `Database`'s option of that name. */
export function takeImage(database: Database, packs: PackLengths): Snapshot & { readonly image: Uint8Array } {
  assert(!database.connection.isTransaction, 'An image is taken right after a commit');
  const lengths = packsAt(database.tally, packs);
  return { lsn: database.committedLsn, packs: lengths, image: database.connection.serialize() };
}

/** Of a pack that still grows. */
function endOf({ pack, packEnd, movePack, moveEnd }: Tally, asked: number): number | undefined {
  if (asked === pack) return packEnd;
  return asked === movePack ? moveEnd : undefined;
}

function packsAt(tally: Tally, packs: PackLengths): Snapshot['packs'] {
  const present = packs.list().filter(({ pack }) => pack <= tally.pack);
  return present
    .map(({ pack, length }) => ({ pack, length: endOf(tally, pack) ?? length }))
    .sort((a, b) => a.pack - b.pack);
}
