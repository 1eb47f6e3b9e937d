/**
 * What a mounted storage group offers to those who speak protocols. Queries are synchronous: the database lies in the
 * same process and a step takes microseconds. Changes are asynchronous and resolve as soon as they are *applied and in
 * the log's queue*: nobody outside may learn of them yet.
 *
 * The commit rule is one call: before any byte that depends on what was read or changed leaves the process, await
 * `settled()`. It resolves when everything applied at the time of the call is committed by the rule of the mode and the
 * lease was still held right then; it rejects with Problem('NotActive') when this copy no longer serves, and then
 * nothing may be answered: the connection is closed without a word (the outcome is unknown to the client).
 */
import type { Delivery, DeliveryResult } from '../mail/delivery.ts';
import type { Envelope } from '../mail/envelope.ts';
import type { MessageStructure } from '../mail/mime.ts';
import type { UidSet } from '../mail/uid-set.ts';
import type { FolderAnswer, TextQuestion } from './content-index.ts';
import type { DeletedItems, MailboxSettings } from './mailbox-keeping.ts';

export interface Mailbox {
  readonly id: number;
  /** 16 random bytes as hex: the same on every copy, for ever. */
  readonly guid: string;
  /** As the administrator wrote it; compared by canonicalAddress. */
  readonly address: string;
  readonly displayName: string;
  /** Password hash in PHC form; null = cannot log in. */
  readonly credential: string | null;
  readonly createdMs: number;
}

export type SpecialUse = '\\Drafts' | '\\Sent' | '\\Trash' | '\\Junk' | '\\Archive';

export interface Folder {
  readonly id: number;
  readonly mailboxId: number;
  /** Full name, NFC, '/' between levels; the inbox is 'INBOX'. */
  readonly name: string;
  readonly uidValidity: number;
  readonly uidNext: number;
  readonly highestModseq: number;
  readonly messageCount: number;
  readonly unseenCount: number;
  readonly sizeBytes: number;
  readonly subscribed: boolean;
  readonly specialUse: SpecialUse | null;
}

export interface MessageRow {
  readonly uid: number;
  /** System flags as the bits of mail/flags.ts. */
  readonly flags: number;
  readonly keywords: readonly string[];
  readonly modseq: number;
  readonly internalDateMs: number;
  readonly sizeBytes: number;
  readonly bodyId: number;
}

export interface NewMessage {
  readonly bytes: Buffer;
  readonly structure: MessageStructure;
  readonly flags: number;
  readonly keywords: readonly string[];
  readonly internalDateMs: number;
  /** Of one that comes back from a backup. */
  readonly source?: MessageSource;
}

/** One that comes back from a copy's quarantine. */
export interface ReturnedMessage extends NewMessage {
  /** 16 bytes: the same whoever brings it back. */
  readonly returnId: Buffer;
}

/** Of a message that was delivered: the envelope's sender, and what a Received field would say. */
export interface MessageSource {
  readonly sender: string | null;
  readonly trace: string | null;
}

/** Flags of some kinds: the bits of mail/flags.ts, and all keywords or none. */
export interface FlagMask {
  readonly flags: number;
  readonly keywords: boolean;
}

export interface FlagChange {
  readonly operation: 'add' | 'remove' | 'replace';
  readonly flags: number;
  readonly keywords: readonly string[];
  /** What may change; what is not in it stays as it is. */
  readonly only?: FlagMask;
}

export type { Delivery, DeliveryResult };

/** What changed in a folder by one record; sent to listeners right after it was applied. */
export type FolderEvent =
  | { readonly type: 'added'; readonly folderId: number; readonly uids: readonly number[]; readonly lsn: number }
  | { readonly type: 'flags'; readonly folderId: number; readonly uids: readonly number[]; readonly lsn: number }
  | { readonly type: 'expunged'; readonly folderId: number; readonly uids: readonly number[]; readonly lsn: number }
  | { readonly type: 'deleted' | 'renamed'; readonly folderId: number; readonly lsn: number };

export interface MailStore {
  settled(): Promise<void>;
  readonly deletedItems: DeletedItems;
  readonly settings: MailboxSettings;

