/**
 * The full-text index of a storage group's copy, as the rest of the program sees it. It is a help and never a truth: it
 * has a file and a thread of its own, every copy builds its own, it may be behind, broken or gone, and then searches
 * read the messages themselves. What it does say is exact (search-words.ts tells why).
 */

/** Which part of a message is meant. `header` is any field, `text` the whole header and the text. */
export type TextField = 'bcc' | 'cc' | 'from' | 'to' | 'subject' | 'body' | 'text' | 'header';

/** Does `field` contain `text`, by foldForSearch? */
export interface TextQuestion {
  readonly field: TextField;
  readonly text: string;
}

/** UIDs ascend. A message below `uidNext` that is in neither list does not contain the text. */
export interface TextAnswer {
  /** These contain it. */
  readonly found: Uint32Array;
  /** The index cannot tell: to be read. */
  readonly open: Uint32Array;
}

export interface FolderAnswer {
  /** Messages from this UID on came too late for the index: to be read. */
  readonly uidNext: number;
  /** Everything up to here is in the index. */
  readonly indexedLsn: number;
  readonly answers: readonly TextAnswer[];
}

/** The words are the field's: Crawling = being built, or catching up. */
export type ContentIndexState = 'Healthy' | 'Crawling' | 'Failed' | 'Disabled';

export interface ContentIndexStatus {
  readonly state: ContentIndexState;
  /** Message bodies that are committed and not in the index yet. */
  readonly backlog: number;
  readonly indexedLsn: number;
  /** Where the database stood when that was counted. */
  readonly databaseLsn: number;
  readonly failure: string | null;
}

export interface ContentIndex {
  /** The database of the stream `signature` is open. Returns at once; the work is done elsewhere. */
  open(signature: Uint8Array): void;
  /** The database has committed: there may be news. */
  committed(): void;
  /** Undefined: it cannot help now. Never rejects, and always answers within a bound. */
  search(folderId: number, questions: readonly TextQuestion[]): Promise<FolderAnswer | undefined>;
  /** Throws the index away and makes it anew, in the background. */
  rebuild(): void;
  status(): ContentIndexStatus;
  /** Lets go of the database and of its own file. */
  close(): Promise<void>;
}
