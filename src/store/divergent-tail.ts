/**
 * What the records did that a copy had to put aside: the tail of its log behind the last record that it has in common
 * with the copy that is active now. Messages are told apart from everything else, because a message can be brought back
 * wherever its mailbox is today, and a flag or a rename cannot: since then somebody may have decided otherwise.
 *
 * Ids of mailboxes and folders that the tail itself made mean nothing in the new history, which gives the same numbers to
 * others. Such a place is known by its address and name only.
 */
import { crc32, sha256 } from '../base/checksum.ts';
import { canonicalAddress } from '../mail/address.ts';
import { deliveryLimits } from '../mail/delivery.ts';
import type { UidRange } from '../mail/uid-set.ts';
import { mailboxesServed } from './delivery-memory.ts';
import type { AppendedMessage, Fact, MergedMessage, MessageDelivered, UidPairs } from './facts.ts';
import { RETURN_WITHIN_MS } from './limits.ts';
import type { Queries } from './queries.ts';

/** What is known of one message of the tail without its bytes. */
export interface TailMessage {
  readonly lsn: number;
  /** Of those that the record added. */
  readonly index: number;
  readonly sizeBytes: number;
  readonly crc32: number;
  /** By which the new history knows it: of a delivery its own, of what a session or a restore added one that follows from its record. */
  readonly deliveryId: Buffer;
  /** Of what was added: when its log file was begun. */
  readonly acceptedMs: number;
  readonly sender: string;
  /** Of a delivery. */
  readonly recipients: readonly string[];
  /** Where it was put, of what was added; undefined for a delivery. */
  readonly folderId: number | undefined;
  /** The tail removes it again, everywhere. */
  isRemoved: boolean;
}

export interface TailRecord {
  readonly lsn: number;
  /** Undefined for one that this version does not know. */
  readonly fact: Fact | undefined;
  /** Of the log file that it stands in. */
  readonly signature: Buffer;
  readonly fileCreatedMs: number;
}

export interface MailPlace {
  readonly address: string;
  readonly folderName: string;
}

/** A record that added no message. */
export interface TailChange {
  readonly lsn: number;
  readonly type: Fact['type'] | 'Unknown';
  readonly mailboxId: number | undefined;
  readonly folderId: number | undefined;
  readonly what: string;
}

/** What has become of a message of the tail in the history that won. */
export type TailMessageState =
  /** `placeless`: its folder was removed since then, and with it whose it was. */
  | { readonly state: 'there' | 'removed' | 'too-old' | 'placeless' }
  /** `recipients`: those who do not have it; `place`: where it belongs, of what was added. */
  | { readonly state: 'missing'; readonly recipients: readonly string[]; readonly place: MailPlace | undefined };

/** A tail may be days long: of its messages only those from `first` on are kept, and of everything only so much. */
export interface TailWindow {
  readonly first: number;
  readonly maxMessages: number;
  readonly maxChanges: number;
}

export class DivergentTail {
  readonly messages: TailMessage[] = [];
  readonly changes: TailChange[] = [];
  /** Of the whole tail. */
  messageCount = 0;
  changeCount = 0;
  readonly #window: TailWindow;
  readonly #madeMailboxes = new Map<number, string>();
  readonly #madeFolders = new Map<number, { readonly mailboxId: number; readonly name: string }>();
  /** Where the tail's messages are: by folder and UID. */
  readonly #places = new Map<number, Map<number, TailMessage>>();
  /** In how many places each of them is. */
  readonly #placeCounts = new Map<TailMessage, number>();

  constructor(window: TailWindow) {
    this.#window = window;
  }

  /** The records of the tail, one after the other. */
  add(record: TailRecord): void {
    const { lsn, fact } = record;
    if (fact === undefined) return this.#unknown(lsn);
    if (fact.type === 'EpochStarted') return;
    if (fact.type === 'MessageDelivered') return this.#delivered(lsn, fact);
    if (fact.type === 'MessagesAppended' || fact.type === 'MessagesMerged') {
      for (const [index, message] of fact.messages.entries()) this.#added(record, fact.folderId, index, message);
      return;
    }
    this.#noteNames(fact);
    this.#followMessages(fact);
    this.#noteChange(() => ({ lsn, type: fact.type, ...subjectOf(fact), what: describe(fact) }));
  }

  #noteChange(change: () => TailChange): void {
    this.changeCount += 1;
    if (this.changes.length < this.#window.maxChanges) this.changes.push(change());
  }

