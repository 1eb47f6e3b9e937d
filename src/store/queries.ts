/**
 * What is asked of the database, as kept statements: the read side of MailStore, and what planning and applying need
 * to know. Rows come as arrays, are checked against their checksums, and are named here once.
 */
import type { StatementSync } from 'node:sqlite';
import { present } from '../base/assert.ts';
import type { Problem } from '../base/problem.ts';
import { FLAG_DELETED } from '../mail/flags.ts';
import type { Database, Tally } from './database.ts';
import type { Folder, Mailbox, MessageRow, MessageSource, SpecialUse } from './mail-store.ts';
import type { BodyPlace } from './packs.ts';
import { type CheckedRows, nameOfRow, type Row, wholeRow } from './row-sum.ts';

const MAILBOX = wholeRow('mailbox');
const FOLDER = `${wholeRow('folder', 'f')},
  EXISTS (SELECT 1 FROM subscription s WHERE s.mailbox = f.mailbox AND s.name = f.name)`;
const MESSAGE = wholeRow('message');

export interface KnownDelivery {
  readonly acceptedMs: number;
  /** Varints of mailbox ids. */
  readonly mailboxes: Uint8Array;
}

export class Queries {
  readonly #rows: CheckedRows;
  readonly #mailboxes: StatementSync;
  readonly #mailboxById: StatementSync;
  readonly #mailboxByKey: StatementSync;
  readonly #folders: StatementSync;
  readonly #folderById: StatementSync;
  readonly #folderByName: StatementSync;
  readonly #subscriptions: StatementSync;
  readonly #uids: StatementSync;
  readonly #uidsBetween: StatementSync;
  readonly #deletedUids: StatementSync;
  readonly #firstUids: StatementSync;
  readonly #deletedSum: StatementSync;
  readonly #sizeBetween: StatementSync;
  readonly #message: StatementSync;
  readonly #messages: StatementSync;
  readonly #body: StatementSync;
  readonly #delivery: StatementSync;
  readonly #newestAcceptedMs: StatementSync;
  readonly #bodiesOfSize: StatementSync;
  readonly #emptyPacks: StatementSync;