  mailboxes(): readonly Mailbox[];
  mailboxById(id: number): Mailbox | undefined;
  /** By canonicalAddress of `address`. */
  mailboxByAddress(address: string): Mailbox | undefined;
  /** Problem('MailboxExists') · with INBOX, Drafts, Sent, Trash, Junk, Archive, in one record. */
  createMailbox(request: { address: string; displayName: string; credential: string | null }): Promise<Mailbox>;
  setCredential(mailboxId: number, credential: string | null): Promise<void>;

  folders(mailboxId: number): readonly Folder[];
  folderById(folderId: number): Folder | undefined;
  folderByName(mailboxId: number, name: string): Folder | undefined;
  /** Subscribed names, including those whose folder is gone (RFC 3501 6.3.6). */
  subscriptions(mailboxId: number): readonly string[];
  /** Missing parents are created too. Problem('FolderExists') | Problem('FolderNameInvalid') */
  createFolder(mailboxId: number, name: string): Promise<Folder>;
  /** With everything below it. Renaming INBOX moves its messages to a new folder (RFC 3501 6.3.5).
   * Problem('FolderNotFound') | Problem('FolderExists') | Problem('FolderNameInvalid') */
  renameFolder(mailboxId: number, from: string, to: string): Promise<void>;
  /** Its messages become deleted items. Problem('FolderNotFound') | Problem('FolderNotEmpty') when it has children | Problem('FolderNameInvalid') for INBOX */
  deleteFolder(mailboxId: number, name: string): Promise<void>;
  setSubscribed(mailboxId: number, name: string, subscribed: boolean): Promise<void>;

  /** All UIDs of the folder, ascending: index + 1 is the sequence number. */
  uids(folderId: number): readonly number[];
  /** What an expunge of the whole folder would remove. */
  deletedSum(folderId: number): { readonly messages: number; readonly sizeBytes: number };
  message(folderId: number, uid: number): MessageRow | undefined;
  /** Rows with first <= uid <= last, ascending, at most `limit`. */
  messages(folderId: number, first: number, last: number, limit: number): readonly MessageRow[];
  structure(bodyId: number): MessageStructure;
  /** The envelope of that structure, at a part of its cost. */
  envelope(bodyId: number): Envelope;
  /** crc32 of the message's bytes. */
  checksum(bodyId: number): number;
  /** The message's bytes, or the given range of them. Problem('BodyDamaged') */
  body(bodyId: number, start?: number, end?: number): Buffer;
  /** What the content index knows about texts in a folder's messages; undefined: nothing now, read them. Never rejects. */
  searchTexts(folderId: number, questions: readonly TextQuestion[]): Promise<FolderAnswer | undefined>;

  /** One record for all of them (MULTIAPPEND is all or nothing). Problem('FolderNotFound' | 'MailboxFull') */
  append(folderId: number, messages: readonly NewMessage[]): Promise<{ uidValidity: number; uids: readonly number[] }>;
  /** Returns the rows as they are now, of all `uids` that exist; only those that differ are recorded. */
  changeFlags(folderId: number, uids: UidSet, change: FlagChange): Promise<readonly MessageRow[]>;
  /**
   * Many messages are copied, or moved, in several records: all of them, unless this copy stops serving in between.
   * `keeps`: flags that go along; all of them unless it is given.
   */
  copy(folderId: number, uids: UidSet, targetFolderId: number, keeps?: FlagMask): Promise<CopyResult>;
  move(folderId: number, uids: UidSet, targetFolderId: number, keeps?: FlagMask): Promise<CopyResult>;
  /** Makes deleted items of the messages with \Deleted, of `uids` only when given; returns what was removed. */
  expunge(folderId: number, uids?: UidSet): Promise<readonly number[]>;
  /** One record for all recipients (250 for one message = all accepted recipients are in the log). */
  deliver(delivery: Delivery): Promise<readonly DeliveryResult[]>;

  /** False when it came back already. Problem('FolderNotFound' | 'MailboxFull' | …) */
  returnMessage(folderId: number, message: ReturnedMessage): Promise<boolean>;

  /** Returns the undo. Listeners are called synchronously, in log order, before the change is committed. */
  listen(folderId: number, listener: (event: FolderEvent) => void): () => void;
}

export interface CopyResult {
  readonly uidValidity: number;
  readonly sourceUids: readonly number[];
  /** targetUids[i] is the copy of sourceUids[i]. */
  readonly targetUids: readonly number[];
}
