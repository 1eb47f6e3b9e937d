/** The facts behind the dumps of a copy (header, log, space): plain numbers, for people and for commands alike. */
import type { DatabaseSync } from 'node:sqlite';
import { type Disk, joinName } from '../../log/disk.ts';
import { listLogFiles } from '../../log/folder.ts';
import { emptyLogFile, type LogFileHeader, OPEN_NAME } from '../../log/log-file.ts';
import { scanRecords } from '../../log/scan.ts';
import { readTally, type Tally } from '../database.ts';
import { decodeFact } from '../facts.ts';
import type { BodiesOfPack } from './defragment-online.ts';
import { ENTRY_HEAD_BYTES, PACK_FOLDER, packName, packNumber } from './pack-name.ts';

export interface DatabaseHeader {
  readonly signature: string;
  readonly schemaVersion: number;
  readonly pageBytes: number;
  readonly pages: number;
  readonly freePages: number;
  readonly tally: Tally;
}

export function describeDatabase(connection: DatabaseSync): DatabaseHeader {
  const pragma = (name: string): number => Number(connection.prepare(`PRAGMA ${name}`).get()?.[name]);
  const meta = (name: string): unknown =>
    connection.prepare('SELECT value FROM meta WHERE name = ?').get(name)?.['value'];
  return {
    signature: String(meta('signature')),
    schemaVersion: Number(meta('schema_version')),
    pageBytes: pragma('page_size'),
    pages: pragma('page_count'),
    freePages: pragma('freelist_count'),
    tally: readTally(connection),
  };
}

export interface LogFileFacts {
  readonly name: string;
  readonly sizeBytes: number;
  /** Undefined: it is not whole. */
  readonly header: LogFileHeader | undefined;
}

/** Oldest first, the open one last. */
export async function describeLogFiles(disk: Disk, folder: string): Promise<readonly LogFileFacts[]> {
  const files = await listLogFiles(disk, folder);
  return Promise.all(
    files.map(async ({ name, header }) => ({
      name,
      header,
      sizeBytes: (await disk.size(joinName(folder, name))) ?? 0,
    })),
  );
}

export interface RecordFacts {
  readonly type: string;
  readonly records: number;
  readonly bytes: number;
}

/** What the whole records of one file are, the most bytes first. */
export function describeRecords(
  bytes: Buffer,
  header: LogFileHeader,
): { readonly lastLsn: number; readonly kinds: readonly RecordFacts[] } {
  const file = emptyLogFile(header, OPEN_NAME);
  const kinds = new Map<string, { records: number; bytes: number }>();
  scanRecords(bytes, file, ({ kind, payload, frame }) => {
    const type = decodeFact(kind, payload).type;
    const sum = kinds.get(type) ?? { records: 0, bytes: 0 };
    kinds.set(type, { records: sum.records + 1, bytes: sum.bytes + frame.length });
  });
  const list = [...kinds].map(([type, sum]) => ({ type, ...sum }));
  return { lastLsn: file.lastLsn, kinds: list.sort((a, b) => b.bytes - a.bytes) };
}

export interface PackSpace {
  readonly pack: number;
  readonly sizeBytes: number;
  readonly liveBodies: number;
  readonly liveBytes: number;
}

/** Each pack with what the database refers to in it. */
export async function describePacks(connection: DatabaseSync, disk: Disk): Promise<readonly PackSpace[]> {
  const rows = connection
    .prepare(`SELECT pack, count(*) AS bodies, sum(size_bytes + ${ENTRY_HEAD_BYTES}) AS bytes FROM body GROUP BY pack`)
    .all();
  const live = new Map(rows.map((row) => [Number(row['pack']), row]));
  const packs = (await disk.list(PACK_FOLDER)).flatMap((name) => packNumber(name) ?? []).sort((a, b) => a - b);
  return Promise.all(
    packs.map(async (pack) => ({
      pack,
      sizeBytes: (await disk.size(packName(pack))) ?? 0,
      liveBodies: Number(live.get(pack)?.['bodies'] ?? 0),
      liveBytes: Number(live.get(pack)?.['bytes'] ?? 0),
    })),
  );
}

/** A walk over all bodies: not for a serving thread. */
export function bodiesOfPack(connection: DatabaseSync, pack: number): BodiesOfPack {
  const statement = connection.prepare('SELECT id, position FROM body WHERE pack = ? ORDER BY id');
  statement.setReturnArrays(true);
  const rows = statement.all(pack) as unknown as readonly (readonly [number, number])[];
  return { ids: Float64Array.from(rows, ([id]) => id), positions: Float64Array.from(rows, ([, at]) => at) };
}

export interface TableSpace {
  readonly name: string;
  readonly pages: number;
  readonly bytes: number;
  readonly unusedBytes: number;
}

/** Tables and indexes of the database, the largest first. Reads every page once. */
export function describeTables(connection: DatabaseSync): readonly TableSpace[] {
  const rows = connection
    .prepare(
      'SELECT name, pageno AS pages, pgsize AS bytes, unused FROM dbstat WHERE aggregate = TRUE ORDER BY pgsize DESC',
    )
    .all();
  return rows.map((row) => ({
    name: String(row['name']),
    pages: Number(row['pages']),
    bytes: Number(row['bytes']),
    unusedBytes: Number(row['unused']),
  }));
}
