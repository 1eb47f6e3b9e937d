/**
 * The record kinds of the hub's own log, one per storage group. Three facts are enough: a message came in, the active
 * copy of an epoch has it, the log was made.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { deliveryLimits } from '../mail/delivery.ts';

export const queueRecordKinds = {
  /** No payload: a log begins with a record. */
  started: 1,
  /** encodeDelivery's bytes. A second one with the same id replaces the first: the message was moved forward. */
  messageQueued: 2,
  /** Delivery id · epoch of the copy that has it, 0 when it was withdrawn because the client was told no · retained u8. */
  messageConfirmed: 3,
} as const;

export interface Confirmation {
  readonly deliveryId: Buffer;
  readonly epoch: number;
  /** It belongs to the dumpster from now on. */
  readonly retained: boolean;
}

export function encodeConfirmation(confirmation: Confirmation): Buffer {
  return new ByteWriter(32)
    .raw(confirmation.deliveryId)
    .u64(confirmation.epoch)
    .u8(confirmation.retained ? 1 : 0)
    .finish();
}

/** Problem('Malformed') */
export function decodeConfirmation(payload: Uint8Array): Confirmation {
  const reader = new ByteReader(payload);
  const deliveryId = reader.raw(deliveryLimits.idBytes);
  const epoch = reader.u64();
  const retained = reader.u8() === 1;
  reader.end();
  return { deliveryId, epoch, retained };
}
