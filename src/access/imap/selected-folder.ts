/**
 * A folder as one session sees it. Sequence numbers are positions in this view, and the view changes only when the
 * client is told so: what others do meanwhile is noted and waits for `announce` (RFC 3501 7.4.1: numbers never jump
 * under a client's feet).
 *
 *     store events ──► pending: added · gone · flagged ──► announce: EXPUNGE, EXISTS, RECENT, FETCH ──► view
 */
import type { Folder, FolderEvent, MailStore, MessageRow } from '../../store/mail-store.ts';
import type { Output } from './output.ts';
import { printFlags } from './print-flags.ts';
import type { RecentRegistry } from './recent.ts';
import type { Slice } from './slice.ts';
import { UidList } from './uid-list.ts';

export interface SelectedFolderOptions {
  readonly store: MailStore;
  readonly recent: RecentRegistry;
  readonly folder: Folder;
  readonly readOnly: boolean;
}

export class SelectedFolder {
  readonly folderId: number;
  readonly mailboxId: number;
  readonly readOnly: boolean;
  readonly #store: MailStore;
  readonly #registry: RecentRegistry;
  /** What the client knows. */
  readonly #uids: UidList;
  #added: number[] = [];
  readonly #gone = new Set<number>();
  /** UID to the LSN of the change that is to be told. */
  readonly #flagged = new Map<number, number>();
  readonly #recent = new Set<number>();
  #deleted = false;
  readonly #unlisten: () => void;
  #onChange: (() => void) | undefined;

  constructor(options: SelectedFolderOptions) {
    this.#store = options.store;
    this.#registry = options.recent;
    this.folderId = options.folder.id;
    this.mailboxId = options.folder.mailboxId;
    this.readOnly = options.readOnly;
    this.#unlisten = options.store.listen(this.folderId, (event) => this.#onEvent(event));
    this.#uids = new UidList(options.store.uids(this.folderId));
    options.recent.meet(this.folderId, options.folder.uidNext);
    this.#claimRecent(this.uids);
  }

  leave(): void {
    this.#unlisten();
    this.#onChange = undefined;
  }

  /** Ascending; index + 1 is the sequence number. */
  get uids(): Uint32Array {
    return this.#uids.all;
  }

  /** The folder itself is gone; the session cannot go on in it. */
  get isDeleted(): boolean {
    return this.#deleted;
  }

  get recentCount(): number {
    return this.readOnly ? this.#registry.count(this.folderId, this.uids) : this.#recent.size;
  }

  isRecent(uid: number): boolean {
    return this.#recent.has(uid);
  }

  /** `undefined` when the client does not know the message. */
  sequenceOf(uid: number): number | undefined {
    return this.#uids.sequenceOf(uid);
  }

  /** Expunged, and the client does not know yet. */
  isGone(uid: number): boolean {
    return this.#gone.has(uid);
  }

  /** Called on every event, until the next call; for IDLE. */
  onChange(handler: (() => void) | undefined): void {
    this.#onChange = handler;
  }

  get hasNews(): boolean {
    return this.#deleted || this.#added.length > 0 || this.#gone.size > 0 || this.#flagged.size > 0;
  }

  /** The client has just been told, or has itself said, what this message's flags are. */
  flagsKnown(row: MessageRow): void {
    const lsn = this.#flagged.get(row.uid);
    if (lsn !== undefined && lsn <= row.modseq) this.#flagged.delete(row.uid);
  }

  hasFlagNews(uid: number): boolean {
    return this.#flagged.has(uid);
  }

  /** Tells the client what changed. Without `expunges` the numbers of messages stay as they are. */
  async announce(out: Output, slice: Slice, expunges: boolean): Promise<void> {
    if (expunges && this.#gone.size > 0) await this.#announceGone(out, slice);
    if (this.#added.length > 0) this.#announceAdded(out);
    if (this.#flagged.size > 0) await this.#announceFlags(out, slice);
  }

  /**
   * The view changes before the first pause, so that whatever happens meanwhile is noted against the new one. From the
   * highest number down, so that no number printed depends on the ones before it.
   */
  async #announceGone(out: Output, slice: Slice): Promise<void> {
    const gone = new Set(this.#gone);
    this.#gone.clear();
    const sequences = this.#uids.remove(gone);
    for (const uid of gone) {
      this.#flagged.delete(uid);
      this.#recent.delete(uid);
    }
    for (const sequence of sequences.reverse()) {
      out.text(`* ${sequence} EXPUNGE\r\n`);
      await pause(out, slice);
    }
  }

  #announceAdded(out: Output): void {
    const added = this.#added;
    this.#added = [];
    this.#uids.append(added);
    this.#claimRecent(added);
    out.text(`* ${this.#uids.length} EXISTS\r\n* ${this.recentCount} RECENT\r\n`);
  }

  async #announceFlags(out: Output, slice: Slice): Promise<void> {
    const uids = [...this.#flagged.keys()];
    this.#flagged.clear();
    for (const uid of uids) {
      const sequence = this.sequenceOf(uid);
      const row = sequence === undefined ? undefined : this.#store.message(this.folderId, uid);
      if (row === undefined) continue;
      out.text(`* ${sequence} FETCH (UID ${uid} FLAGS ${printFlags(row, this.isRecent(uid))})\r\n`);
      await pause(out, slice);
    }
  }

  #claimRecent(uids: ArrayLike<number>): void {
    if (this.readOnly) return;
    for (const uid of this.#registry.claim(this.folderId, uids)) this.#recent.add(uid);
  }

  #onEvent(event: FolderEvent): void {
    switch (event.type) {
      case 'added':
        for (const uid of event.uids) this.#added.push(uid);
        break;
      case 'flags':
        for (const uid of event.uids) if (this.sequenceOf(uid) !== undefined) this.#flagged.set(uid, event.lsn);
        break;
      case 'expunged':
        this.#noteGone(event.uids);
        break;
      case 'deleted':
        this.#deleted = true;
        break;
      case 'renamed':
        return;
    }
    this.#onChange?.();
  }

  #noteGone(uids: readonly number[]): void {
    for (const uid of uids) if (this.sequenceOf(uid) !== undefined) this.#gone.add(uid);
    if (this.#added.length === 0) return;
    // Came and went before the client was told of it.
    const gone = new Set(uids);
    this.#added = this.#added.filter((uid) => !gone.has(uid));
  }
}

async function pause(out: Output, slice: Slice): Promise<void> {
  await out.flushIfLarge();
  if (slice.isOver()) await slice.step();
}
