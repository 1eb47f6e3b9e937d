/**
 * Repair of a copy that nobody else can make whole again: every message that can still be read is kept, and what cannot
 * be kept is listed, message by message. The database is written anew; the old one and the packs stay untouched until
 * the caller puts the new one in place, except that bodies which the copy's own log still holds are written back over
 * the damaged bytes.
 *
 *   rows that can be read, by the trees and page by page -> bodies found in packs for rows that are missing -> damaged bodies from the log
 *     -> bodies that lost their messages adopted -> messages without bytes out -> counters anew
 */
import { DatabaseSync } from 'node:sqlite';
import { messageOf, Problem } from '../../base/problem.ts';
import type { Disk } from '../../log/disk.ts';
import { saltOf } from '../../log/record.ts';
import { parseMessage } from '../../mail/mime.ts';
import { encodeStructure } from '../../mail/structure-codec.ts';
import { readTally, type Tally, tallyOf } from '../database.ts';
import { isUnreadable } from '../database-problem.ts';
import { headOf, type PackDevice } from '../packs.ts';
import { enableRowSums } from '../row-sum.ts';
import { SCHEMA, SCHEMA_VERSION } from '../schema.ts';
import { bodiesFromLog } from './bodies-from-log.ts';
import { checkBodies } from './check-bodies.ts';
import { checkPages, type DatabaseFile } from './check-database.ts';
import { checkSums } from './check-sums.ts';
import type { Pace } from './finding.ts';
import { ENTRY_HEAD_BYTES, PACK_FOLDER, packName, packNumber } from './pack-name.ts';
import { rowsOfPages } from './page-rows.ts';
import { adoptBodies, adoptOrphans, dropMessages, missingBodies, recount } from './repair-rows.ts';
import { type LostRange, type Salvage, salvage } from './salvage.ts';
import { walkPack } from './walk-pack.ts';

export interface LostMessage {
  readonly mailbox: string;
  readonly folder: string;
  readonly uid: number;
  readonly bodyId: number;
  readonly internalDateMs: number;
  readonly sizeBytes: number;
  readonly why: string;
}

export interface Repair {
  /** The database's pages or rows were damaged; it was written anew row by row. */
  readonly wasSalvaged: boolean;
  readonly lostRows: readonly LostRange[];
  /** Rows that no tree leads to any more. */
  readonly rowsFromPages: number;
  readonly lostMessages: readonly LostMessage[];
  /** Damaged bodies that the copy's own log still held. */
  readonly bodiesFromLog: number;
  /** Bodies whose row was missing and whose bytes were found. */
  readonly bodiesFromPacks: number;
  /** Folders that had to be made anew, or moved into the mailbox of recovered messages. */
  readonly adoptedFolders: number;
  /** Messages whose bytes are there and of which nothing else is; they are in the mailbox of recovered messages. */
  readonly adoptedMessages: number;
  readonly keptMessages: number;
}

export interface RepairOptions {
  /** Of the closed copy's database. */
  readonly database: DatabaseFile;
  /** Its root is the copy's folder. */
  readonly disk: Disk;
  readonly logFolder: string;
  readonly packs: PackDevice;
  /** Must not exist. */
  readonly targetPath: string;
  readonly nowMs: number;
  readonly pace?: Pace;
}

/** Problem('DatabaseUnusable') when not even the counters of the database can be read: then only a seed helps. */
export async function repair(options: RepairOptions): Promise<Repair> {
  const { database, targetPath } = options;
  const wasSalvaged = checkPages(database, true).length > 0 || checkSums(database).length > 0;
  if (wasSalvaged) carryOver(database.connection);
  const counters = await readCounters(options);
  enableRowSums(database.connection);
  if (!wasSalvaged) database.connection.prepare('VACUUM INTO ?').run(targetPath);
  const target = new DatabaseSync(targetPath, { enableForeignKeyConstraints: false });
  try {
    enableRowSums(target);
    target.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL');
    const { lost: lostRows, rowsFromPages } = wasSalvaged ? await salvageInto(target, options, counters) : NOTHING_LOST;
    const lost = new Map<number, string>();
    const bodiesFromPacks = await rebuildBodies(target, options, counters.tally, lost);
    const bodiesRepaired = await healBodies(target, options, lost);
    target.exec('BEGIN IMMEDIATE');
    const adoptedMessages = adoptBodies(target, options.nowMs);
    const adoptedFolders = adoptOrphans(target, options.nowMs);
    const lostMessages = dropMessages(target, lost);
    recount(target);
    target.exec('COMMIT');
    const keptMessages = Number(target.prepare('SELECT count(*) AS messages FROM message').get()?.['messages']);
    return {
      wasSalvaged,
      lostRows,
      rowsFromPages,
      lostMessages,
      bodiesFromLog: bodiesRepaired,
      bodiesFromPacks,
      adoptedFolders,
      adoptedMessages,
      keptMessages,
    };
  } finally {
    target.close();
  }
}

