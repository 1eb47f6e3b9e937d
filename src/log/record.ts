/**
 * One record as it stands in a log file, little endian, padded with zeros to a multiple of 8 bytes:
 *
 *     0  length       u32  bytes of the record with this head, without the padding; 0 = no record here
 *     4  crc          u32  over length, then everything behind this field, padding included; seeded with the salt
 *     8  chain        u32  crc of the record before; for a file's first record, crc of the file's header
 *    12  kind         u16
 *    14  reserved     u16  0
 *    16  lsn          u64
 *    24  durableUpTo  u64  everything up to here had been durable (and could have been answered) when this was written
 *    32  payload
 *
 * The crc is not chained but covers the chain: a record can be checked alone, wherever it is found, and equal crcs of
 * two records still prove equal histories. The salt is the checksum of the stream's random signature. It keeps a mail
 * from carrying bytes that recovery takes for a record: nobody outside knows it.
 *
 * A file that is written again still holds older records behind its end. They are never taken for new ones: their LSNs
 * are lower. But where the end is must be told from a record that was torn, so each write there ends with a mark of 8
 * bytes, which the next record overwrites: a length of 0, then a checksum of what that record will chain to.
 */
import { assert } from '../base/assert.ts';
import { crc32 } from '../base/checksum.ts';
import { MAX_PAYLOAD_BYTES } from './limits.ts';

export const RECORD_HEAD_BYTES = 32;
export const RECORD_ALIGNMENT_BYTES = 8;
export const END_MARK_BYTES = 8;
export const MAX_FRAME_BYTES = RECORD_HEAD_BYTES + MAX_PAYLOAD_BYTES;

export interface RecordFields {
  chain: number;
  kind: number;
  lsn: number;
  durableUpTo: number;
  payload: Uint8Array;
}

export interface LogRecord extends RecordFields {
  payload: Buffer;
  crc: number;
  /** The whole record as in the file, padding included. `payload` is a view of it. */
  frame: Buffer;
}

/** What stands at a place in a file. `partial`: plausible, but the bytes end before the record does. */
export type Decoded =
  | { state: 'record'; record: LogRecord }
  | { state: 'none' }
  | { state: 'partial'; frameBytes: number }
  | { state: 'bad' };

/** Bytes a record takes in a file, its padding included. */
export function frameBytes(payloadBytes: number): number {
  return padded(RECORD_HEAD_BYTES + payloadBytes);
}

export function encodeRecord(fields: RecordFields, salt: number): Buffer {
  const { payload } = fields;
  assert(payload.length <= MAX_PAYLOAD_BYTES, `Too long for a record: ${payload.length} bytes`);
  const length = RECORD_HEAD_BYTES + payload.length;
  // Not from the shared pool: a frame is kept for a while, and would keep the whole slab with what else is in it.
  const frame = Buffer.allocUnsafeSlow(padded(length));
  frame.writeUInt32LE(length, 0);
  frame.writeUInt32LE(fields.chain, 8);
  frame.writeUInt16LE(fields.kind, 12);
  frame.writeUInt16LE(0, 14);
  writeU64(frame, fields.lsn, 16);
  writeU64(frame, fields.durableUpTo, 24);
  frame.set(payload, RECORD_HEAD_BYTES);
  frame.fill(0, length);
  frame.writeUInt32LE(frameCrc(frame, salt), 4);
  return frame;
}

/** Reads the record at `position`. Allocates nothing: frame and payload are views of `bytes`. */
export function decodeRecord(bytes: Buffer, position: number, salt: number): Decoded {
  const left = bytes.length - position;
  if (left < 4)
    return left === 0 || bytes.subarray(position).every((byte) => byte === 0) ? { state: 'none' } : { state: 'bad' };
  const length = bytes.readUInt32LE(position);
  if (length === 0) return { state: 'none' };
  if (length < RECORD_HEAD_BYTES || length > MAX_FRAME_BYTES) return { state: 'bad' };
  if (padded(length) > left) return { state: 'partial', frameBytes: padded(length) };
  const frame = bytes.subarray(position, position + padded(length));
  if (frame.readUInt32LE(4) !== frameCrc(frame, salt)) return { state: 'bad' };
  const record = readFrame(frame);
  return Number.isSafeInteger(record.lsn) && Number.isSafeInteger(record.durableUpTo)
    ? { state: 'record', record }
    : { state: 'bad' };
}

/** The fields of a frame that was already checked: one that `encodeRecord`, a `TransactionLog` or a reader gave out. */
export function readFrame(frame: Buffer): LogRecord {
  return {
    frame,
    crc: frame.readUInt32LE(4),
    chain: frame.readUInt32LE(8),
    kind: frame.readUInt16LE(12),
    lsn: readU64(frame, 16),
    durableUpTo: readU64(frame, 24),
    payload: frame.subarray(RECORD_HEAD_BYTES, frame.readUInt32LE(0)),
  };
}

/** What stands behind the last record of a file that is written again, unless the file is full. */
export function encodeEndMark(chain: number, salt: number): Buffer {
  const mark = Buffer.alloc(END_MARK_BYTES);
  mark.writeUInt32LE(chain, 4);
  mark.writeUInt32LE(crc32(mark, salt), 4);
  return mark;
}

export function isEndMark(bytes: Buffer, position: number, chain: number, salt: number): boolean {
  return bytes.subarray(position, position + END_MARK_BYTES).equals(encodeEndMark(chain, salt));
}

export function saltOf(signature: Uint8Array): number {
  return crc32(signature);
}

function frameCrc(frame: Buffer, salt: number): number {
  return crc32(frame.subarray(8), crc32(frame.subarray(0, 4), salt));
}

function padded(length: number): number {
  return Math.ceil(length / RECORD_ALIGNMENT_BYTES) * RECORD_ALIGNMENT_BYTES;
}

export function writeU64(bytes: Buffer, value: number, at: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, `Not a safe unsigned integer: ${value}`);
  bytes.writeUInt32LE(value % 0x1_0000_0000, at);
  bytes.writeUInt32LE(Math.floor(value / 0x1_0000_0000), at + 4);
}

export function readU64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 4) * 0x1_0000_0000 + bytes.readUInt32LE(at);
}
