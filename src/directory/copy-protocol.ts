/**
 * What hub, access and administration say to a storage group's copies. Every host with a copy has one endpoint for it;
 * the first frame on a channel names the service that the channel is for, so that the copy's process needs one port.
 * Deliveries are binary (mail/delivery.ts); all other bodies are small and are JSON, checked at both ends.
 */
import { z } from 'zod';
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

const helloSchema = z.looseObject({ service: z.string().max(64) });

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
  ping: 'ping',
  /** A notice, from the copy. */
  copyState: 'copy-state',
} as const;

const address = z.string().max(1_024);
const credential = z.string().max(directoryLimits.maxCredentialCharacters).nullable();

export const copyStateSchema = z.strictObject({
  storageGroup: z.string(),
  host: z.string(),
  active: z.boolean(),
  epoch: z.int().min(0),
  /** The takeover that began this epoch may have lost records: what a hub still holds should be delivered once more. */
  lossy: z.boolean(),
  /** How it commits; what a hub must keep follows from it. */
  mode: z.enum(['sync', 'sync-strict', 'async']),
});
export type CopyState = z.infer<typeof copyStateSchema>;

export const resolveQuestionSchema = z.strictObject({
  addresses: z.array(address).max(directoryLimits.maxAddressesPerQuestion),
});
export const resolveAnswerSchema = z.strictObject({ known: z.array(z.boolean()) });

export const credentialQuestionSchema = z.strictObject({ address });
export const credentialAnswerSchema = z.strictObject({
  found: z.strictObject({ mailboxId: z.int(), address, phc: credential }).nullable(),
});

/** `digest` is what the asker has; addresses come only when the list is another one. */
export const mailboxesQuestionSchema = z.strictObject({ digest: z.string().max(64) });
export const mailboxesAnswerSchema = z.strictObject({
  digest: z.string().max(64),
  addresses: z.array(address).max(directoryLimits.maxMailboxes).nullable(),
});

export const createMailboxQuestionSchema = z.strictObject({
  address,
  displayName: z.string().max(directoryLimits.maxDisplayNameCharacters),
  credential,
});
export const mailboxAnswerSchema = z.strictObject({
  id: z.int(),
  guid: z.string(),
  address,
  displayName: z.string(),
  hasCredential: z.boolean(),
  createdMs: z.number(),
});

export const setCredentialQuestionSchema = z.strictObject({ address, credential });

export function encodeBody(body: object): Buffer {
  return Buffer.from(JSON.stringify(body));
}

/** Problem('Malformed') */
export function decodeBody<T>(schema: z.ZodType<T>, body: Uint8Array): T {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
  } catch (error) {
    throw new Problem('Malformed', 'Cannot read a body: it is not JSON', { cause: error });
  }
  const result = schema.safeParse(value);
  if (!result.success) {
    const field = result.error.issues[0]?.path.join('.') || 'the whole body';
    throw new Problem('Malformed', `Cannot read a body: ${field} is not as agreed`);
  }
  return result.data;
}
