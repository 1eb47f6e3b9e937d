/**
 * What hub, access and administration say to a storage group's copies. Every host with a copy has one endpoint for it;
 * the first frame on a channel names the service that the channel is for, so that the copy's process needs one port.
 * Deliveries are binary (mail/delivery.ts); all other bodies are small and are JSON, checked at both ends (by valibot and not
 * by zod: the process of a copy holds 12 MB less).
 */
import * as v from 'valibot';
import { Problem } from '../base/problem.ts';
import { directoryLimits } from './limits.ts';

export function copyEndpoint(host: string, storageGroup: string): string {
  return `${host}/copy/${storageGroup}`;
}

/** The name of a copy's service, and whatever that service wants to know at the start. */
export interface CopyHello {
  readonly service: string;
  readonly [field: string]: unknown;
}

export const MAIL_SERVICE = 'mail';
export const IMAP_SERVICE = 'imap';

const helloSchema = v.looseObject({ service: v.pipe(v.string(), v.maxLength(64)) });

export function encodeHello(hello: CopyHello): Buffer {
  return Buffer.from(JSON.stringify(hello));
}

/** Problem('Malformed'). Fields beside the service are as the other side sent them: the service checks its own. */
export function decodeHello(frame: Uint8Array): CopyHello {
  return decodeBody(helloSchema, frame);
}

/** Methods of the mail service. */
export const copyMethods = {
  deliver: 'deliver',
  resolve: 'resolve',
  credential: 'credential',
  mailboxes: 'mailboxes',
  createMailbox: 'create-mailbox',
  /** For administrators: all that may be shown of every mailbox. */
  listMailboxes: 'list-mailboxes',
  setCredential: 'set-credential',
  limits: 'get-limits',
  setLimits: 'set-limits',
  deletedItems: 'deleted-items',
  restoreItems: 'restore-items',
  /** For a restore. */
  contents: 'mailbox-contents',
  /** Its body is binary (mailbox-merge.ts). */
  importMessages: 'import-messages',
  subscribe: 'subscribe',
  /** From a copy's quarantine; its body is binary (returned-mail.ts). */
  returnMessage: 'return-message',
  ping: 'ping',
  /** A notice, from the copy. */
  copyState: 'copy-state',
} as const;

const address = v.pipe(v.string(), v.maxLength(1_024));
const credential = v.nullable(v.pipe(v.string(), v.maxLength(directoryLimits.maxCredentialCharacters)));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

export const copyStateSchema = v.strictObject({
  storageGroup: v.string(),
  host: v.string(),
  active: v.boolean(),
  epoch: count,
  /** The takeover that began this epoch may have lost records: what a hub still holds should be delivered once more. */
  lossy: v.boolean(),
  /** How it commits; what a hub must keep follows from it. */
  mode: v.picklist(['sync', 'sync-strict', 'async']),
});
export type CopyState = v.InferOutput<typeof copyStateSchema>;

export const resolveQuestionSchema = v.strictObject({
  addresses: v.pipe(v.array(address), v.maxLength(directoryLimits.maxAddressesPerQuestion)),
});
export const resolveAnswerSchema = v.strictObject({ known: v.array(v.boolean()) });

export const credentialQuestionSchema = v.strictObject({ address });
export const credentialAnswerSchema = v.strictObject({
  found: v.nullable(v.strictObject({ mailboxId: count, address, phc: credential })),
});

/** `digest` is what the asker has; addresses come only when the list is another one. */
export const mailboxesQuestionSchema = v.strictObject({ digest: v.pipe(v.string(), v.maxLength(64)) });
export const mailboxesAnswerSchema = v.strictObject({
  digest: v.pipe(v.string(), v.maxLength(64)),
  addresses: v.nullable(v.pipe(v.array(address), v.maxLength(directoryLimits.maxMailboxes))),
});

export const createMailboxQuestionSchema = v.strictObject({
  address,
  displayName: v.pipe(v.string(), v.maxLength(directoryLimits.maxDisplayNameCharacters)),
  credential,
});

export const setCredentialQuestionSchema = v.strictObject({ address, credential });

/** Without an address: the storage group's defaults. */
export const limitsQuestionSchema = v.strictObject({ address: v.nullable(address) });

const limit = v.optional(v.nullable(count));
export const setLimitsQuestionSchema = v.strictObject({
  address: v.nullable(address),
  limits: v.strictObject({ retentionMs: limit, warningBytes: limit, storageBytes: limit, messages: limit }),
});

export const deletedItemsQuestionSchema = v.strictObject({
  address,
  limit: v.pipe(count, v.maxValue(directoryLimits.maxItemsPerQuestion)),
});

/** Without items: all of them, up to the bound. Without a name: where they were. */
export const restoreItemsQuestionSchema = v.strictObject({
  address,
  items: v.nullable(
    v.pipe(v.array(v.strictObject({ folderId: count, uid: count })), v.maxLength(directoryLimits.maxItemsPerQuestion)),
  ),
  folderName: v.nullable(v.pipe(v.string(), v.maxLength(directoryLimits.maxFolderNameCharacters))),
});

export const subscribeQuestionSchema = v.strictObject({
  address,
  folderNames: v.pipe(
    v.array(v.pipe(v.string(), v.maxLength(directoryLimits.maxFolderNameCharacters))),
    v.maxLength(directoryLimits.maxSubscriptionsPerQuestion),
  ),
});

export const contentsQuestionSchema = v.strictObject({ address, afterFolderId: count, afterUid: count });
export const contentsAnswerSchema = v.strictObject({
  messages: v.pipe(
    v.array(
      v.strictObject({
        folderId: count,
        folderName: v.string(),
        uid: count,
        sizeBytes: count,
        crc32: count,
        internalDateMs: v.pipe(v.number(), v.safeInteger()),
      }),
    ),
    v.maxLength(directoryLimits.maxContentsPerQuestion),
  ),
  isEnd: v.boolean(),
});
export type MailboxContents = v.InferOutput<typeof contentsAnswerSchema>;

export function encodeBody(body: object): Buffer {
  return Buffer.from(JSON.stringify(body));
}

/** Problem('Malformed') */
export function decodeBody<T>(schema: v.GenericSchema<unknown, T>, body: Uint8Array): T {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
  } catch (error) {
    throw new Problem('Malformed', 'Cannot read a body: it is not JSON', { cause: error });
  }
  const result = v.safeParse(schema, value);
  if (!result.success) {
    const field = v.getDotPath(result.issues[0]) ?? 'the whole body';
    throw new Problem('Malformed', `Cannot read a body: ${field} is not as agreed`);
  }
  return result.output;
}