  #isKept(): boolean {
    const { first, maxMessages } = this.#window;
    this.messageCount += 1;
    return this.messageCount > first && this.messages.length < maxMessages;
  }

  #unknown(lsn: number): void {
    const what = 'a record of a kind that this version does not know, or damaged';
    this.#noteChange(() => ({ lsn, type: 'Unknown', mailboxId: undefined, folderId: undefined, what }));
  }

  #delivered(lsn: number, fact: MessageDelivered): void {
    if (!this.#isKept()) return;
    const { deliveryId, acceptedMs, sender, targets, bytes } = fact;
    const message: TailMessage = {
      lsn,
      index: 0,
      sizeBytes: bytes.length,
      crc32: crc32(bytes),
      // A buffer of the fact holds the whole log file.
      deliveryId: Buffer.from(deliveryId),
      acceptedMs,
      sender,
      recipients: targets.map(({ recipient }) => recipient),
      folderId: undefined,
      isRemoved: false,
    };
    this.messages.push(message);
    for (const { folderId, uid } of targets) this.#put(message, folderId, uid);
  }

  #added(
    { lsn, signature, fileCreatedMs: acceptedMs }: TailRecord,
    folderId: number,
    index: number,
    { uid, bytes }: AppendedMessage | MergedMessage,
  ): void {
    if (!this.#isKept()) return;
    const deliveryId = returnIdOf(signature, lsn, index);
    const known = { deliveryId, acceptedMs, sender: '', recipients: [] };
    const message = { lsn, index, sizeBytes: bytes.length, crc32: crc32(bytes), ...known, folderId, isRemoved: false };
    this.messages.push(message);
    this.#put(message, folderId, uid);
  }

  #put(message: TailMessage, folderId: number, uid: number): void {
    const folder = this.#places.get(folderId) ?? new Map<number, TailMessage>();
    this.#places.set(folderId, folder.set(uid, message));
    this.#placeCounts.set(message, (this.#placeCounts.get(message) ?? 0) + 1);
    message.isRemoved = false;
  }

  #take(folderId: number, uid: number): void {
    const message = this.#places.get(folderId)?.get(uid);
    if (message === undefined) return;
    this.#places.get(folderId)?.delete(uid);
    const left = (this.#placeCounts.get(message) ?? 0) - 1;
    this.#placeCounts.set(message, left);
    message.isRemoved = left === 0;
  }

  #noteNames(fact: Fact): void {
    if (fact.type === 'MailboxCreated') this.#madeMailboxes.set(fact.id, fact.address);
    if (fact.type === 'MailboxCreated' || fact.type === 'FoldersCreated') {
      const mailboxId = fact.type === 'MailboxCreated' ? fact.id : fact.mailboxId;
      for (const { id, name } of fact.folders) this.#madeFolders.set(id, { mailboxId, name });
    }
  }

  #followMessages(fact: Fact): void {
    if (fact.type === 'MessagesExpunged' || fact.type === 'MessagesRetained') {
      for (const uid of this.#uidsIn(fact.folderId, fact.ranges)) this.#take(fact.folderId, uid);
    } else if (fact.type === 'FoldersDeleted') {
      for (const folderId of fact.folderIds)
        for (const uid of this.#places.get(folderId)?.keys() ?? []) this.#take(folderId, uid);
    } else if (fact.type === 'MessagesMoved' || fact.type === 'MessagesCopied') {
      for (const pair of fact.pairs) this.#follow(fact, pair);
    }
  }

  #follow(
    fact: Extract<Fact, { type: 'MessagesMoved' | 'MessagesCopied' }>,
    { source, target, count }: UidPairs,
  ): void {
    const { sourceFolderId, targetFolderId } = fact;
    for (const uid of this.#uidsIn(sourceFolderId, [{ first: source, last: source + count - 1 }])) {
      const message = this.#places.get(sourceFolderId)?.get(uid);
      if (message === undefined) continue;
      if (fact.type === 'MessagesMoved') this.#take(sourceFolderId, uid);
      this.#put(message, targetFolderId, target + uid - source);
    }
  }

  /** Of the tail's own messages. A range may span a whole folder, and a folder may have many of them: the smaller is walked. */
  #uidsIn(folderId: number, ranges: readonly UidRange[]): number[] {
    const folder = this.#places.get(folderId);
    if (folder === undefined) return [];
    return ranges.flatMap(({ first, last }) =>
      last - first < folder.size
        ? Array.from({ length: last - first + 1 }, (_, index) => first + index).filter((uid) => folder.has(uid))
        : [...folder.keys()].filter((uid) => uid >= first && uid <= last),
    );
  }

  // ── in the history that won ──────────────────────────────────────────────────────────────────────────────────────

  /**
   * `queries`: of a copy of that history. A delivery whose id may have been forgotten there is not asked for: it would come
   * back to whoever deleted it long ago.
   */
  stateOf(message: TailMessage, queries: Queries): TailMessageState {
    if (message.isRemoved) return { state: 'removed' };
    const asked =
      message.folderId === undefined ? recipientsAsked(message, queries) : this.#placeAsked(message, queries);
    if (asked === undefined || 'state' in asked) return asked ?? { state: 'there' };
    const isForgotten = message.acceptedMs < queries.newestAcceptedMs() - RETURN_WITHIN_MS;
    return isForgotten ? { state: 'too-old' } : { state: 'missing', ...asked };
  }

  /** The same bytes in the same folder are the same message: its owner's program may have added it again. */
  #placeAsked(message: TailMessage, queries: Queries): Asked | { readonly state: 'placeless' } | undefined {
    if (queries.delivery(message.deliveryId) !== undefined) return undefined;
    const place = message.folderId === undefined ? undefined : this.placeOf(message.folderId, queries);
    if (place === undefined) return { state: 'placeless' };
    const mailbox = queries.mailboxByKey(canonicalAddress(place.address));
    const folder = mailbox && queries.folderByName(mailbox.id, place.folderName);
    const isThere = folder !== undefined && queries.hasBody(folder.id, message.sizeBytes, message.crc32);
    return isThere ? undefined : { recipients: [], place };
  }

  /** Undefined when the new history does not have it and the tail did not make it. */
  placeOf(folderId: number, queries: Queries): MailPlace | undefined {
    const folder = this.#madeFolders.get(folderId) ?? queries.folderById(folderId);
    const address = folder && this.addressOf(folder.mailboxId, queries);
    return folder === undefined || address === undefined ? undefined : { address, folderName: folder.name };
  }

  addressOf(mailboxId: number, queries: Queries): string | undefined {
    return this.#madeMailboxes.get(mailboxId) ?? queries.mailboxById(mailboxId)?.address;
  }
}

