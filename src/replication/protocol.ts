/**
 * What two copies say to each other on a replication channel. The target speaks first (the hello, as JSON, is the
 * channel's first frame), then frames of one type byte each. Every frame of the source carries its epoch: a target
 * that has promised a higher one answers with it and closes (C2).
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { Problem } from '../base/problem.ts';
import type { FormatRange } from '../cluster/format-level.ts';
import type { EpochEnd } from './common-point.ts';

export interface ReplicationHello {
  readonly service: 'replication';
  readonly storageGroup: string;
  readonly incarnation: number;
  /** The highest epoch this copy has seen. */
  readonly epoch: number;
  /** Hex; empty while the copy has no log. */
  readonly logSignature: string;
  readonly ends: readonly EpochEnd[];
  /** LSN of the database, when the copy was seeded and its log has still to begin; else 0. */
  readonly seededLsn: number;
  /** What its software reads. Absent: it is older than levels. */
  readonly formats?: FormatRange;
}

/** From the source: */
export type SourceFrame =
  /** The log continues behind `commonLsn`, whose chain value is `chain` (0 for the log's beginning). */
  | { readonly type: 'start'; readonly epoch: number; readonly commonLsn: number; readonly chain: number }
  /** This copy cannot continue from its log; `reason` says why, for the administrator. */
  | { readonly type: 'seed-needed'; readonly epoch: number; readonly reason: string }
  | { readonly type: 'file'; readonly epoch: number; readonly header: Buffer }
  /** Whole record frames, one behind the other, as they lie in the log file. */
  | { readonly type: 'records'; readonly epoch: number; readonly committedLsn: number; readonly frames: Buffer }
  | { readonly type: 'progress'; readonly epoch: number; readonly progress: SourceProgress };

export interface SourceProgress {
  readonly committedLsn: number;
  /** Last record and open log file of the active copy. */
  readonly endLsn: number;
  readonly generation: number;
  readonly inSync: boolean;
}

/** From the target: */
export type TargetFrame =
  | {
      readonly type: 'acknowledge';
      readonly epoch: number;
      /** Everything up to here is durable in the target's log. */
      readonly durableLsn: number;
      readonly appliedLsn: number;
      readonly generation: number;
    }
  | { readonly type: 'refuse'; readonly epoch: number };

const START = 1;
const SEED_NEEDED = 2;
const FILE = 3;
const RECORDS = 4;
const PROGRESS = 5;
const ACKNOWLEDGE = 6;
const REFUSE = 7;

export function encodeSourceFrame(frame: SourceFrame): Buffer {
  const writer = new ByteWriter(frame.type === 'records' ? frame.frames.length + 32 : 64);
  switch (frame.type) {
    case 'start':
      return writer.u8(START).u32(frame.epoch).u64(frame.commonLsn).u32(frame.chain).finish();
    case 'seed-needed':
      return writer.u8(SEED_NEEDED).u32(frame.epoch).string(frame.reason).finish();
    case 'file':
      return writer.u8(FILE).u32(frame.epoch).raw(frame.header).finish();
    case 'records':
      return writer.u8(RECORDS).u32(frame.epoch).u64(frame.committedLsn).raw(frame.frames).finish();
    case 'progress': {
      const { committedLsn, endLsn, generation, inSync } = frame.progress;
      return writer
        .u8(PROGRESS)
        .u32(frame.epoch)
        .u64(committedLsn)
        .u64(endLsn)
        .u32(generation)
        .u8(inSync ? 1 : 0)
        .finish();
    }
  }
}

export function decodeSourceFrame(bytes: Buffer): SourceFrame {
  const reader = new ByteReader(bytes);
  const type = reader.u8();
  const epoch = reader.u32();
  switch (type) {
    case START:
      return { type: 'start', epoch, commonLsn: reader.u64(), chain: reader.u32() };
    case SEED_NEEDED:
      return { type: 'seed-needed', epoch, reason: reader.string() };
    case FILE:
      return { type: 'file', epoch, header: reader.raw(reader.remaining) };
    case RECORDS:
      return { type: 'records', epoch, committedLsn: reader.u64(), frames: reader.raw(reader.remaining) };
    case PROGRESS: {
      const progress = {
        committedLsn: reader.u64(),
        endLsn: reader.u64(),
        generation: reader.u32(),
        inSync: reader.u8() === 1,
      };
      return { type: 'progress', epoch, progress };
    }
    default:
      throw new Problem('Malformed', `Cannot accept a replication frame: type ${type} is not known`);
  }
}

export function encodeTargetFrame(frame: TargetFrame): Buffer {
  const writer = new ByteWriter(32);
  if (frame.type === 'refuse') return writer.u8(REFUSE).u32(frame.epoch).finish();
  return writer
    .u8(ACKNOWLEDGE)
    .u32(frame.epoch)
    .u64(frame.durableLsn)
    .u64(frame.appliedLsn)
    .u32(frame.generation)
    .finish();
}

export function decodeTargetFrame(bytes: Buffer): TargetFrame {
  const reader = new ByteReader(bytes);
  const type = reader.u8();
  const epoch = reader.u32();
  if (type === REFUSE) return { type: 'refuse', epoch };
  if (type !== ACKNOWLEDGE)
    throw new Problem('Malformed', `Cannot accept a replication frame: type ${type} is not known`);
  return { type: 'acknowledge', epoch, durableLsn: reader.u64(), appliedLsn: reader.u64(), generation: reader.u32() };
}

const MAX_EPOCH_ENDS = 100_000;

/** Problem('Malformed') for anything but a hello. */
export function parseReplicationHello(value: unknown): ReplicationHello {
  const malformed = (): Problem =>
    new Problem('Malformed', 'Cannot accept a replication channel: its first frame is not a hello');
  if (typeof value !== 'object' || value === null) throw malformed();
  const hello = value as Record<string, unknown>;
  const { storageGroup, incarnation, epoch, logSignature, ends, seededLsn, formats } = hello;
  if (typeof storageGroup !== 'string' || !isCount(incarnation) || typeof logSignature !== 'string') throw malformed();
  if (!isCount(epoch) || !isCount(seededLsn) || !Array.isArray(ends) || ends.length > MAX_EPOCH_ENDS) throw malformed();
  const checked: EpochEnd[] = [];
  for (const end of ends as unknown[]) {
    const { epoch: endEpoch, lastLsn } = (end ?? {}) as Record<string, unknown>;
    if (!isCount(endEpoch) || !isCount(lastLsn)) throw malformed();
    checked.push({ epoch: endEpoch, lastLsn });
  }
  const checkedHello = { storageGroup, incarnation, epoch, logSignature, ends: checked, seededLsn };
  if (formats === undefined) return { service: 'replication', ...checkedHello };
  const { lowest, highest } = (formats ?? {}) as Record<string, unknown>;
  if (!isCount(lowest) || !isCount(highest)) throw malformed();
  return { service: 'replication', ...checkedHello, formats: { lowest, highest } };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
