/**
 * A log file: a header of 4 KiB, then records, then zeros, or, in a file that is written again, an end mark and what it
 * held before. The header ties the file to the one before it (generation, creation time, log end and chain value), so
 * that a file that is missing, swapped, doubled or from another storage group is seen from the headers alone, and so that
 * recovery knows where an older file ends without reading it.
 *
 *     0  "HFLOG\0\0\0"          40  firstLsn       u64        80  sizeBytes  u32  of the file, as prepared
 *     8  format        u32      48  previousLsn    u64        84  crc        u32  over 0..84, then 88..4096
 *    12  signature     16 B     56  createdMs      u64        88  zeros
 *    28  generation    u32      64  previousMs     u64
 *    32  epoch         u32      72  previousChain  u32
 *    36  reserved      u32      76  reserved       u32
 *
 * Every file belongs to one epoch: an epoch begins with a file.
 */
import { crc32 } from '../base/checksum.ts';
import { Problem } from '../base/problem.ts';
import { FILE_BLOCK_BYTES, MAX_PAYLOAD_BYTES } from './limits.ts';
import { epochOf, MAX_EPOCH, makeLsn } from './lsn.ts';
import { readU64, saltOf, writeU64 } from './record.ts';

export const LOG_HEADER_BYTES = 4096;
export const SIGNATURE_BYTES = 16;
export const OPEN_NAME = 'E00.log';
export const MAX_GENERATION = 0xffff_ffff;

const MAGIC = Buffer.from('HFLOG\0\0\0', 'latin1');
const FORMAT = 1;
const CRC_AT = 84;
const MAX_FILE_BYTES = MAX_PAYLOAD_BYTES + 4 * LOG_HEADER_BYTES;

export interface LogFileHeader {
  /** 16 random bytes, the same in all files of one storage group's stream, on all copies. */
  signature: Buffer;
  /** 1 for the first file of the stream, one more for each that follows. */
  generation: number;
  epoch: number;
  /** The first record's LSN: `epoch:1`, or one more than `previousLsn` if that is of the same epoch. */
  firstLsn: number;
  /** Where the log ended when this file was started; 0 at the very beginning. */
  previousLsn: number;
  /** crc of the last record before this file, of the previous file's header if that file was empty, 0 if there was none. */
  previousChain: number;
  createdMs: number;
  previousCreatedMs: number;
  sizeBytes: number;
  /** The chain value that the first record of this file carries. */
  crc: number;
}

export function encodeHeader(fields: Omit<LogFileHeader, 'crc'>): Buffer {
  const bytes = Buffer.alloc(LOG_HEADER_BYTES);
  MAGIC.copy(bytes, 0);
  bytes.writeUInt32LE(FORMAT, 8);
  fields.signature.copy(bytes, 12, 0, SIGNATURE_BYTES);
  bytes.writeUInt32LE(fields.generation, 28);
  bytes.writeUInt32LE(fields.epoch, 32);
  writeU64(bytes, fields.firstLsn, 40);
  writeU64(bytes, fields.previousLsn, 48);
  writeU64(bytes, fields.createdMs, 56);
  writeU64(bytes, fields.previousCreatedMs, 64);
  bytes.writeUInt32LE(fields.previousChain, 72);
  bytes.writeUInt32LE(fields.sizeBytes, 80);
  bytes.writeUInt32LE(headerCrc(bytes), CRC_AT);
  return bytes;
}

/** The header at the beginning of `bytes`; `undefined` if there is none that is whole. Problem `LogFormat` if it is newer than us. */
export function decodeHeader(bytes: Buffer): LogFileHeader | undefined {
  if (bytes.length < LOG_HEADER_BYTES) return undefined;
  const head = bytes.subarray(0, LOG_HEADER_BYTES);
  if (!head.subarray(0, MAGIC.length).equals(MAGIC) || head.readUInt32LE(CRC_AT) !== headerCrc(head)) return undefined;
  const format = head.readUInt32LE(8);
  if (format !== FORMAT) {
    throw new Problem(
      'LogFormat',
      `Cannot read a log file: its format is ${format}, this version reads ${FORMAT}. Use the version that wrote it.`,
    );
  }
  // Memory of its own: 16 bytes of the shared pool would keep a whole slab of it for as long as the file is known.
  const signature = Buffer.allocUnsafeSlow(SIGNATURE_BYTES);
  head.copy(signature, 0, 12);
  const header = {
    signature,
    generation: head.readUInt32LE(28),
    epoch: head.readUInt32LE(32),
    firstLsn: readU64(head, 40),
    previousLsn: readU64(head, 48),
    createdMs: readU64(head, 56),
    previousCreatedMs: readU64(head, 64),
    previousChain: head.readUInt32LE(72),
    sizeBytes: head.readUInt32LE(80),
    crc: head.readUInt32LE(CRC_AT),
  };
  return isPlausible(header) ? header : undefined;
}

