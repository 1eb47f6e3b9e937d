/**
 * What is asked of the database, as kept statements: the read side of MailStore, and what planning and applying need
 * to know. Rows come as arrays and are named here once.
 */
import type { StatementSync } from 'node:sqlite';
import { present } from '../base/assert.ts';
import type { Database, Tally } from './database.ts';
import type { Folder, Mailbox, MessageRow, SpecialUse } from './mail-store.ts';
import type { BodyPlace } from './packs.ts';

const MAILBOX = 'id, guid, address, display_name, credential, created_ms';
const FOLDER = `f.id, f.mailbox, f.name, f.uid_validity, f.uid_next, f.modseq, f.message_count, f.unseen_count,
  f.size_bytes, EXISTS (SELECT 1 FROM subscription s WHERE s.mailbox = f.mailbox AND s.name = f.name), f.special_use`;
const MESSAGE = 'uid, flags, keywords, modseq, internal_date_ms, size_bytes, body';

type Column = null | number | string | Uint8Array;
type Row = readonly Column[];

export interface KnownDelivery {
  readonly acceptedMs: number;
  /** Varints of mailbox ids. */
  readonly mailboxes: Uint8Array;
}

export class Queries {
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
  readonly #place: StatementSync;
  readonly #structure: StatementSync;
  readonly #delivery: StatementSync;
  readonly #emptyPacks: StatementSync;

  constructor(database: Database) {
    const prepare = (sql: string) => database.prepare(sql);
    this.#mailboxes = prepare(`SELECT ${MAILBOX} FROM mailbox ORDER BY address_key`);
    this.#mailboxById = prepare(`SELECT ${MAILBOX} FROM mailbox WHERE id = ?`);
    this.#mailboxByKey = prepare(`SELECT ${MAILBOX} FROM mailbox WHERE address_key = ?`);
    this.#folders = prepare(`SELECT ${FOLDER} FROM folder f WHERE f.mailbox = ? ORDER BY f.name`);
    this.#folderById = prepare(`SELECT ${FOLDER} FROM folder f WHERE f.id = ?`);
    this.#folderByName = prepare(`SELECT ${FOLDER} FROM folder f WHERE f.mailbox = ? AND f.name = ?`);
    this.#subscriptions = prepare('SELECT name FROM subscription WHERE mailbox = ? ORDER BY name');
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
    this.#place = prepare('SELECT pack, position, size_bytes, crc32 FROM body WHERE id = ?');
    this.#structure = prepare('SELECT structure FROM body WHERE id = ?');
    this.#delivery = prepare('SELECT accepted_ms, mailboxes FROM delivery WHERE id = ?');
    this.#emptyPacks = prepare('SELECT id FROM pack WHERE live_bodies = 0 AND id < ? AND id <> ? ORDER BY id');
  }

  mailboxes(): Mailbox[] {
    return rows(this.#mailboxes.all()).map(mailboxOf);
  }

  mailboxById(id: number): Mailbox | undefined {
    return optional(this.#mailboxById.get(id), mailboxOf);
  }

  mailboxByKey(addressKey: string): Mailbox | undefined {
    return optional(this.#mailboxByKey.get(addressKey), mailboxOf);
  }

  folders(mailboxId: number): Folder[] {
    return rows(this.#folders.all(mailboxId)).map(folderOf);
  }

  folderById(id: number): Folder | undefined {
    return optional(this.#folderById.get(id), folderOf);
  }

  folderByName(mailboxId: number, name: string): Folder | undefined {
    return optional(this.#folderByName.get(mailboxId, name), folderOf);
  }

  subscriptions(mailboxId: number): string[] {
    return rows(this.#subscriptions.all(mailboxId)).map((row) => String(row[0]));
  }

  uids(folderId: number): number[] {
    return uidsOf(this.#uids.get(folderId));
  }

  uidsBetween(folderId: number, first: number, last: number): number[] {
    return uidsOf(this.#uidsBetween.get(folderId, first, last));
  }

  /** The first ones with \Deleted behind `after`. */
  deletedUids(folderId: number, after: number, limit: number): number[] {
    return uidsOf(this.#deletedUids.get(folderId, after, limit));
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
    return optional(this.#message.get(folderId, uid), messageOf);
  }

  messages(folderId: number, first: number, last: number, limit: number): MessageRow[] {
    return rows(this.#messages.all(folderId, first, last, limit)).map(messageOf);
  }

  bodyPlace(bodyId: number): BodyPlace | undefined {
    return optional(this.#place.get(bodyId), (row) => ({
      bodyId,
      pack: Number(row[0]),
      position: Number(row[1]),
      sizeBytes: Number(row[2]),
      crc32: Number(row[3]),
    }));
  }

  structure(bodyId: number): Uint8Array | undefined {
    return optional(this.#structure.get(bodyId), (row) => row[0] as Uint8Array);
  }

  delivery(deliveryId: Uint8Array): KnownDelivery | undefined {
    return optional(this.#delivery.get(deliveryId), (row) => ({
      acceptedMs: Number(row[0]),
      mailboxes: row[1] as Uint8Array,
    }));
  }

  /** Packs that do not grow any more and in which nothing is referred to. */
  emptyPacks({ pack, movePack }: Tally): number[] {
    return rows(this.#emptyPacks.all(pack, movePack)).map((row) => Number(row[0]));
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

function rows(result: unknown): readonly Row[] {
  return result as readonly Row[];
}

function optional<T>(result: unknown, map: (row: Row) => T): T | undefined {
  return result === undefined ? undefined : map(result as Row);
}

function mailboxOf(row: Row): Mailbox {
  return {
    id: Number(row[0]),
    guid: String(row[1]),
    address: String(row[2]),
    displayName: String(row[3]),
    credential: row[4] as string | null,
    createdMs: Number(row[5]),
  };
}

function folderOf(row: Row): Folder {
  return {
    id: Number(row[0]),
    mailboxId: Number(row[1]),
    name: String(row[2]),
    uidValidity: Number(row[3]),
    uidNext: Number(row[4]),
    highestModseq: Number(row[5]),
    messageCount: Number(row[6]),
    unseenCount: Number(row[7]),
    sizeBytes: Number(row[8]),
    subscribed: row[9] === 1,
    specialUse: row[10] as SpecialUse | null,
  };
}

function messageOf(row: Row): MessageRow {
  const keywords = row[2] as string | null;
  return {
    uid: Number(row[0]),
    flags: Number(row[1]),
    keywords: keywords === null ? [] : keywords.split(' '),
    modseq: Number(row[3]),
    internalDateMs: Number(row[4]),
    sizeBytes: Number(row[5]),
    bodyId: Number(row[6]),
  };
}
