/**
 * Every kind of record that the transaction log of a storage group can hold: its number, its type and its bytes, side
 * by side. A fact states what became true with all its values filled in (ids, UIDs, dates, structures), so replay
 * decides nothing, asks no clock and parses no MIME, and gives the same database on every copy and in every version.
 *
 * A number, once given, keeps its meaning and its bytes for ever: logs outlive programs. What changes gets a new
 * number. A number that is not in the table is refused loudly, before anything is done with it.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { isProblem, Problem } from '../base/problem.ts';
import { deliveryLimits } from '../mail/delivery.ts';
import type { UidRange } from '../mail/uid-set.ts';
import {
  readBoolean,
  readDate,
  readFlags,
  readList,
  readOptionalString,
  readUid,
  uidBelowMax,
  writeBoolean,
  writeDate,
  writeFlags,
  writeList,
  writeOptionalString,
} from './fact-fields.ts';
import { type KeepingFact, keepingKinds } from './keeping-facts.ts';
import type { MessageSource, SpecialUse } from './mail-store.ts';
import { readUidRanges, writeUidRanges } from './uid-ranges.ts';

/** First record of an epoch. */
export interface EpochStarted {
  readonly type: 'EpochStarted';
  readonly epoch: number;
  /** Where the history before this epoch ends: last LSN, and the chain value that proves everything up to it. */
  readonly previousEndLsn: number;
  readonly previousChain: number;
  readonly host: string;
  readonly incarnation: number;
  readonly timeMs: number;
  /** Added to every UIDNEXT: 0, or more when records may have been lost whose UIDs somebody has seen. */
  readonly uidJump: number;
}

export interface NewFolder {
  readonly id: number;
  readonly name: string;
  readonly uidValidity: number;
  readonly specialUse: SpecialUse | null;
}

export interface MailboxCreated {
  readonly type: 'MailboxCreated';
  readonly id: number;
  readonly guid: string;
  readonly address: string;
  /** canonicalAddress of `address`, as it was when the mailbox was made. */
  readonly addressKey: string;
  readonly displayName: string;
  readonly credential: string | null;
  readonly createdMs: number;
  /** All of them are subscribed. */
  readonly folders: readonly NewFolder[];
}

export interface CredentialSet {
  readonly type: 'CredentialSet';
  readonly mailboxId: number;
  readonly credential: string | null;
}

export interface FoldersCreated {
  readonly type: 'FoldersCreated';
  readonly mailboxId: number;
  readonly folders: readonly NewFolder[];
}

/** A subscription to the old name follows to the new one. */
export interface FoldersRenamed {
  readonly type: 'FoldersRenamed';
  readonly mailboxId: number;
  readonly folders: readonly { readonly id: number; readonly name: string }[];
}

export interface FoldersDeleted {
  readonly type: 'FoldersDeleted';
  readonly folderIds: readonly number[];
}

export interface SubscriptionSet {
  readonly type: 'SubscriptionSet';
  readonly mailboxId: number;
  readonly name: string;
  readonly subscribed: boolean;
}

export interface DeliveryTarget {
  readonly mailboxId: number;
  readonly folderId: number;
  readonly uid: number;
  readonly recipient: string;
}

export interface MessageDelivered {
  readonly type: 'MessageDelivered';
  readonly deliveryId: Buffer;
  readonly acceptedMs: number;
  readonly sender: string;
  readonly trace: string;
  readonly targets: readonly DeliveryTarget[];
  readonly internalDateMs: number;
  readonly bodyId: number;
  readonly structure: Buffer;
  readonly bytes: Buffer;
}

export interface AppendedMessage {
  readonly uid: number;
  readonly bodyId: number;
  readonly flags: number;
  readonly keywords: readonly string[];
  readonly internalDateMs: number;
  readonly structure: Buffer;
  readonly bytes: Buffer;
}

export interface MessagesAppended {
  readonly type: 'MessagesAppended';
  readonly folderId: number;
  readonly messages: readonly AppendedMessage[];
}

export interface MergedMessage extends AppendedMessage, MessageSource {}

