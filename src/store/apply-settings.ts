/** The records about limits, rights and annotations, as rows. Part of apply.ts, the only writer. */
import type { StatementSync } from 'node:sqlite';
import type { Database } from './database.ts';
import type { FoldersDeleted } from './facts.ts';
import type { AnnotationsSet, MailboxLimitsSet, RightsSet } from './keeping-facts.ts';
import type { FolderEvent } from './mail-store.ts';

export class SettingsWriter {
  readonly #setLimits: StatementSync;
  readonly #setRights: StatementSync;
  readonly #deleteRights: StatementSync;
  readonly #setAnnotation: StatementSync;
  readonly #deleteAnnotation: StatementSync;
  readonly #forgetRights: StatementSync;
  readonly #forgetAnnotations: StatementSync;

  constructor(database: Database) {
    const prepare = (sql: string) => database.prepare(sql);
    this.#setLimits = prepare('INSERT OR REPLACE INTO mailbox_limit VALUES (?, ?, ?, ?, ?)');
    this.#setRights = prepare('INSERT OR REPLACE INTO folder_right VALUES (?, ?, ?)');
    this.#deleteRights = prepare('DELETE FROM folder_right WHERE folder = ? AND grantee = ?');
    this.#setAnnotation = prepare('INSERT OR REPLACE INTO annotation VALUES (?, ?, ?, ?, ?)');
    this.#deleteAnnotation = prepare(
      'DELETE FROM annotation WHERE mailbox = ? AND folder = ? AND owner = ? AND name = ?',
    );
    this.#forgetRights = prepare('DELETE FROM folder_right WHERE folder = ?');
    this.#forgetAnnotations = prepare(
      'DELETE FROM annotation WHERE mailbox = (SELECT mailbox FROM folder WHERE id = ?) AND folder = ?',
    );
  }

  limitsSet({ mailboxId, limits }: MailboxLimitsSet): FolderEvent[] {
    const { retentionMs, warningBytes, storageBytes, messages } = limits;
    this.#setLimits.run(mailboxId, retentionMs, warningBytes, storageBytes, messages);
    return [];
  }

  rightsSet({ folderId, granteeId, rights }: RightsSet): FolderEvent[] {
    if (rights === '') this.#deleteRights.run(folderId, granteeId);
    else this.#setRights.run(folderId, granteeId, rights);
    return [];
  }

  annotationsSet({ mailboxId, folderId, ownerId, values }: AnnotationsSet): FolderEvent[] {
    for (const { name, value } of values) {
      if (value === null) this.#deleteAnnotation.run(mailboxId, folderId, ownerId, name);
      else this.#setAnnotation.run(mailboxId, folderId, ownerId, name, value);
    }
    return [];
  }

  /** While the folders are still there. */
  foldersDeleted({ folderIds }: FoldersDeleted): void {
    for (const id of folderIds) {
      this.#forgetRights.run(id);
      this.#forgetAnnotations.run(id, id);
    }
  }
}
