/** What is asked of deleted items, limits, rights and annotations, as kept statements: as queries.ts for the rest. */
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

const DELETED_ITEM = 'folder, uid, folder_name, body, internal_date_ms, size_bytes, removed_ms';

type Row = readonly (null | number | string | Uint8Array)[];

export class KeepingQueries {
  readonly #quota: StatementSync;
  readonly #limits: StatementSync;
  readonly #deletedItems: StatementSync;
  readonly #deletedItem: StatementSync;
  readonly #expired: StatementSync;
  readonly #annotations: StatementSync;
  readonly #rights: StatementSync;
  readonly #shared: StatementSync;

  constructor(database: Database) {
    const prepare = (sql: string) => database.prepare(sql);
    this.#quota = prepare(
      `SELECT coalesce(m.retention_ms, g.retention_ms, ${DELETED_ITEM_RETENTION_MS}),
        coalesce(m.warning_bytes, g.warning_bytes, ${UNLIMITED}),
        coalesce(m.storage_bytes, g.storage_bytes, ${UNLIMITED}),
        coalesce(m.messages, g.messages, ${UNLIMITED}), u.size_bytes, u.message_count
        FROM mailbox_usage u LEFT JOIN mailbox_limit m ON m.mailbox = u.mailbox
        LEFT JOIN mailbox_limit g ON g.mailbox = 0 WHERE u.mailbox = ?`,
    );
    this.#limits = prepare(
      'SELECT retention_ms, warning_bytes, storage_bytes, messages FROM mailbox_limit WHERE mailbox = ?',
    );
    this.#deletedItems = prepare(
      `SELECT ${DELETED_ITEM} FROM retained WHERE mailbox = ? ORDER BY removed_ms DESC, folder DESC, uid DESC LIMIT ?`,
    );
    this.#deletedItem = prepare(`SELECT ${DELETED_ITEM} FROM retained WHERE folder = ? AND uid = ? AND mailbox = ?`);
    this.#rights = prepare('SELECT grantee, rights FROM folder_right WHERE folder = ? ORDER BY grantee');
    this.#shared = prepare(
      `SELECT DISTINCT r.folder FROM folder_right r JOIN folder f ON f.id = r.folder
        WHERE r.grantee IN (0, ?1) AND f.mailbox <> ?1 AND instr(r.rights, 'l') > 0 ORDER BY f.mailbox, f.name`,
    );
    this.#annotations = prepare(
      'SELECT name, value FROM annotation WHERE mailbox = ? AND folder = ? AND owner = ? ORDER BY name',
    );
    this.#expired = prepare(
      `SELECT ${DELETED_ITEM} FROM retained WHERE mailbox = ? AND removed_ms < ? ORDER BY removed_ms, folder, uid LIMIT ?`,
    );
  }

  quota(mailboxId: number): MailboxQuota | undefined {
    const row = this.#quota.get(mailboxId) as unknown as readonly number[] | undefined;
    if (row === undefined) return undefined;
    const [retentionMs = 0, warningBytes = 0, storageBytes = 0, messages = 0, usedBytes = 0, usedMessages = 0] = row;
    return { retentionMs, warningBytes, storageBytes, messages, usedBytes, usedMessages };
  }

  /** As set; nothing set is null everywhere. */
  limits(mailboxId: number): MailboxLimits {
    const row = this.#limits.get(mailboxId) as unknown as readonly (number | null)[] | undefined;
    const [retentionMs = null, warningBytes = null, storageBytes = null, messages = null] = row ?? [];
    return { retentionMs, warningBytes, storageBytes, messages };
  }

  deletedItems(mailboxId: number, limit: number): DeletedItem[] {
    return (this.#deletedItems.all(mailboxId, limit) as unknown as readonly Row[]).map(deletedItemOf);
  }

  deletedItem(mailboxId: number, folderId: number, uid: number): DeletedItem | undefined {
    const row = this.#deletedItem.get(folderId, uid, mailboxId) as unknown as Row | undefined;
    return row === undefined ? undefined : deletedItemOf(row);
  }

  rights(folderId: number): FolderRights[] {
    const rows = this.#rights.all(folderId) as unknown as readonly (readonly [number, string])[];
    return rows.map(([granteeId, rights]) => ({ granteeId, rights }));
  }

  /** Ids of folders of others that it, or anyone, may list. */
  foldersSharedWith(mailboxId: number): number[] {
    return (this.#shared.all(mailboxId) as unknown as readonly (readonly [number])[]).map(([id]) => id);
  }

  annotations({ mailboxId, folderId, owner }: AnnotationPlace): Annotation[] {
    const rows = this.#annotations.all(mailboxId, folderId, owner) as unknown as readonly (readonly [
      string,
      Uint8Array,
    ])[];
    return rows.map(([name, value]) => ({ name, value: Buffer.from(value) }));
  }

  /** Those that went before `beforeMs`, oldest first. */
  expiredItems(mailboxId: number, beforeMs: number, limit: number): DeletedItem[] {
    return (this.#expired.all(mailboxId, beforeMs, limit) as unknown as readonly Row[]).map(deletedItemOf);
  }
}

function deletedItemOf(row: Row): DeletedItem {
  return {
    folderId: Number(row[0]),
    uid: Number(row[1]),
    folderName: String(row[2]),
    bodyId: Number(row[3]),
    internalDateMs: Number(row[4]),
    sizeBytes: Number(row[5]),
    removedMs: Number(row[6]),
  };
}
