/**
 * Defragmentation: database and packs written anew, without free pages and without bodies that nobody refers to. What
 * the copy holds stays the same record for record; only places change, and places are each copy's own affair: another
 * copy needs no seed for it.
 *
 * Everything goes into new files first. A body that is damaged ends it, before anything was replaced.
 */
import { DatabaseSync } from 'node:sqlite';
import { crc32 } from '../../base/checksum.ts';
import { Problem } from '../../base/problem.ts';
import { readTally, type Tally } from '../database.ts';
import { databaseProblem } from '../database-problem.ts';
import { type PackDevice, Packs } from '../packs.ts';
import { enableRowSums } from '../row-sum.ts';
import type { Pace } from './finding.ts';
import { PLACES_AT_ONCE } from './limits.ts';

export interface Defragmentation {
  readonly bodies: number;
  readonly bodyBytes: number;
  readonly tally: Tally;
}

export interface DefragmentOptions {
  /** Of the closed copy's database: free of transactions, no other connection. */
  readonly connection: DatabaseSync;
  readonly packs: PackDevice;
  /** Must not exist. */
  readonly targetPath: string;
  /** Empty. */
  readonly targetPacks: PackDevice;
  readonly pace?: Pace;
  /** For tests, so that packs end soon. */
  readonly packBytes?: number;
}

/** Problem('BodyDamaged' | 'DiskFull' | 'DiskFailed'); the caller makes the new files durable and puts them in place. */
export async function defragment(options: DefragmentOptions): Promise<Defragmentation> {
  try {
    return await writeAnew(options);
  } catch (error) {
    throw databaseProblem(error, 'write the database anew', options.targetPath);
  }
}

async function writeAnew(options: DefragmentOptions): Promise<Defragmentation> {
  enableRowSums(options.connection);
  options.connection.exec('PRAGMA auto_vacuum = INCREMENTAL');
  options.connection.prepare('VACUUM INTO ?').run(options.targetPath);
  const target = new DatabaseSync(options.targetPath, { enableForeignKeyConstraints: false });
  try {
    enableRowSums(target);
    target.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; BEGIN IMMEDIATE');
    const result = await moveBodies(target, options);
    await options.targetPacks.sync();
    target.exec('COMMIT');
    return result;
  } finally {
    target.close();
  }
}

async function moveBodies(target: DatabaseSync, options: DefragmentOptions): Promise<Defragmentation> {
  const source = new Packs(options.packs);
  const packs = new Packs(options.targetPacks, options.packBytes);
  const tally: Tally = { ...readTally(target), pack: 1, packEnd: 0, movePack: 0, moveEnd: 0 };
  const batch = target.prepare(
    `SELECT id, pack, position, size_bytes, crc32 FROM body WHERE id > ? ORDER BY id LIMIT ${PLACES_AT_ONCE}`,
  );
  batch.setReturnArrays(true);
  const move = target.prepare('UPDATE body SET pack = ?, position = ? WHERE id = ?');
  let bodies = 0;
  let bodyBytes = 0;
  for (let last = 0; ; ) {
    const rows = batch.all(last) as unknown as readonly [number, number, number, number, number][];
    if (rows.length === 0) break;
    for (const [bodyId, pack, position, sizeBytes, checksum] of rows) {
      const bytes = source.read({ bodyId, pack, position, sizeBytes, crc32: checksum });
      // Long bodies are read in pieces whose checksums were taken a moment ago: once more, over what is written.
      if (crc32(bytes) !== checksum) throw changed(bodyId);
      const place = packs.append(tally, bodyId, bytes);
      move.run(place.pack, place.position, bodyId);
      bodies += 1;
      bodyBytes += bytes.length;
      last = bodyId;
      await options.pace?.(bytes.length);
    }
  }
  writeTally(target, tally);
  return { bodies, bodyBytes, tally };
}

function writeTally(target: DatabaseSync, tally: Tally): void {
  target.exec(`
    DELETE FROM pack;
    INSERT INTO pack SELECT pack, count(*) FROM body GROUP BY pack;
    UPDATE meta SET value = 0 WHERE name IN ('movePack', 'moveEnd');
  `);
  const set = target.prepare('UPDATE meta SET value = ? WHERE name = ?');
  set.run(tally.pack, 'pack');
  set.run(tally.packEnd, 'packEnd');
}

function changed(bodyId: number): Problem {
  return new Problem(
    'BodyDamaged',
    `Cannot move message body ${bodyId}: it changed while it was read. Check the disk.`,
  );
}
