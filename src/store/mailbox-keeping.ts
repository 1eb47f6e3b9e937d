/**
 * What a mounted storage group offers beside folders and messages: deleted items that can be got back, and what is set
 * for a mailbox. The rule of MailStore holds: changes resolve when they are applied, and `settled` comes before a word.
 */
import type { Folder } from './mail-store.ts';

/** Null: as the storage group's defaults say, and for those (mailbox 0) the built-in ones. UNLIMITED: no limit. */
export interface MailboxLimits {
  /** How long deleted items can be got back; 0: what is expunged is gone at once. */
  readonly retentionMs: number | null;
  /** Above it, clients and administrators are warned. */
  readonly warningBytes: number | null;
  /** What would go above it is refused: mail from outside, APPEND, COPY. */
  readonly storageBytes: number | null;
  readonly messages: number | null;
}

/** What holds for a mailbox, and what it uses. Deleted items are not counted. */
export interface MailboxQuota {
  readonly retentionMs: number;
  readonly warningBytes: number;
  readonly storageBytes: number;
  readonly messages: number;
  readonly usedBytes: number;
  readonly usedMessages: number;
}

export const UNLIMITED = Number.MAX_SAFE_INTEGER;

/** Mailbox 0 in limits: the storage group's defaults. */
export const ALL_MAILBOXES = 0;

/** A deleted item: where it was, and when it went. */
export interface DeletedItem {
  readonly folderId: number;
  readonly uid: number;
  /** As the folder was called then. */
  readonly folderName: string;
  readonly bodyId: number;
  readonly internalDateMs: number;
  readonly sizeBytes: number;
  readonly removedMs: number;
}

export interface DeletedItems {
  /** The ones that went last come first. */
  list(mailboxId: number, limit: number): readonly DeletedItem[];
  /**
   * Makes messages of them again, with new UIDs, in the folder `folderName` or, when it is null, where they were; folders
   * that are gone are made anew. Items that are not there (any more) are passed over. Returns how many came back.
   * Problem('MailboxFull' | 'FolderNameInvalid')
   */
  restore(
    mailboxId: number,
    items: readonly Pick<DeletedItem, 'folderId' | 'uid'>[],
    folderName: string | null,
  ): Promise<number>;
  /** Forgets what was kept long enough, a bounded number at once. Returns how many: 0 when nothing was due. */
  purgeExpired(): Promise<number>;
}

/** Whose annotations: of a folder or, with folder 0, of the whole mailbox; shared ones, or one mailbox's own. */
export interface AnnotationPlace {
  readonly mailboxId: number;
  readonly folderId: number;
  /** SHARED, or the mailbox whose own they are. */
  readonly owner: number;
}

export const SHARED = 0;
export const WHOLE_MAILBOX = 0;

export interface Annotation {
  readonly name: string;
  readonly value: Buffer;
}

/** At one place; each place once in a change. */
export interface AnnotationChange {
  readonly place: AnnotationPlace;
  readonly values: readonly { readonly name: string; readonly value: Buffer | null }[];
}

/** Rights of RFC 4314 in one folder: the letters of ALL_RIGHTS, in their order. */
export interface FolderRights {
  /** A mailbox, or ANYONE. */
  readonly granteeId: number;
  readonly rights: string;
}

export const ANYONE = 0;
export const ALL_RIGHTS = 'lrswipkxtea';

export interface MailboxSettings {
  /** As they were set; mailbox 0 for the storage group's defaults. */
  limits(mailboxId: number): MailboxLimits;
  /** Those that are given change. Problem('MailboxNotFound' | 'LimitInvalid') */
  setLimits(mailboxId: number, change: Partial<MailboxLimits>): Promise<void>;
  /** What they and the defaults come to, and what is used. Problem('MailboxNotFound') */
  quota(mailboxId: number): MailboxQuota;
  /** As they were given; the owner, who has them all, is not among them. */
  rights(folderId: number): readonly FolderRights[];
  /** What a mailbox may do in a folder: everything in its own, elsewhere what it and what anyone was given. */
  rightsOf(folderId: number, mailboxId: number): string;
  /** '' takes all of them away. Problem('FolderNotFound' | 'MailboxNotFound' | 'RightsInvalid' | 'TooManyRights') */
  setRights(folderId: number, rights: FolderRights): Promise<void>;
  /** Folders of others in which this mailbox has the right l. */
  sharedFolders(mailboxId: number): readonly Folder[];
  /** By name. */
  annotations(place: AnnotationPlace): readonly Annotation[];
  /** Null takes an annotation away. All or none. Problem('TooManyAnnotations' | 'FolderNotFound') */
  setAnnotations(changes: readonly AnnotationChange[]): Promise<void>;
}
