/**
 * Rows out of the pages of a database file, without its trees: what lies below an interior page that is damaged is out of
 * every walk's reach, and whole all the same. A leaf does not say whose it is; a row does, by its shape and its checksum
 * (row-sum.ts), and what has none that agrees is no row of ours. Shapes of pages and cells: sqlite.org/fileformat2.html.
 *
 * Pages that are free still hold rows that were removed, and older states of others. The map of pages, which auto_vacuum
 * keeps, says which they are; where it is damaged, the list of free pages does.
 */
import type { Disk } from '../../log/disk.ts';
import { isWhole, type Row } from '../row-sum.ts';
import { TABLES, type Table } from '../schema.ts';
import type { Pace } from './finding.ts';
import { PAGES_AT_ONCE } from './limits.ts';

/** Those whose first column is the row's number and stands before the record, not in it. */
const NUMBERED: readonly Table[] = ['mailbox', 'folder', 'body', 'pack', 'mailbox_usage', 'mailbox_limit'];

const MAGIC = 'SQLite format 3\0';
/** What a database of ours has, where the header does not say. */
const USUAL_PAGE_BYTES = 4_096;
const HEADER_BYTES = 100;
const KIND = { inner: 2, numberedLeaf: 13, leaf: 10 };
const MAP_ENTRY_BYTES = 5;
const MAP_FREE = 2;
const MAP_KINDS = 5;
/** SQLite locks a file there, and keeps no page. */
const LOCK_BYTE = 0x40_00_00_00;

export interface FoundRow {
  readonly table: Table;
  /** All columns, then the checksum. */
  readonly row: Row;
}

export async function* rowsOfPages(
  disk: Disk,
  name: string,
  pace: Pace = () => undefined,
): AsyncGenerator<FoundRow, void, undefined> {
  const file = new PageFile(disk, name, await headerOf(disk, name));
  const { pages, pageBytes } = file.header;
  const idle = await idlePages(file);
  for (let page = 2; page <= pages; page++) {
    if (!idle.has(page)) yield* await rowsOf(file, page);
    if (page % PAGES_AT_ONCE === 0) await pace(PAGES_AT_ONCE * pageBytes);
  }
}

interface FileHeader {
  readonly pageBytes: number;
  readonly usableBytes: number;
  readonly pages: number;
  /** Of the list of free pages; 0 when there is none. */
  readonly firstTrunk: number;
  readonly hasMap: boolean;
}

async function headerOf(disk: Disk, name: string): Promise<FileHeader> {
  const bytes = Buffer.alloc(HEADER_BYTES);
  (await disk.read(name, 0, HEADER_BYTES)).copy(bytes);
  const isThere = bytes.toString('latin1', 0, MAGIC.length) === MAGIC;
  const told = bytes.readUInt16BE(16) === 1 ? 65_536 : bytes.readUInt16BE(16);
  const isSize = isThere && told >= 512 && (told & (told - 1)) === 0;
  const pageBytes = isSize ? told : USUAL_PAGE_BYTES;
  const pages = Math.floor(((await disk.size(name)) ?? 0) / pageBytes);
  const reserved = isSize ? bytes.readUInt8(20) : 0;
  return {
    pageBytes,
    usableBytes: pageBytes - reserved,
    pages,
    firstTrunk: isThere ? bytes.readUInt32BE(32) : 0,
    hasMap: !isThere || bytes.readUInt32BE(52) !== 0,
  };
}

/** Read in runs: a repair walks through the whole file, and now and then reads elsewhere what a row has beside its page. */
class PageFile {
  readonly #disk: Disk;
  readonly #name: string;
  readonly header: FileHeader;
  #run = Buffer.alloc(0);
  #firstOfRun = 1;

  constructor(disk: Disk, name: string, header: FileHeader) {
    this.#disk = disk;
    this.#name = name;
    this.header = header;
  }

