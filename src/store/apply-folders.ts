/** The records about mailboxes, folders, subscriptions and epochs, as rows. Part of apply.ts, the only writer. */
import type { StatementSync } from 'node:sqlite';
import { epochOf } from '../log/lsn.ts';
import { MAX_UID } from '../mail/limits.ts';
import type { Database } from './database.ts';
import type {
  CredentialSet,
  EpochStarted,
  FoldersCreated,
  FoldersRenamed,
  MailboxCreated,
  NewFolder,
  SubscriptionSet,
} from './facts.ts';
import type { FolderEvent } from './mail-store.ts';
import { expectRows, impossible } from './record-problem.ts';

export class FolderWriter {
  readonly #database: Database;
  readonly #insertMailbox: StatementSync;
  readonly #insertUsage: StatementSync;
  readonly #setCredential: StatementSync;
  readonly #insertFolder: StatementSync;
  readonly #folderName: StatementSync;
  readonly #renameFolder: StatementSync;
  readonly #subscribe: StatementSync;
  readonly #unsubscribe: StatementSync;
  readonly #moveSubscription: StatementSync;
  readonly #jumpUids: StatementSync;

  constructor(database: Database) {
    this.#database = database;
    const prepare = (sql: string) => database.prepare(sql);
    this.#insertMailbox = prepare('INSERT INTO mailbox VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.#insertUsage = prepare('INSERT INTO mailbox_usage VALUES (?, 0, 0)');
    this.#setCredential = prepare('UPDATE mailbox SET credential = ? WHERE id = ?');
    this.#insertFolder = prepare('INSERT INTO folder VALUES (?, ?, ?, ?, 1, ?, 0, 0, 0, 0, ?, 0, ?)');
    this.#folderName = prepare('SELECT name FROM folder WHERE id = ? AND mailbox = ?');
    this.#renameFolder = prepare('UPDATE folder SET name = ? WHERE id = ?');
    this.#subscribe = prepare('INSERT OR IGNORE INTO subscription VALUES (?, ?)');
    this.#unsubscribe = prepare('DELETE FROM subscription WHERE mailbox = ? AND name = ?');
    this.#moveSubscription = prepare('UPDATE OR REPLACE subscription SET name = ? WHERE mailbox = ? AND name = ?');
    this.#jumpUids = prepare('UPDATE folder SET uid_next = min(uid_next + ?, ?)');
  }

  epochStarted(fact: EpochStarted, lsn: number): FolderEvent[] {
    if (epochOf(lsn) !== fact.epoch) throw impossible(`it starts epoch ${fact.epoch} at LSN ${lsn}`);
    if (fact.uidJump > 0) this.#jumpUids.run(fact.uidJump, MAX_UID);
    return [];
  }

  mailboxCreated(fact: MailboxCreated, lsn: number): FolderEvent[] {
    const { id, guid, address, addressKey, displayName, credential, createdMs } = fact;
    this.#insertMailbox.run(id, guid, address, addressKey, displayName, credential, createdMs);
    this.#insertUsage.run(id);
    const tally = this.#database.tally;
    tally.nextMailboxId = Math.max(tally.nextMailboxId, id + 1);
    this.#insertFolders(id, fact.folders, lsn);
    for (const folder of fact.folders) this.#subscribe.run(id, folder.name);
    return [];
  }

  credentialSet(fact: CredentialSet): FolderEvent[] {
    expectRows(1, this.#setCredential.run(fact.credential, fact.mailboxId), 'the mailbox');
    return [];
  }

  foldersCreated(fact: FoldersCreated, lsn: number): FolderEvent[] {
    this.#insertFolders(fact.mailboxId, fact.folders, lsn);
    return [];
  }

  foldersRenamed(fact: FoldersRenamed, lsn: number): FolderEvent[] {
    for (const folder of fact.folders) this.#rename(fact.mailboxId, folder.id, folder.name);
    return fact.folders.map(({ id }) => ({ type: 'renamed', folderId: id, lsn }));
  }

  subscriptionSet(fact: SubscriptionSet): FolderEvent[] {
    (fact.subscribed ? this.#subscribe : this.#unsubscribe).run(fact.mailboxId, fact.name);
    return [];
  }

  #insertFolders(mailboxId: number, folders: readonly NewFolder[], lsn: number): void {
    const tally = this.#database.tally;
    for (const { id, name, uidValidity, specialUse } of folders) {
      this.#insertFolder.run(id, mailboxId, name, uidValidity, lsn, specialUse, lsn);
      tally.nextFolderId = Math.max(tally.nextFolderId, id + 1);
      tally.lastUidValidity = Math.max(tally.lastUidValidity, uidValidity);
    }
  }

  #rename(mailboxId: number, folderId: number, name: string): void {
    const row = this.#folderName.get(folderId, mailboxId) as unknown as [string] | undefined;
    if (row === undefined) throw impossible(`folder ${folderId} is not there`);
    this.#renameFolder.run(name, folderId);
    this.#moveSubscription.run(name, mailboxId, row[0]);
  }
}
