/**
 * Walking through the records of one file's bytes, and looking behind the place where the walk ended. The second is what
 * tells a torn tail from damage: a record that stands behind the gap and says that the gap was durable when it was written.
 */
import type { Damage } from './damage.ts';
import { MAX_EVIDENCE_FACTOR } from './limits.ts';
import { LOG_HEADER_BYTES, type LogFile, nextLsn, OPEN_NAME } from './log-file.ts';
import {
  type Decoded,
  decodeRecord,
  isEndMark,
  type LogRecord,
  RECORD_ALIGNMENT_BYTES,
  RECORD_HEAD_BYTES,
} from './record.ts';

/**
 * Why a walk ended: zeros from here on (`zeros`), the end mark of a file that is written again (`mark`), something else
 * than the next record (`bad`), or the bytes did (`end`).
 */
export type ScanStop = 'zeros' | 'mark' | 'bad' | 'end';

/**
 * Moves `file`'s end behind the last record of `bytes` (the whole file) that continues it. `visit` gets every record.
 */
export function scanRecords(
  bytes: Buffer,
  file: LogFile,
  visit?: (record: LogRecord, position: number) => void,
): ScanStop {
  while (file.endBytes < bytes.length) {
    const position = file.endBytes;
    const decoded = decodeRecord(bytes, position, file.salt);
    if (decoded.state === 'none') return stopAt(bytes, file);
    const record = acceptRecord(file, decoded);
    if (record === undefined) return 'bad';
    visit?.(record, position);
  }
  return 'end';
}

function stopAt(bytes: Buffer, { endBytes, endChain, salt }: LogFile): ScanStop {
  if (isZeroFrom(bytes, endBytes)) return 'zeros';
  return isEndMark(bytes, endBytes, endChain, salt) ? 'mark' : 'bad';
}

/** Nothing stands behind the end of `file` but what a file that is written again held before. */
export function endsCleanly(bytes: Buffer, file: LogFile): boolean {
  return file.endBytes >= bytes.length || stopAt(bytes, file) !== 'bad';
}

/** The record, if it is the next one of `file`, whose end moves behind it. */
export function acceptRecord(file: LogFile, decoded: Decoded): LogRecord | undefined {
  if (decoded.state !== 'record') return undefined;
  const { record } = decoded;
  if (record.lsn !== nextLsn(file) || record.chain !== file.endChain) return undefined;
  file.endBytes += record.frame.length;
  file.durableBytes = file.endBytes;
  file.lastLsn = record.lsn;
  file.endChain = record.crc;
  return record;
}

export interface BehindGap {
  /** The first whole record behind the gap; `undefined` if there is none. */
  resumesAt: { position: number; lsn: number } | undefined;
  /** The highest LSN that records behind the gap state as durable. */
  durableUpTo: number;
  /** True if the bytes cost too much to search: then nothing may be concluded from finding nothing. */
  gaveUp: boolean;
}

/**
 * Searches `bytes` behind the end of `file` for later records of the same stream and epoch: whole in themselves, with a
 * number that fits between the gap and their place. Linear: the bytes that may be checksummed are bounded.
 */
export function searchBehindGap(bytes: Buffer, file: LogFile): BehindGap {
  const missing = nextLsn(file);
  const found: BehindGap = { resumesAt: undefined, durableUpTo: 0, gaveUp: false };
  let budget = (bytes.length - LOG_HEADER_BYTES) * MAX_EVIDENCE_FACTOR;
  let position = file.endBytes;
  while (position + RECORD_HEAD_BYTES <= bytes.length) {
    const candidate = plausibleLength(bytes, position, missing);
    if (candidate === 0) {
      position += RECORD_ALIGNMENT_BYTES;
      continue;
    }
    budget -= candidate;
    if (budget < 0) return { ...found, gaveUp: true };
    const decoded = decodeRecord(bytes, position, file.salt);
    if (decoded.state !== 'record') {
      position += RECORD_ALIGNMENT_BYTES;
      continue;
    }
    found.resumesAt ??= { position, lsn: decoded.record.lsn };
    found.durableUpTo = Math.max(found.durableUpTo, decoded.record.durableUpTo);
    position += decoded.record.frame.length;
  }
  return found;
}

/** The length that the bytes at `position` state, if their LSN is behind `missing` and no further than a file can hold. */
function plausibleLength(bytes: Buffer, position: number, missing: number): number {
  const length = bytes.readUInt32LE(position);
  if (length < RECORD_HEAD_BYTES || length > bytes.length - position) return 0;
  const lsn = bytes.readUInt32LE(position + 20) * 0x1_0000_0000 + bytes.readUInt32LE(position + 16);
  return lsn > missing && lsn - missing <= bytes.length / RECORD_HEAD_BYTES ? length : 0;
}

function isZeroFrom(bytes: Buffer, position: number): boolean {
  const rest = bytes.subarray(position);
  return rest.length === 0 || (rest[0] === 0 && rest.compare(rest, 0, rest.length - 1, 1) === 0);
}

/** The first damaged range behind the end of `file`: up to the next whole record, or to `lastLsn` and the end. */
export function damageBehind(bytes: Buffer, file: LogFile, evidence: string, lastLsn?: number): Damage {
  const { resumesAt } = searchBehindGap(bytes, file);
  return {
    file: file.name ?? OPEN_NAME,
    generation: file.header.generation,
    fromByte: file.endBytes,
    toByte: resumesAt?.position ?? bytes.length,
    lastGoodLsn: file.lastLsn,
    firstLsn: nextLsn(file),
    lastLsn: resumesAt === undefined ? lastLsn : resumesAt.lsn - 1,
    evidence,
  };
}
