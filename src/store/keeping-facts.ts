/**
 * The records about what a mailbox keeps and allows beside its messages: deleted items, limits, rights and annotations.
 * Part of the table of facts.ts, whose rules hold here too: numbers and bytes stay as they are for ever.
 */
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { UidRange } from '../mail/uid-set.ts';
import { readBoolean, readList, readUid, writeBoolean, writeList } from './fact-fields.ts';
import type { MailboxLimits } from './mailbox-keeping.ts';
import { readUidRanges, writeUidRanges } from './uid-ranges.ts';

/** Expunged, and kept as deleted items. MessagesExpunged is what keeps nothing. */
export interface MessagesRetained {
  readonly type: 'MessagesRetained';
  readonly folderId: number;
  readonly ranges: readonly UidRange[];
  readonly removedMs: number;
}

/** Deleted items by where they were: a folder's id and a UID in it are given out once and for ever. */
export interface FolderRanges {
  readonly folderId: number;
  readonly ranges: readonly UidRange[];
}

export interface RetainedPurged {
  readonly type: 'RetainedPurged';
  readonly folders: readonly FolderRanges[];
}

export interface RestoredMessage {
  readonly folderId: number;
  readonly uid: number;
  readonly targetUid: number;
}

/** Target UIDs ascend. Flags and dates stay, but for \Deleted. */
export interface RetainedRestored {
  readonly type: 'RetainedRestored';
  readonly targetFolderId: number;
  readonly messages: readonly RestoredMessage[];
}

/** All limits of a mailbox as they are from now on; mailbox 0 stands for the storage group's defaults. */
export interface MailboxLimitsSet {
  readonly type: 'MailboxLimitsSet';
  readonly mailboxId: number;
  readonly limits: MailboxLimits;
}

/** Letters of RFC 4314 in their order; none takes the entry away. `granteeId`: a mailbox, or 0 for anyone. */
export interface RightsSet {
  readonly type: 'RightsSet';
  readonly folderId: number;
  readonly granteeId: number;
  readonly rights: string;
}

/** `folderId` 0: of the mailbox as a whole. `ownerId`: the mailbox whose private values they are, or 0 for shared ones. */
export interface AnnotationsSet {
  readonly type: 'AnnotationsSet';
  readonly mailboxId: number;
  readonly folderId: number;
  readonly ownerId: number;
  readonly values: readonly { readonly name: string; readonly value: Buffer | null }[];
}

export type KeepingFact =
  | MessagesRetained
  | RetainedPurged
  | RetainedRestored
  | MailboxLimitsSet
  | RightsSet
  | AnnotationsSet;

interface KeepingKind<T extends KeepingFact> {
  readonly kind: number;
  write(writer: ByteWriter, fact: T): void;
  read(reader: ByteReader): T;
}

export const keepingKinds: {
  readonly [T in KeepingFact['type']]: KeepingKind<Extract<KeepingFact, { type: T }>>;
} = {
  MessagesRetained: {
    kind: 14,
    write(writer, fact) {
      writeUidRanges(writer.varint(fact.folderId), fact.ranges);
      writer.varint(fact.removedMs);
    },
    read: (reader) => ({
      type: 'MessagesRetained',
      folderId: reader.varint(),
      ranges: readUidRanges(reader),
      removedMs: reader.varint(),
    }),
  },
  RetainedPurged: {
    kind: 15,
    write(writer, fact) {
      writeList(writer, fact.folders, (folder) => writeUidRanges(writer.varint(folder.folderId), folder.ranges));
    },
    read: (reader) => ({
      type: 'RetainedPurged',
      folders: readList(reader, () => ({ folderId: reader.varint(), ranges: readUidRanges(reader) })),
    }),
  },
  RetainedRestored: {
    kind: 16,
    write(writer, fact) {
      writer.varint(fact.targetFolderId);
      writeList(writer, fact.messages, (message) =>
        writer.varint(message.folderId).varint(message.uid).varint(message.targetUid),
      );
    },
    read: (reader) => ({
      type: 'RetainedRestored',
      targetFolderId: reader.varint(),
      messages: readList(reader, () => ({
        folderId: reader.varint(),
        uid: readUid(reader),
        targetUid: readUid(reader),
      })),
    }),
  },
  MailboxLimitsSet: {
    kind: 17,
    write(writer, fact) {
      const { retentionMs, warningBytes, storageBytes, messages } = fact.limits;
      writer.varint(fact.mailboxId);
      for (const limit of [retentionMs, warningBytes, storageBytes, messages]) writeOptionalNumber(writer, limit);
    },
    read: (reader) => ({
      type: 'MailboxLimitsSet',
      mailboxId: reader.varint(),
      limits: {
        retentionMs: readOptionalNumber(reader),
        warningBytes: readOptionalNumber(reader),
        storageBytes: readOptionalNumber(reader),
        messages: readOptionalNumber(reader),
      },
    }),
  },
  RightsSet: {
    kind: 18,
    write(writer, fact) {
      writer.varint(fact.folderId).varint(fact.granteeId).string(fact.rights);
    },
    read: (reader) => ({
      type: 'RightsSet',
      folderId: reader.varint(),
      granteeId: reader.varint(),
      rights: reader.string(),
    }),
  },
  AnnotationsSet: {
    kind: 19,
    write(writer, fact) {
      writer.varint(fact.mailboxId).varint(fact.folderId).varint(fact.ownerId);
      writeList(writer, fact.values, ({ name, value }) => {
        writeBoolean(writer.string(name), value !== null);
        if (value !== null) writer.bytes(value);
      });
    },
    read: (reader) => ({
      type: 'AnnotationsSet',
      mailboxId: reader.varint(),
      folderId: reader.varint(),
      ownerId: reader.varint(),
      values: readList(reader, () => ({
        name: reader.string(),
        value: readBoolean(reader) ? reader.bytes() : null,
      })),
    }),
  },
};

function writeOptionalNumber(writer: ByteWriter, value: number | null): void {
  writeBoolean(writer, value !== null);
  if (value !== null) writer.varint(value);
}

function readOptionalNumber(reader: ByteReader): number | null {
  return readBoolean(reader) ? reader.varint() : null;
}
