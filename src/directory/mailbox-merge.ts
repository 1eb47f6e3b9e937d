/**
 * What a restore asks of the active copy: which messages a mailbox holds, and to take some of a backup in. They come in as
 * a client's APPEND would bring them, by ordinary records, so they reach every copy and count for the limits; those that
 * were delivered once bring along by whom and from where.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { Problem } from '../base/problem.ts';
import type { RpcHandler } from '../base/rpc.ts';
import { MAX_KEYWORDS, MAX_UID } from '../mail/limits.ts';
import { parseMessage } from '../mail/mime.ts';
import { readDate, readOptionalString, writeDate, writeOptionalString } from '../store/fact-fields.ts';
import type { Folder, MailStore, MessageSource, NewMessage } from '../store/mail-store.ts';
import {
  contentsQuestionSchema,
  copyMethods,
  decodeBody,
  encodeBody,
  type MailboxContents,
  subscribeQuestionSchema,
} from './copy-protocol.ts';
import { directoryLimits } from './limits.ts';

export type MergedStore = Pick<
  MailStore,
  | 'settled'
  | 'mailboxByAddress'
  | 'folders'
  | 'folderByName'
  | 'createFolder'
  | 'subscriptions'
  | 'setSubscribed'
  | 'messages'
  | 'checksum'
  | 'append'
>;

/** Messages for one folder of a mailbox, which is made when it is not there. */
export interface MessageImport {
  readonly address: string;
  readonly folderName: string;
  readonly messages: readonly Omit<NewMessage, 'structure'>[];
}

export function mergeHandlers(activeStore: () => MergedStore): Readonly<Record<string, RpcHandler>> {
  return {
    [copyMethods.contents]: async (body) => {
      const store = activeStore();
      const contents = contentsOf(store, decodeBody(contentsQuestionSchema, body));
      await store.settled();
      return encodeBody(contents);
    },
    [copyMethods.importMessages]: async (body) => {
      const store = activeStore();
      const { address, folderName, messages } = decodeImport(body);
      const folder = await folderFor(store, mailboxId(store, address), folderName);
      const parsed = messages.map((message) => ({ ...message, structure: parseMessage(message.bytes) }));
      const { uids } = await store.append(folder.id, parsed);
      await store.settled();
      return encodeBody({ imported: uids.length });
    },
    [copyMethods.subscribe]: async (body) => {
      const store = activeStore();
      const { address, folderNames } = decodeBody(subscribeQuestionSchema, body);
      const mailbox = mailboxId(store, address);
      const subscribed = new Set(store.subscriptions(mailbox));
      for (const name of folderNames) if (!subscribed.has(name)) await store.setSubscribed(mailbox, name, true);
      await store.settled();
      return encodeBody({ subscribed: folderNames.length });
    },
  };
}

/** A page: messages behind the one that is named, in the order of folders and UIDs. */
function contentsOf(
  store: MergedStore,
  { address, afterFolderId, afterUid }: { address: string; afterFolderId: number; afterUid: number },
): MailboxContents {
  const folders = store.folders(mailboxId(store, address)).toSorted((one, other) => one.id - other.id);
  const messages: MailboxContents['messages'] = [];
  for (const { id, name } of folders.filter((folder) => folder.id >= afterFolderId)) {
    const room = directoryLimits.maxContentsPerQuestion - messages.length;
    if (room === 0) break;
    const first = id === afterFolderId ? afterUid + 1 : 1;
    for (const { uid, bodyId, sizeBytes, internalDateMs } of store.messages(id, first, MAX_UID, room))
      messages.push({ folderId: id, folderName: name, uid, sizeBytes, crc32: store.checksum(bodyId), internalDateMs });
  }
  return { messages, isEnd: messages.length < directoryLimits.maxContentsPerQuestion };
}

export function mailboxId(store: MergedStore, address: string): number {
  const mailbox = store.mailboxByAddress(address);
  if (mailbox !== undefined) return mailbox.id;
  throw new Problem('MailboxNotFound', `Cannot find mailbox ${JSON.stringify(address)}: there is none here.`);
}

/** A new one is subscribed, or its owner's client would not show what came back. */
export async function folderFor(store: MergedStore, mailbox: number, name: string): Promise<Folder> {
  const found = store.folderByName(mailbox, name);
  if (found !== undefined) return found;
  const made = await store.createFolder(mailbox, name);
  await store.setSubscribed(mailbox, made.name, true);
  return made;
}

export function encodeImport({ address, folderName, messages }: MessageImport): Buffer {
  const roomBytes = messages.reduce((sum, { bytes, source }) => sum + bytes.length + roomFor(source) + 256, 4_096);
  const writer = new ByteWriter(roomBytes).string(address).string(folderName).varint(messages.length);
  for (const { flags, keywords, internalDateMs, bytes, source } of messages) {
    writer.u32(flags).varint(keywords.length);
    for (const keyword of keywords) writer.string(keyword);
    writeDate(writer, internalDateMs).bytes(bytes);
    writeOptionalString(writer, source?.sender ?? null);
    writeOptionalString(writer, source?.trace ?? null);
  }
  return writer.finish();
}

function roomFor(source: MessageSource | undefined): number {
  return 4 * ((source?.sender?.length ?? 0) + (source?.trace?.length ?? 0));
}

/** Problem('Malformed') */
export function decodeImport(encoded: Uint8Array): MessageImport {
  const reader = new ByteReader(encoded);
  const address = reader.string();
  const folderName = reader.string();
  const messages = Array.from({ length: countWithin(reader, directoryLimits.maxImportedMessages) }, () => ({
    flags: reader.u32(),
    keywords: Array.from({ length: countWithin(reader, MAX_KEYWORDS) }, () => reader.string()),
    internalDateMs: readDate(reader),
    bytes: Buffer.from(reader.bytes()),
    source: { sender: readOptionalString(reader), trace: readOptionalString(reader) },
  }));
  reader.end();
  return { address, folderName, messages };
}

function countWithin(reader: ByteReader, limit: number): number {
  const count = reader.count();
  if (count > limit) throw new Problem('Malformed', `Cannot read a list: ${count} items exceed ${limit}`);
  return count;
}