  /** Of the walk through all pages. */
  async page(page: number): Promise<Buffer> {
    const { pageBytes } = this.header;
    const at = (page - this.#firstOfRun) * pageBytes;
    if (at >= 0 && at < this.#run.length) return this.#run.subarray(at, at + pageBytes);
    this.#run = await this.#read(page, PAGES_AT_ONCE);
    this.#firstOfRun = page;
    return this.#run.subarray(0, pageBytes);
  }

  /** Undefined: there is no such page. */
  async other(page: number): Promise<Buffer | undefined> {
    return page < 1 || page > this.header.pages ? undefined : await this.#read(page, 1);
  }

  async #read(page: number, count: number): Promise<Buffer<ArrayBuffer>> {
    const { pageBytes } = this.header;
    return Buffer.from(await this.#disk.read(this.#name, (page - 1) * pageBytes, count * pageBytes));
  }
}

/** Pages without rows of today: those of the map are among them. */
async function idlePages(file: PageFile): Promise<ReadonlySet<number>> {
  const { hasMap, usableBytes, pages, pageBytes } = file.header;
  if (!hasMap) return await listedPages(file);
  const idle = new Set<number>();
  const entries = Math.floor(usableBytes / MAP_ENTRY_BYTES);
  let isMapWhole = true;
  for (let map = 2; map <= pages; map += entries + 1) {
    idle.add(map);
    const bytes = (await file.other(map)) ?? Buffer.alloc(0);
    const kinds = Array.from({ length: Math.min(entries, pages - map) }, (_, entry) => bytes[entry * MAP_ENTRY_BYTES]);
    const isKind = (kind: number | undefined, entry: number): boolean =>
      (kind !== undefined && kind >= 1 && kind <= MAP_KINDS) || map + entry === LOCK_BYTE / pageBytes;
    if (!kinds.every(isKind)) isMapWhole = false;
    else for (const [entry, kind] of kinds.entries()) if (kind === MAP_FREE) idle.add(map + 1 + entry);
  }
  return isMapWhole ? idle : new Set([...idle, ...(await listedPages(file))]);
}

/** The list of free pages, as far as it can be followed. */
async function listedPages(file: PageFile): Promise<ReadonlySet<number>> {
  const { firstTrunk, usableBytes } = file.header;
  const free = new Set<number>();
  for (let page = firstTrunk; page !== 0 && !free.has(page); ) {
    const trunk = await file.other(page);
    if (trunk === undefined) break;
    free.add(page);
    const leaves = Math.min(trunk.readUInt32BE(4), usableBytes / 4 - 2);
    for (let leaf = 0; leaf < leaves; leaf++) free.add(trunk.readUInt32BE(8 + leaf * 4));
    page = trunk.readUInt32BE(0);
  }
  return free;
}

async function rowsOf(file: PageFile, number: number): Promise<readonly FoundRow[]> {
  const page = await file.page(number);
  const kind = page[0];
  if (page.length < file.header.pageBytes) return [];
  if (kind !== KIND.inner && kind !== KIND.leaf && kind !== KIND.numberedLeaf) return [];
  const pointersAt = kind === KIND.inner ? 12 : 8;
  const cells = Math.min(page.readUInt16BE(3), (page.length - pointersAt) >> 1);
  const found: FoundRow[] = [];
  for (let cell = 0; cell < cells; cell++) {
    const at = page.readUInt16BE(pointersAt + cell * 2);
    const row = await rowAt(file, page, kind, kind === KIND.inner ? at + 4 : at);
    if (row !== undefined) found.push(row);
  }
  return found;
}

/** Undefined: no row of ours begins there, or not all of it can be had. */
async function rowAt(file: PageFile, page: Buffer, kind: number, at: number): Promise<FoundRow | undefined> {
  const size = varintAt(page, at);
  const isNumbered = kind === KIND.numberedLeaf;
  const number = isNumbered ? varintAt(page, size.end) : { value: 0, end: size.end };
  const payload = await payloadAt(file, page, number.end, size.value, isNumbered);
  const columns = payload === undefined ? undefined : columnsOf(payload);
  if (columns === undefined) return undefined;
  const row = isNumbered ? [number.value, ...columns.slice(1)] : columns;
  const table = tableOf(row, isNumbered);
  return table !== undefined && isWhole(table, row) ? { table, row } : undefined;
}

/** Long ones go on in pages of their own, each of which names the next. */
async function payloadAt(
  file: PageFile,
  page: Buffer,
  at: number,
  sizeBytes: number,
  isNumbered: boolean,
): Promise<Buffer | undefined> {
  const { usableBytes, pages, pageBytes } = file.header;
  const local = localBytes(usableBytes, sizeBytes, isNumbered);
  if (sizeBytes > pages * usableBytes || at + local > page.length) return undefined;
  if (local === sizeBytes) return page.subarray(at, at + sizeBytes);
  const parts = [page.subarray(at, at + local)];
  let missing = sizeBytes - local;
  let next = at + local + 4 <= page.length ? page.readUInt32BE(at + local) : 0;
  while (missing > 0) {
    const more = await file.other(next);
    if (more === undefined || more.length < pageBytes) return undefined;
    const part = more.subarray(4, 4 + Math.min(missing, usableBytes - 4));
    parts.push(part);
    missing -= part.length;
    next = more.readUInt32BE(0);
  }
  return Buffer.concat(parts);
}

/** How much of a payload stands in the page itself. */
function localBytes(usableBytes: number, sizeBytes: number, isNumbered: boolean): number {
  const most = isNumbered ? usableBytes - 35 : Math.floor(((usableBytes - 12) * 64) / 255) - 23;
  if (sizeBytes <= most) return sizeBytes;
  const least = Math.floor(((usableBytes - 12) * 32) / 255) - 23;
  const fitting = least + ((sizeBytes - least) % (usableBytes - 4));
  return fitting <= most ? fitting : least;
}

/** Undefined: it is no record, or has a number that no column of ours has. */
function columnsOf(payload: Buffer): Row | undefined {
  const header = varintAt(payload, 0);
  const columns: (Row[number] | undefined)[] = [];
  let at = header.value;
  for (let type = header.end; type < header.value && columns.length <= MOST_COLUMNS; ) {
    const { value, end } = varintAt(payload, type);
    const length = lengthOf(value);
    if (at + length > payload.length) return undefined;
    columns.push(columnAt(payload, at, value, length));
    at += length;
    type = end;
  }
  return at === payload.length && columns.every((column) => column !== undefined) ? (columns as Row) : undefined;
}

const INTEGER_BYTES = [0, 1, 2, 3, 4, 6, 8];
const REAL = 7;
const ZERO = 8;
const ONE = 9;
const FIRST_BYTES = 12;

function lengthOf(type: number): number {
  if (type >= FIRST_BYTES) return Math.floor((type - FIRST_BYTES) / 2);
  return type === REAL ? 8 : (INTEGER_BYTES[type] ?? 0);
}

function columnAt(payload: Buffer, at: number, type: number, length: number): Row[number] | undefined {
  if (type === 0) return null;
  if (type === ZERO || type === ONE) return type - ZERO;
  if (type === REAL) return payload.readDoubleBE(at);
  if (type < REAL) return integerAt(payload, at, length);
  if (type < FIRST_BYTES) return undefined;
  return type % 2 === 0 ? payload.subarray(at, at + length) : payload.toString('utf8', at, at + length);
}

function integerAt(payload: Buffer, at: number, length: number): number | undefined {
  if (length <= 6) return payload.readIntBE(at, length);
  const value = Number(payload.readBigInt64BE(at));
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Up to nine bytes of seven bits each; a value that is no safe integer is none of ours, and too long for any page. */
function varintAt(bytes: Buffer, at: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let index = 0; index < 8; index++) {
    const byte = bytes[at + index] ?? 0;
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return { value, end: at + index + 1 };
  }
  return { value: Number.MAX_SAFE_INTEGER, end: at + 9 };
}

/** What tells the tables apart: how their rows are kept, how many columns they have, of which type the first one is. */
const shapes = new Map(
  (Object.keys(TABLES) as Table[]).map((name) => {
    const isNumbered = NUMBERED.includes(name);
    const first = name === 'meta' ? 'string' : name === 'delivery' ? 'object' : 'number';
    return [`${isNumbered} ${TABLES[name].columns.length + 1} ${first}`, name];
  }),
);
const MOST_COLUMNS = Math.max(...Object.values(TABLES).map(({ columns }) => columns.length)) + 1;

function tableOf(row: Row, isNumbered: boolean): Table | undefined {
  return shapes.get(`${isNumbered} ${row.length} ${typeof row[0]}`);
}