/** Our own headers always are; one from the network or the disk is asked before anything relies on it. */
function isPlausible(header: LogFileHeader): boolean {
  return (
    header.generation >= 1 &&
    header.epoch >= 1 &&
    header.epoch <= MAX_EPOCH &&
    Number.isSafeInteger(header.previousLsn) &&
    header.firstLsn === firstLsnAfter(header.previousLsn, header.epoch) &&
    header.sizeBytes > LOG_HEADER_BYTES &&
    header.sizeBytes <= MAX_FILE_BYTES &&
    header.sizeBytes % FILE_BLOCK_BYTES === 0
  );
}

/** The first LSN of a file of `epoch` that follows a log ending at `previousLsn`. */
export function firstLsnAfter(previousLsn: number, epoch: number): number {
  return epochOf(previousLsn) === epoch ? previousLsn + 1 : makeLsn(epoch, 1);
}

function headerCrc(bytes: Buffer): number {
  return crc32(bytes.subarray(CRC_AT + 4, LOG_HEADER_BYTES), crc32(bytes.subarray(0, CRC_AT)));
}

export function closedName(generation: number): string {
  return `E00${generation.toString(16).padStart(8, '0')}.log`;
}

/** The generation that a closed file's name states; `undefined` for any other name. */
export function closedGeneration(name: string): number | undefined {
  const digits = /^E00([0-9a-f]{8})\.log$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

/** Names of the files that stand ready: `E00tmp.log` is the first, `E00tmp2.log` the second. */
export function preparedName(slot: number): string {
  return slot === 1 ? 'E00tmp.log' : `E00tmp${slot}.log`;
}

export function isPreparedName(name: string): boolean {
  return /^E00tmp\d*\.log$/.test(name);
}

export function reserveName(number: number): string {
  return `E00res${String(number).padStart(5, '0')}.jrs`;
}

/** What the log knows of a file while it is open. */
export interface LogFile {
  readonly header: LogFileHeader;
  readonly salt: number;
  /** The file's name in the folder now; `E00.log` becomes another one when it is closed. Not yet there: `undefined`. */
  name: string | undefined;
  /** Where the next record goes. */
  endBytes: number;
  /** Where the durable records end; never above `endBytes`. */
  durableBytes: number;
  /** The last record's LSN; `header.previousLsn` while the file is empty. */
  lastLsn: number;
  /** The last record's crc; `header.crc` while the file is empty. */
  endChain: number;
}

/** A file without records yet. */
export function emptyLogFile(header: LogFileHeader, name: string | undefined): LogFile {
  return {
    header,
    salt: saltOf(header.signature),
    name,
    endBytes: LOG_HEADER_BYTES,
    durableBytes: LOG_HEADER_BYTES,
    lastLsn: header.previousLsn,
    endChain: header.crc,
  };
}

/** The LSN that the next record of `file` must have. */
export function nextLsn(file: LogFile): number {
  return file.endBytes === LOG_HEADER_BYTES ? file.header.firstLsn : file.lastLsn + 1;
}

/** True when `header` may follow a log whose last file is `file`. */
export function follows(header: LogFileHeader, file: LogFile): boolean {
  return (
    header.signature.equals(file.header.signature) &&
    header.generation === file.header.generation + 1 &&
    header.epoch >= file.header.epoch &&
    header.previousLsn === file.lastLsn &&
    header.previousChain === file.endChain &&
    header.previousCreatedMs === file.header.createdMs
  );
}