  constructor(database: Database) {
    const prepare = (sql: string) => database.prepare(sql);
    this.#rows = database.rows;
    this.#mailboxes = prepare(`SELECT ${MAILBOX} FROM mailbox ORDER BY address_key`);
    this.#mailboxById = prepare(`SELECT ${MAILBOX} FROM mailbox WHERE id = ?`);
    this.#mailboxByKey = prepare(`SELECT ${MAILBOX} FROM mailbox WHERE address_key = ?`);
    this.#folders = prepare(`SELECT ${FOLDER} FROM folder f WHERE f.mailbox = ? ORDER BY f.name`);
    this.#folderById = prepare(`SELECT ${FOLDER} FROM folder f WHERE f.id = ?`);
    this.#folderByName = prepare(`SELECT ${FOLDER} FROM folder f WHERE f.mailbox = ? AND f.name = ?`);
    this.#subscriptions = prepare(
      `SELECT ${wholeRow('subscription')} FROM subscription WHERE mailbox = ? ORDER BY name`,
    );
    this.#uids = prepare(uidList('folder = ?'));
    this.#uidsBetween = prepare(uidList('folder = ? AND uid BETWEEN ? AND ?'));
    this.#deletedUids = prepare(uidList('folder = ? AND flags & 8 AND uid > ?', 'LIMIT ?'));
    this.#deletedSum = prepare(
      'SELECT count(*), cast(total(size_bytes) AS INTEGER) FROM message WHERE folder = ? AND flags & 8',
    );
    this.#firstUids = prepare(uidList('folder = ?', 'LIMIT ?'));
    this.#sizeBetween = prepare(
      'SELECT cast(total(size_bytes) AS INTEGER) FROM message WHERE folder = ? AND uid BETWEEN ? AND ?',
    );
    this.#message = prepare(`SELECT ${MESSAGE} FROM message WHERE folder = ? AND uid = ?`);
    this.#messages = prepare(
      `SELECT ${MESSAGE} FROM message WHERE folder = ? AND uid BETWEEN ? AND ? ORDER BY uid LIMIT ?`,
    );
    this.#body = prepare(`SELECT ${wholeRow('body')} FROM body WHERE id = ?`);
    this.#delivery = prepare(`SELECT ${wholeRow('delivery')} FROM delivery WHERE id = ?`);
    this.#newestAcceptedMs = prepare('SELECT max(accepted_ms) FROM delivery');
    this.#bodiesOfSize = prepare('SELECT body FROM message WHERE folder = ? AND size_bytes = ?');
    this.#emptyPacks = prepare('SELECT id FROM pack WHERE live_bodies = 0 AND id < ? AND id <> ? ORDER BY id');
  }

  mailboxes(): Mailbox[] {
    return this.#rows.all('mailbox', this.#mailboxes).map(mailboxOf);
  }

  mailboxById(id: number): Mailbox | undefined {
    return optional(this.#rows.get('mailbox', this.#mailboxById, id), mailboxOf);
  }

  mailboxByKey(addressKey: string): Mailbox | undefined {
    const row = this.#rows.get('mailbox', this.#mailboxByKey, addressKey);
    if (row !== undefined && row[3] !== addressKey) throw this.#misled('mailbox', row);
    return optional(row, mailboxOf);
  }

  folders(mailboxId: number): Folder[] {
    const rows = this.#rows.all('folder', this.#folders, mailboxId);
    for (const row of rows) if (row[1] !== mailboxId) throw this.#misled('folder', row);
    return rows.map(folderOf);
  }

  folderById(id: number): Folder | undefined {
    return optional(this.#rows.get('folder', this.#folderById, id), folderOf);
  }

  folderByName(mailboxId: number, name: string): Folder | undefined {
    const row = this.#rows.get('folder', this.#folderByName, mailboxId, name);
    if (row !== undefined && (row[1] !== mailboxId || row[2] !== name)) throw this.#misled('folder', row);
    return optional(row, folderOf);
  }

  subscriptions(mailboxId: number): string[] {
    return this.#rows.all('subscription', this.#subscriptions, mailboxId).map((row) => String(row[1]));
  }

  /** Whole: as many as the folder counts, and together what it says. */
  uids(folderId: number): number[] {
    const uids = uidsOf(this.#uids.get(folderId));
    const folder = this.#rows.get('folder', this.#folderById, folderId);
    const [count, total] = folder === undefined ? [0, 0] : [folder[FOLDER_COUNT], folder[FOLDER_UID_TOTAL]];
    if (uids.length !== count || totalOf(uids) !== total) {
      throw this.#rows.damaged(`folder ${folderId} has other messages than it counts`);
    }
    return uids;
  }

  uidsBetween(folderId: number, first: number, last: number): number[] {
    return uidsOf(this.#uidsBetween.get(folderId, first, last));
  }

  /** The first ones with \Deleted behind `after`. The index says which, and each message itself whether it is so. */
  deletedUids(folderId: number, after: number, limit: number): number[] {
    const uids = uidsOf(this.#deletedUids.get(folderId, after, limit));
    for (const uid of uids) {
      const flags = this.message(folderId, uid)?.flags ?? 0;
      if ((flags & FLAG_DELETED) === 0) throw this.#rows.damaged(`message ${folderId}/${uid} is not marked as deleted`);
    }
    return uids;
  }

  /** How many have \Deleted, and their bytes. */
  deletedSum(folderId: number): { messages: number; sizeBytes: number } {
    const [messages, sizeBytes] = this.#deletedSum.get(folderId) as unknown as readonly [number, number];
    return { messages, sizeBytes };
  }

  firstUids(folderId: number, limit: number): number[] {
    return uidsOf(this.#firstUids.get(folderId, limit));
  }

  sizeBetween(folderId: number, first: number, last: number): number {
    const row = this.#sizeBetween.get(folderId, first, last) as unknown as readonly [number];
    return row[0];
  }

  message(folderId: number, uid: number): MessageRow | undefined {
    return optional(this.#rows.get('message', this.#message, folderId, uid), messageOf);
  }

  messages(folderId: number, first: number, last: number, limit: number): MessageRow[] {
    return this.#rows.all('message', this.#messages, folderId, first, last, limit).map(messageOf);
  }

  bodyPlace(bodyId: number): BodyPlace | undefined {
    return optional(this.#rows.get('body', this.#body, bodyId), (row) => ({
      bodyId,
      pack: Number(row[1]),
      position: Number(row[2]),
      sizeBytes: Number(row[3]),
      crc32: Number(row[4]),
    }));
  }

  bodySource(bodyId: number): MessageSource | undefined {
    return optional(this.#rows.get('body', this.#body, bodyId), (row) => ({
      sender: row[7] === null ? null : String(row[7]),
      trace: row[8] === null ? null : String(row[8]),
    }));
  }

  structure(bodyId: number): Uint8Array | undefined {
    return optional(this.#rows.get('body', this.#body, bodyId), (row) => row[6] as Uint8Array);
  }

  delivery(deliveryId: Uint8Array): KnownDelivery | undefined {
    return optional(this.#rows.get('delivery', this.#delivery, deliveryId), (row) => ({
      acceptedMs: Number(row[1]),
      mailboxes: row[3] as Uint8Array,
    }));
  }

  /** Of the deliveries that are remembered; 0 without one. */
  newestAcceptedMs(): number {
    const [newest] = this.#newestAcceptedMs.get() as unknown as readonly [number | null];
    return newest ?? 0;
  }

  /** Whether a message of the folder has a body of this length and checksum. Looks at every message of the folder. */
  hasBody(folderId: number, sizeBytes: number, crc32: number): boolean {
    const rows = this.#bodiesOfSize.all(folderId, sizeBytes) as unknown as readonly Row[];
    return rows.some((row) => this.bodyPlace(Number(row[0]))?.crc32 === crc32);
  }

  /** Packs that do not grow any more and in which nothing is referred to. */
  emptyPacks({ pack, movePack }: Tally): number[] {
    const rows = this.#emptyPacks.all(pack, movePack) as unknown as readonly Row[];
    return rows.map((row) => Number(row[0]));
  }

  /** An index led to a row that does not have what was looked for. */
  #misled(table: 'mailbox' | 'folder', row: Row): Problem {
    return this.#rows.damaged(`an index leads to the wrong row ${nameOfRow(table, row)}`);
  }
}