/** Pages are read from the file itself. What stays in the write-ahead file because it cannot be carried over, a walk finds. */
function carryOver(connection: DatabaseSync): void {
  try {
    connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch (error) {
    if (!isUnreadable(error)) throw error;
  }
}

interface Counters {
  readonly tally: Tally;
  /** Of the log stream whose shadow the database is, hex. */
  readonly signature: string;
}

/** Without them nobody knows which records the rows stand for. */
async function readCounters({ database, disk }: RepairOptions): Promise<Counters> {
  let why = 'its counters are gone';
  try {
    const tally = readTally(database.connection);
    if (isBegun(tally)) return { tally, signature: signatureOf(database.connection) };
  } catch (error) {
    why = messageOf(error);
  }
  const meta = new Map<unknown, unknown>();
  for await (const { table, row } of rowsOfPages(disk, database.name)) if (table === 'meta') meta.set(row[0], row[1]);
  const tally = tallyOf(meta);
  const signature = meta.get('signature');
  if (!isBegun(tally) || typeof signature !== 'string') throw unrepairable(why);
  return { tally, signature };
}

function isBegun({ nextFolderId, appliedLsn }: Tally): boolean {
  return nextFolderId > 1 || appliedLsn > 0;
}

function unrepairable(reason: string): Problem {
  return new Problem(
    'DatabaseUnusable',
    `Cannot repair the database: ${reason}. Seed this copy from another one, or restore a backup.`,
  );
}

const NOTHING_LOST: Salvage = { lost: [], rowsFromPages: 0 };

async function salvageInto(
  target: DatabaseSync,
  { database, disk, pace }: RepairOptions,
  { tally, signature }: Counters,
): Promise<Salvage> {
  target.exec(`PRAGMA auto_vacuum = INCREMENTAL; ${SCHEMA}`);
  const set = target.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)');
  set.run('signature', signature);
  set.run('schema_version', SCHEMA_VERSION);
  for (const [name, value] of Object.entries(tally)) set.run(name, value);
  const { nextMailboxId: mailboxId, nextFolderId: folderId, nextBodyId: bodyId } = tally;
  const pages = rowsOfPages(disk, database.name, pace);
  return await salvage(database.connection, target, { mailboxId, folderId, bodyId }, pages);
}

function signatureOf(connection: DatabaseSync): string {
  return String(connection.prepare("SELECT value FROM meta WHERE name = 'signature'").get()?.['value']);
}

/** Rows of `body` for messages that lost theirs, from the packs: the structure is parsed once more. */
async function rebuildBodies(
  target: DatabaseSync,
  { disk, pace }: RepairOptions,
  tally: Tally,
  lost: Map<number, string>,
): Promise<number> {
  const missing = new Set(missingBodies(target));
  if (missing.size === 0) return 0;
  const insert = target.prepare('INSERT INTO body VALUES (?, ?, ?, ?, ?, 0, ?, NULL, NULL)');
  let rebuilt = 0;
  for (const name of await disk.list(PACK_FOLDER)) {
    const pack = packNumber(name);
    if (pack === undefined || pack > tally.pack) continue;
    const endByte = pack === tally.pack ? tally.packEnd : ((await disk.size(packName(pack))) ?? 0);
    const { entries } = await walkPack(disk, packName(pack), endByte, pace);
    for (const { bodyId, position, sizeBytes, crc32 } of entries) {
      if (!missing.delete(bodyId)) continue;
      const bytes = await disk.read(packName(pack), position + ENTRY_HEAD_BYTES, sizeBytes);
      insert.run(bodyId, pack, position, sizeBytes, crc32, encodeStructure(parseMessage(bytes)));
      rebuilt += 1;
    }
  }
  for (const bodyId of missing) lost.set(bodyId, 'its place in the packs is not known any more');
  return rebuilt;
}

/** Writes damaged bodies back from the log; those it does not have are lost. */
async function healBodies(target: DatabaseSync, options: RepairOptions, lost: Map<number, string>): Promise<number> {
  const { disk, packs, logFolder, pace } = options;
  const { findings } = await checkBodies(target, disk, pace === undefined ? {} : { pace });
  const damaged = new Map(
    findings.flatMap(({ bodyId, what }) => (bodyId === undefined ? [] : [[bodyId, what] as const])),
  );
  if (damaged.size === 0) return 0;
  const place = target.prepare('SELECT pack, position, size_bytes, crc32 FROM body WHERE id = ?');
  let healed = 0;
  const log = { folder: logFolder, salt: saltOf(Buffer.from(signatureOf(target), 'hex')) };
  await bodiesFromLog(disk, log, new Set(damaged.keys()), (bodyId, bytes, checksum) => {
    const row = place.get(bodyId);
    if (row === undefined || Number(row['size_bytes']) !== bytes.length || Number(row['crc32']) !== checksum) return;
    const [pack, position] = [Number(row['pack']), Number(row['position'])];
    packs.append(pack, position, headOf({ bodyId, sizeBytes: bytes.length, crc32: checksum }));
    packs.append(pack, position + ENTRY_HEAD_BYTES, bytes);
    if (damaged.delete(bodyId)) healed += 1;
  });
  await packs.sync();
  for (const [bodyId, what] of damaged) lost.set(bodyId, what);
  return healed;
}