/** As MessagesAppended; messages that were delivered once bring along from where. */
export interface MessagesMerged {
  readonly type: 'MessagesMerged';
  readonly folderId: number;
  readonly messages: readonly MergedMessage[];
}

export interface FlagsGroup {
  readonly ranges: readonly UidRange[];
  readonly flags: number;
  readonly keywords: readonly string[];
}

/** The flags that the messages now have, not what was added or removed. */
export interface FlagsChanged {
  readonly type: 'FlagsChanged';
  readonly folderId: number;
  readonly groups: readonly FlagsGroup[];
}

/** `count` messages with consecutive UIDs from `source` on get consecutive UIDs from `target` on. */
export interface UidPairs {
  readonly source: number;
  readonly target: number;
  readonly count: number;
}

/** Copies keep flags, keywords, dates and bodies (RFC 9051 section 6.4.7). */
export interface MessagesCopied {
  readonly type: 'MessagesCopied';
  readonly sourceFolderId: number;
  readonly targetFolderId: number;
  readonly pairs: readonly UidPairs[];
}

export interface MessagesMoved {
  readonly type: 'MessagesMoved';
  readonly sourceFolderId: number;
  readonly targetFolderId: number;
  readonly pairs: readonly UidPairs[];
}

export interface MessagesExpunged {
  readonly type: 'MessagesExpunged';
  readonly folderId: number;
  readonly ranges: readonly UidRange[];
}

export type Fact =
  | EpochStarted
  | MailboxCreated
  | CredentialSet
  | FoldersCreated
  | FoldersRenamed
  | FoldersDeleted
  | SubscriptionSet
  | MessageDelivered
  | MessagesAppended
  | MessagesMerged
  | FlagsChanged
  | MessagesCopied
  | MessagesMoved
  | MessagesExpunged
  | KeepingFact;

export type FactType = Fact['type'];
export type FactOf<T extends FactType> = Extract<Fact, { type: T }>;

const GUID_BYTES = 16;
/** In this order on disk: 0 is none, then as listed. Only ever add at the end. */
const SPECIAL_USES: readonly SpecialUse[] = ['\\Drafts', '\\Sent', '\\Trash', '\\Junk', '\\Archive'];

interface Kind<T extends Fact> {
  readonly kind: number;
  write(writer: ByteWriter, fact: T): void;
  read(reader: ByteReader): T;
}