/** Who, or which folder, is to get a message. */
type Asked = Pick<Extract<TailMessageState, { state: 'missing' }>, 'recipients' | 'place'>;

/** Undefined when everybody has it who was to get it. */
function recipientsAsked({ deliveryId, acceptedMs, recipients }: TailMessage, queries: Queries): Asked | undefined {
  const served = mailboxesServed(queries.delivery(deliveryId), acceptedMs);
  const missing = recipients.filter((recipient) => {
    const mailbox = queries.mailboxByKey(canonicalAddress(recipient));
    return mailbox === undefined || !served.has(mailbox.id);
  });
  return missing.length === 0 ? undefined : { recipients: missing, place: undefined };
}

/** An LSN is given once in a stream, so every copy that lost the record makes the same of it. */
function returnIdOf(signature: Buffer, lsn: number, index: number): Buffer {
  return sha256(Buffer.from(`returned ${signature.toString('hex')} ${lsn} ${index}`)).subarray(
    0,
    deliveryLimits.idBytes,
  );
}

type OtherFact = Exclude<Fact, { type: 'EpochStarted' | 'MessageDelivered' | 'MessagesAppended' | 'MessagesMerged' }>;

function subjectOf(fact: OtherFact): Pick<TailChange, 'mailboxId' | 'folderId'> {
  if (fact.type === 'MailboxCreated') return { mailboxId: fact.id, folderId: undefined };
  const mailboxId = 'mailboxId' in fact && fact.mailboxId !== 0 ? fact.mailboxId : undefined;
  if ('sourceFolderId' in fact) return { mailboxId, folderId: fact.sourceFolderId };
  if ('targetFolderId' in fact) return { mailboxId, folderId: fact.targetFolderId };
  const folderId = 'folderId' in fact && fact.folderId !== 0 ? fact.folderId : undefined;
  return { mailboxId, folderId };
}

/** For people who decide whether to do it again. */
function describe(fact: OtherFact): string {
  switch (fact.type) {
    case 'MailboxCreated':
      return `mailbox ${fact.address} was created`;
    case 'CredentialSet':
      return fact.credential === null ? 'the password was taken away' : 'the password was set';
    case 'FoldersCreated':
      return `folders were created: ${fact.folders.map(({ name }) => name).join(', ')}`;
    case 'FoldersRenamed':
      return `folders were renamed, to ${fact.folders.map(({ name }) => name).join(', ')}`;
    case 'FoldersDeleted':
      return `${fact.folderIds.length} folders were deleted`;
    case 'SubscriptionSet':
      return `${fact.name} was ${fact.subscribed ? 'subscribed to' : 'unsubscribed from'}`;
    case 'FlagsChanged':
      return `the flags of messages ${uidsText(fact.groups.flatMap(({ ranges }) => ranges))} were changed`;
    case 'MessagesCopied':
      return `messages ${pairsText(fact.pairs)} were copied to another folder`;
    case 'MessagesMoved':
      return `messages ${pairsText(fact.pairs)} were moved to another folder`;
    case 'MessagesExpunged':
      return `messages ${uidsText(fact.ranges)} were deleted`;
    case 'MessagesRetained':
      return `messages ${uidsText(fact.ranges)} were deleted and kept as deleted items`;
    case 'RetainedPurged':
      return 'deleted items were removed for good';
    case 'RetainedRestored':
      return `${fact.messages.length} deleted items were restored`;
    case 'MailboxLimitsSet':
      return 'limits were set';
    case 'RightsSet':
      return 'rights were set';
    case 'AnnotationsSet':
      return `annotations were set: ${fact.values.map(({ name }) => name).join(', ')}`;
  }
}

function pairsText(pairs: readonly UidPairs[]): string {
  return uidsText(pairs.map(({ source, count }) => ({ first: source, last: source + count - 1 })));
}

/** As IMAP writes a set. */
function uidsText(ranges: readonly UidRange[]): string {
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}:${last}`)).join(',');
}