/** Keywords as a column: joined by spaces, NULL for none. */
export function keywordColumn(keywords: readonly string[]): string | null {
  return keywords.length === 0 ? null : keywords.join(' ');
}

/** One JSON text for all UIDs is three times as fast as a row for each. */
function uidList(where: string, limit = ''): string {
  return `SELECT json_group_array(uid) FROM (SELECT uid FROM message WHERE ${where} ORDER BY uid ${limit})`;
}

function uidsOf(result: unknown): number[] {
  const row = present(result as Row | undefined, 'An aggregate gives a row');
  return JSON.parse(String(row[0])) as number[];
}

/** As folder.uid_total: modulo 2^32. */
function totalOf(uids: readonly number[]): number {
  let total = 0;
  for (const uid of uids) total = (total + uid) >>> 0;
  return total;
}

function optional<T>(row: Row | undefined, map: (row: Row) => T): T | undefined {
  return row === undefined ? undefined : map(row);
}

function mailboxOf(row: Row): Mailbox {
  return {
    id: Number(row[0]),
    guid: String(row[1]),
    address: String(row[2]),
    displayName: String(row[4]),
    credential: row[5] as string | null,
    createdMs: Number(row[6]),
  };
}

const FOLDER_COUNT = 6;
const FOLDER_UID_TOTAL = 9;

function folderOf(row: Row): Folder {
  return {
    id: Number(row[0]),
    mailboxId: Number(row[1]),
    name: String(row[2]),
    uidValidity: Number(row[3]),
    uidNext: Number(row[4]),
    highestModseq: Number(row[5]),
    messageCount: Number(row[FOLDER_COUNT]),
    unseenCount: Number(row[7]),
    sizeBytes: Number(row[8]),
    specialUse: row[10] as SpecialUse | null,
    // Behind the row itself and its checksum.
    subscribed: row[14] === 1,
  };
}

function messageOf(row: Row): MessageRow {
  const keywords = row[4] as string | null;
  return {
    uid: Number(row[1]),
    flags: Number(row[3]),
    keywords: keywords === null ? [] : keywords.split(' '),
    modseq: Number(row[5]),
    internalDateMs: Number(row[6]),
    sizeBytes: Number(row[7]),
    bodyId: Number(row[2]),
  };
}