const kinds: { readonly [T in FactType]: Kind<FactOf<T>> } = {
  EpochStarted: {
    kind: 1,
    write(writer, fact) {
      writer.u32(fact.epoch).u64(fact.previousEndLsn).u32(fact.previousChain).string(fact.host);
      writer.u64(fact.incarnation).u64(fact.timeMs).varint(fact.uidJump);
    },
    read: (reader) => ({
      type: 'EpochStarted',
      epoch: reader.u32(),
      previousEndLsn: reader.u64(),
      previousChain: reader.u32(),
      host: reader.string(),
      incarnation: reader.u64(),
      timeMs: reader.u64(),
      uidJump: uidBelowMax(reader.varint()),
    }),
  },
  MailboxCreated: {
    kind: 2,
    write(writer, fact) {
      writer.varint(fact.id).raw(Buffer.from(fact.guid, 'hex')).string(fact.address).string(fact.addressKey);
      writer.string(fact.displayName);
      writeOptionalString(writer, fact.credential);
      writer.varint(fact.createdMs);
      writeNewFolders(writer, fact.folders);
    },
    read: (reader) => ({
      type: 'MailboxCreated',
      id: reader.varint(),
      guid: reader.raw(GUID_BYTES).toString('hex'),
      address: reader.string(),
      addressKey: reader.string(),
      displayName: reader.string(),
      credential: readOptionalString(reader),
      createdMs: reader.varint(),
      folders: readNewFolders(reader),
    }),
  },
  CredentialSet: {
    kind: 3,
    write(writer, fact) {
      writeOptionalString(writer.varint(fact.mailboxId), fact.credential);
    },
    read: (reader) => ({
      type: 'CredentialSet',
      mailboxId: reader.varint(),
      credential: readOptionalString(reader),
    }),
  },
  FoldersCreated: {
    kind: 4,
    write(writer, fact) {
      writeNewFolders(writer.varint(fact.mailboxId), fact.folders);
    },
    read: (reader) => ({ type: 'FoldersCreated', mailboxId: reader.varint(), folders: readNewFolders(reader) }),
  },
  FoldersRenamed: {
    kind: 5,
    write(writer, fact) {
      writer.varint(fact.mailboxId);
      writeList(writer, fact.folders, (folder) => writer.varint(folder.id).string(folder.name));
    },
    read: (reader) => ({
      type: 'FoldersRenamed',
      mailboxId: reader.varint(),
      folders: readList(reader, () => ({ id: reader.varint(), name: reader.string() })),
    }),
  },
  FoldersDeleted: {
    kind: 6,
    write(writer, fact) {
      writeList(writer, fact.folderIds, (id) => writer.varint(id));
    },
    read: (reader) => ({ type: 'FoldersDeleted', folderIds: readList(reader, () => reader.varint()) }),
  },
  SubscriptionSet: {
    kind: 7,
    write(writer, fact) {
      writer.varint(fact.mailboxId).string(fact.name);
      writeBoolean(writer, fact.subscribed);
    },
    read: (reader) => ({
      type: 'SubscriptionSet',
      mailboxId: reader.varint(),
      name: reader.string(),
      subscribed: readBoolean(reader),
    }),
  },
  MessageDelivered: {
    kind: 8,
    write(writer, fact) {
      writer.raw(fact.deliveryId).varint(fact.acceptedMs).string(fact.sender).string(fact.trace);
      writeList(writer, fact.targets, (target) =>
        writer.varint(target.mailboxId).varint(target.folderId).varint(target.uid).string(target.recipient),
      );
      writeDate(writer, fact.internalDateMs).varint(fact.bodyId).bytes(fact.structure).bytes(fact.bytes);
    },
    read: (reader) => ({
      type: 'MessageDelivered',
      deliveryId: reader.raw(deliveryLimits.idBytes),
      acceptedMs: reader.varint(),
      sender: reader.string(),
      trace: reader.string(),
      targets: readList(reader, () => ({
        mailboxId: reader.varint(),
        folderId: reader.varint(),
        uid: readUid(reader),
        recipient: reader.string(),
      })),
      internalDateMs: readDate(reader),
      bodyId: reader.varint(),
      structure: reader.bytes(),
      bytes: reader.bytes(),
    }),
  },
  MessagesAppended: {
    kind: 9,
    write(writer, fact) {
      writer.varint(fact.folderId);
      writeList(writer, fact.messages, (message) => writeAppended(writer, message));
    },
    read: (reader) => ({
      type: 'MessagesAppended',
      folderId: reader.varint(),
      messages: readList(reader, () => readAppended(reader)),
    }),
  },
  MessagesMerged: {
    kind: 20,
    write(writer, fact) {
      writer.varint(fact.folderId);
      writeList(writer, fact.messages, (message) => {
        writeAppended(writer, message);
        writeOptionalString(writer, message.sender);
        writeOptionalString(writer, message.trace);
      });
    },
    read: (reader) => ({
      type: 'MessagesMerged',
      folderId: reader.varint(),
      messages: readList(reader, () => ({
        ...readAppended(reader),
        sender: readOptionalString(reader),
        trace: readOptionalString(reader),
      })),
    }),
  },
  FlagsChanged: {
    kind: 10,
    write(writer, fact) {
      writer.varint(fact.folderId);
      writeList(writer, fact.groups, (group) => {
        writeUidRanges(writer, group.ranges);
        writeFlags(writer, group.flags, group.keywords);
      });
    },
    read: (reader) => ({
      type: 'FlagsChanged',
      folderId: reader.varint(),
      groups: readList(reader, () => ({ ranges: readUidRanges(reader), ...readFlags(reader) })),
    }),
  },
  MessagesCopied: {
    kind: 11,
    write: writePairs,
    read: (reader) => ({ type: 'MessagesCopied', ...readPairs(reader) }),
  },
  MessagesMoved: {
    kind: 12,
    write: writePairs,
    read: (reader) => ({ type: 'MessagesMoved', ...readPairs(reader) }),
  },
  MessagesExpunged: {
    kind: 13,
    write(writer, fact) {
      writeUidRanges(writer.varint(fact.folderId), fact.ranges);
    },
    read: (reader) => ({ type: 'MessagesExpunged', folderId: reader.varint(), ranges: readUidRanges(reader) }),
  },
  ...keepingKinds,
};

