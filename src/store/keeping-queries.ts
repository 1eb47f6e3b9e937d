/** What is asked of deleted items, limits, rights and annotations, as kept, checked statements: as queries.ts for the rest. */
import type { StatementSync } from 'node:sqlite';
import type { Database } from './database.ts';
import { DELETED_ITEM_RETENTION_MS } from './limits.ts';
import {
  type Annotation,
  type AnnotationPlace,
  type DeletedItem,
  type FolderRights,
  type MailboxLimits,
  type MailboxQuota,
  UNLIMITED,
} from './mailbox-keeping.ts';
import { type CheckedRows, type Row, wholeRow } from './row-sum.ts';

const DELETED_ITEM = wholeRow('retained');

export class KeepingQueries {
  readonly #rows: CheckedRows;
  readonly #usage: StatementSync;
  readonly #limits: StatementSync;
  readonly #deletedItems: StatementSync;
  readonly #deletedItem: StatementSync;
  readonly #expired: StatementSync;
  readonly #annotations: StatementSync;
  readonly #rights: StatementSync;
  readonly #shared: StatementSync;

  constructor(database: Database) {
    const prepare = (sql: string) => database.prepare(sql);
    this.#rows = database.rows;
    this.#usage = prepare(`SELECT ${wholeRow('mailbox_usage')} FROM mailbox_usage WHERE mailbox = ?`);
    this.#limits = prepare(`SELECT ${wholeRow('mailbox_limit')} FROM mailbox_limit WHERE mailbox = ?`);
    this.#deletedItems = prepare(
      `SELECT ${DELETED_ITEM} FROM retained WHERE mailbox = ? ORDER BY removed_ms DESC, folder DESC, uid DESC LIMIT ?`,
    );
    this.#deletedItem = prepare(`SELECT ${DELETED_ITEM} FROM retained WHERE folder = ? AND uid = ? AND mailbox = ?`);
    this.#rights = prepare(`SELECT ${wholeRow('folder_right')} FROM folder_right WHERE folder = ? ORDER BY grantee`);
    this.#shared = prepare(
      `SELECT DISTINCT r.folder FROM folder_right r JOIN folder f ON f.id = r.folder
        WHERE r.grantee IN (0, ?1) AND f.mailbox <> ?1 AND instr(r.rights, 'l') > 0 ORDER BY f.mailbox, f.name`,
    );
    this.#annotations = prepare(
      `SELECT ${wholeRow('annotation')} FROM annotation WHERE mailbox = ? AND folder = ? AND owner = ? ORDER BY name`,
    );
    this.#expired = prepare(
      `SELECT ${DELETED_ITEM} FROM retained WHERE mailbox = ? AND removed_ms < ? ORDER BY removed_ms, folder, uid LIMIT ?`,
    );
  }

  quota(mailboxId: number): MailboxQuota | undefined {
    const row = this.#rows.get('mailbox_usage', this.#usage, mailboxId);
    if (row === undefined) return undefined;
    const own = this.limits(mailboxId);
    const general = this.limits(0);
    return {
      retentionMs: own.retentionMs ?? general.retentionMs ?? DELETED_ITEM_RETENTION_MS,
      warningBytes: own.warningBytes ?? general.warningBytes ?? UNLIMITED,
      storageBytes: own.storageBytes ?? general.storageBytes ?? UNLIMITED,
      messages: own.messages ?? general.messages ?? UNLIMITED,
      usedBytes: Number(row[1]),
      usedMessages: Number(row[2]),
    };
  }

  /** As set; nothing set is null everywhere. */
  limits(mailboxId: number): MailboxLimits {
    const row = (this.#rows.get('mailbox_limit', this.#limits, mailboxId) ?? []) as readonly (number | null)[];
    const [, retentionMs = null, warningBytes = null, storageBytes = null, messages = null] = row;
    return { retentionMs, warningBytes, storageBytes, messages };
  }

  deletedItems(mailboxId: number, limit: number): DeletedItem[] {
    return this.#rows.all('retained', this.#deletedItems, mailboxId, limit).map(deletedItemOf);
  }

  deletedItem(mailboxId: number, folderId: number, uid: number): DeletedItem | undefined {
    const row = this.#rows.get('retained', this.#deletedItem, folderId, uid, mailboxId);
    return row === undefined ? undefined : deletedItemOf(row);
  }

  rights(folderId: number): FolderRights[] {
    const rows = this.#rows.all('folder_right', this.#rights, folderId);
    return rows.map(([, granteeId, rights]) => ({ granteeId: Number(granteeId), rights: String(rights) }));
  }

  /** Ids of folders of others that it, or anyone, may list. */
  foldersSharedWith(mailboxId: number): number[] {
    return (this.#shared.all(mailboxId) as unknown as readonly (readonly [number])[]).map(([id]) => id);
  }

  annotations({ mailboxId, folderId, owner }: AnnotationPlace): Annotation[] {
    const rows = this.#rows.all('annotation', this.#annotations, mailboxId, folderId, owner);
    return rows.map((row) => ({ name: String(row[3]), value: Buffer.from(row[4] as Uint8Array) }));
  }

  /** Those that went before `beforeMs`, oldest first. */
  expiredItems(mailboxId: number, beforeMs: number, limit: number): DeletedItem[] {
    return this.#rows.all('retained', this.#expired, mailboxId, beforeMs, limit).map(deletedItemOf);
  }
}

function deletedItemOf(row: Row): DeletedItem {
  return {
    folderId: Number(row[0]),
    uid: Number(row[1]),
    folderName: String(row[3]),
    bodyId: Number(row[4]),
    internalDateMs: Number(row[7]),
    sizeBytes: Number(row[8]),
    removedMs: Number(row[9]),
  };
}
