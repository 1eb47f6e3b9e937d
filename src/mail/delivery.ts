/**
 * A message on its way into mailboxes: what the hub hands to a storage group, what its queue keeps, and what comes
 * back. One binary form serves the wire and the hub's log, so a message that waited in the queue arrives exactly as
 * it would have at first.
 */
import { assert } from '../base/assert.ts';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { Problem } from '../base/problem.ts';

export interface Delivery {
  /** 16 bytes; the same for every attempt to deliver this message to these recipients. */
  readonly deliveryId: Buffer;
  /** When the hub accepted it; the same for every attempt. */
  readonly acceptedMs: number;
  /** Envelope sender, '' for the null sender. */
  readonly sender: string;
  /** Envelope recipients as given. */
  readonly recipients: readonly string[];
  /** What a Received field would say; kept beside the message, never inserted into it. */
  readonly trace: string;
  readonly bytes: Buffer;
  /** encodeStructure(parseMessage(bytes)), made by the hub. */
  readonly structure: Buffer;
}

export type DeliveryResult =
  | { readonly recipient: string; readonly outcome: 'delivered' | 'duplicate' }
  | { readonly recipient: string; readonly outcome: 'refused'; readonly code: string; readonly message: string };

export const deliveryLimits = {
  idBytes: 16,
  maxRecipients: 1_000,
  /** An address has at most 254 octets (RFC 5321 4.5.3.1.3); SMTPUTF8 and quoting stay below twice that. */
  maxAddressBytes: 512,
  maxTraceBytes: 4_096,
  maxMessageBytes: 64 * 1024 * 1024,
  maxStructureBytes: 64 * 1024 * 1024,
  /** Code and message of one refusal. */
  maxReasonBytes: 1_024,
};

const FORMAT = 1;
const OUTCOMES = ['delivered', 'duplicate', 'refused'] as const;

/** Format u8 · id 16 bytes · acceptedMs u64 · sender · recipients · trace · structure · bytes; each run with its length. */
export function encodeDelivery(delivery: Delivery): Buffer {
  assert(delivery.deliveryId.length === deliveryLimits.idBytes, 'A delivery id has 16 bytes');
  assert(delivery.recipients.length <= deliveryLimits.maxRecipients, 'A delivery has a bounded number of recipients');
  const roomForTexts = 64 + 4 * (delivery.sender.length + delivery.trace.length) + 520 * delivery.recipients.length;
  const writer = new ByteWriter(roomForTexts + delivery.structure.length + delivery.bytes.length);
  writer.u8(FORMAT).raw(delivery.deliveryId).u64(delivery.acceptedMs);
  writer.string(delivery.sender).varint(delivery.recipients.length);
  for (const recipient of delivery.recipients) writer.string(recipient);
  return writer.string(delivery.trace).bytes(delivery.structure).bytes(delivery.bytes).finish();
}

/** Problem('Malformed'). Message, structure and id are views into `encoded`, not copies. */
export function decodeDelivery(encoded: Uint8Array): Delivery {
  const reader = new ByteReader(encoded);
  expectFormat(reader, 'delivery');
  const deliveryId = reader.raw(deliveryLimits.idBytes);
  const acceptedMs = reader.u64();
  const sender = boundedString(reader, deliveryLimits.maxAddressBytes, 'sender');
  const recipients = readRecipients(reader);
  const trace = boundedString(reader, deliveryLimits.maxTraceBytes, 'trace');
  const structure = boundedBytes(reader, deliveryLimits.maxStructureBytes, 'structure');
  const bytes = boundedBytes(reader, deliveryLimits.maxMessageBytes, 'message');
  reader.end();
  return { deliveryId, acceptedMs, sender, recipients, trace, bytes, structure };
}

/** The id alone, for whoever only needs to know which message it is. Problem('Malformed') */
export function deliveryIdOf(encoded: Uint8Array): Buffer {
  const reader = new ByteReader(encoded);
  expectFormat(reader, 'delivery');
  return reader.raw(deliveryLimits.idBytes);
}

export function encodeDeliveryResults(results: readonly DeliveryResult[]): Buffer {
  assert(results.length <= deliveryLimits.maxRecipients, 'A delivery has a bounded number of recipients');
  const writer = new ByteWriter(16 + 64 * results.length).u8(FORMAT).varint(results.length);
  for (const result of results) {
    writer.string(result.recipient).u8(OUTCOMES.indexOf(result.outcome));
    if (result.outcome === 'refused') writer.string(result.code).string(result.message);
  }
  return writer.finish();
}

/** Problem('Malformed') */
export function decodeDeliveryResults(encoded: Uint8Array): readonly DeliveryResult[] {
  const reader = new ByteReader(encoded);
  expectFormat(reader, 'delivery result');
  const count = boundedCount(reader);
  const results: DeliveryResult[] = [];
  for (let index = 0; index < count; index++) results.push(readResult(reader));
  reader.end();
  return results;
}

function readResult(reader: ByteReader): DeliveryResult {
  const recipient = boundedString(reader, deliveryLimits.maxAddressBytes, 'recipient');
  const outcome = OUTCOMES[reader.u8()];
  if (outcome === undefined) throw new Problem('Malformed', 'Cannot read a delivery result: unknown outcome');
  if (outcome !== 'refused') return { recipient, outcome };
  const code = boundedString(reader, deliveryLimits.maxReasonBytes, 'code');
  const message = boundedString(reader, deliveryLimits.maxReasonBytes, 'reason');
  return { recipient, outcome, code, message };
}

function readRecipients(reader: ByteReader): string[] {
  const count = boundedCount(reader);
  const recipients: string[] = [];
  for (let index = 0; index < count; index++) {
    recipients.push(boundedString(reader, deliveryLimits.maxAddressBytes, 'recipient'));
  }
  return recipients;
}

function expectFormat(reader: ByteReader, what: string): void {
  const format = reader.u8();
  if (format !== FORMAT) throw new Problem('Malformed', `Cannot read a ${what}: format ${format} is unknown here`);
}

function boundedCount(reader: ByteReader): number {
  const count = reader.count();
  if (count > deliveryLimits.maxRecipients) {
    throw new Problem(
      'Malformed',
      `Cannot read ${count} recipients: at most ${deliveryLimits.maxRecipients} are allowed`,
    );
  }
  return count;
}

function boundedBytes(reader: ByteReader, maxBytes: number, what: string): Buffer {
  const length = reader.varint();
  if (length > maxBytes) throw new Problem('Malformed', `Cannot read the ${what}: ${length} bytes exceed ${maxBytes}`);
  return reader.raw(length);
}

function boundedString(reader: ByteReader, maxBytes: number, what: string): string {
  return boundedBytes(reader, maxBytes, what).toString('utf8');
}