const kindsByNumber: ReadonlyMap<number, Kind<Fact>> = new Map(
  Object.values(kinds).map((kind) => [kind.kind, kind as Kind<Fact>]),
);

export function isKnownKind(kind: number): boolean {
  return kindsByNumber.has(kind);
}

/** `capacityBytes`: about how long the payload will be; right for a fact with a message in it, it saves a copy. */
export function encodeFact(fact: Fact, capacityBytes = 256): { kind: number; payload: Buffer } {
  const kind = kinds[fact.type] as Kind<Fact>;
  const writer = new ByteWriter(capacityBytes);
  kind.write(writer, fact);
  return { kind: kind.kind, payload: writer.finish() };
}

/** Buffers of the fact are views of `payload`. Problem('UnknownRecordKind' | 'Malformed') */
export function decodeFact(kind: number, payload: Uint8Array): Fact {
  const known = kindsByNumber.get(kind);
  if (known === undefined) {
    throw new Problem(
      'UnknownRecordKind',
      `Cannot apply a record of kind ${kind}: this version does not know it. Update this node first.`,
    );
  }
  const reader = new ByteReader(payload);
  const fact = known.read(reader);
  reader.end();
  return fact;
}

/** As decodeFact; undefined for a kind that only a newer version knows, or a payload that cannot be read. */
export function factIfKnown({ kind, payload }: { kind: number; payload: Uint8Array }): Fact | undefined {
  try {
    return decodeFact(kind, payload);
  } catch (error) {
    if (isProblem(error)) return undefined;
    throw error;
  }
}

function writeNewFolders(writer: ByteWriter, folders: readonly NewFolder[]): void {
  writeList(writer, folders, (folder) => {
    writer.varint(folder.id).string(folder.name).u32(folder.uidValidity);
    writer.u8(folder.specialUse === null ? 0 : SPECIAL_USES.indexOf(folder.specialUse) + 1);
  });
}

function readNewFolders(reader: ByteReader): NewFolder[] {
  return readList(reader, () => ({
    id: reader.varint(),
    name: reader.string(),
    uidValidity: reader.u32(),
    specialUse: readSpecialUse(reader.u8()),
  }));
}

function readSpecialUse(code: number): SpecialUse | null {
  if (code === 0) return null;
  const use = SPECIAL_USES[code - 1];
  if (use === undefined) throw new Problem('Malformed', `Cannot read a folder's special use: ${code}`);
  return use;
}

function writeAppended(writer: ByteWriter, message: AppendedMessage): void {
  writer.varint(message.uid).varint(message.bodyId);
  writeFlags(writer, message.flags, message.keywords);
  writeDate(writer, message.internalDateMs).bytes(message.structure).bytes(message.bytes);
}

function readAppended(reader: ByteReader): AppendedMessage {
  return {
    uid: readUid(reader),
    bodyId: reader.varint(),
    ...readFlags(reader),
    internalDateMs: readDate(reader),
    structure: reader.bytes(),
    bytes: reader.bytes(),
  };
}

function writePairs(writer: ByteWriter, fact: MessagesCopied | MessagesMoved): void {
  writer.varint(fact.sourceFolderId).varint(fact.targetFolderId);
  writeList(writer, fact.pairs, (pair) => writer.varint(pair.source).varint(pair.target).varint(pair.count));
}

function readPairs(reader: ByteReader): { sourceFolderId: number; targetFolderId: number; pairs: UidPairs[] } {
  return {
    sourceFolderId: reader.varint(),
    targetFolderId: reader.varint(),
    pairs: readList(reader, () => {
      const pair = { source: readUid(reader), target: readUid(reader), count: reader.varint() };
      uidBelowMax(pair.source + pair.count);
      uidBelowMax(pair.target + pair.count);
      if (pair.count === 0) throw new Problem('Malformed', 'Cannot read UID pairs: none are there');
      return pair;
    }),
  };
}
