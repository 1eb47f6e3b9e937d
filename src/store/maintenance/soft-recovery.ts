/**
 * Soft recovery: what the log holds and the database does not yet is replayed, as at every start of a copy, and left
 * committed in the database's main file.
 *
 * A copy that is one of several must not get ahead of the others: a record behind the last one that the log itself
 * proves as committed may have been answered to nobody, and another copy may go on without it. Such records stay in
 * the log, where the cluster can still withdraw them, unless the caller wants all.
 */

import { readFrame } from '../../log/record.ts';
import type { TransactionLog } from '../../log/transaction-log.ts';
import type { Database } from '../database.ts';
import type { Packs } from '../packs.ts';
import { Replayer } from '../replay.ts';
import type { Pace } from './finding.ts';

export interface SoftRecovery {
  readonly fromLsn: number;
  readonly appliedLsn: number;
  readonly endLsn: number;
  readonly replayedRecords: number;
  readonly replayedBytes: number;
}

export interface SoftRecoveryOptions {
  /** Opened, so recovered: a torn tail is cut away, damage is a Problem by now. */
  readonly log: TransactionLog;
  readonly database: Database;
  readonly packs: Packs;
  readonly upTo: 'proven' | 'end';
  readonly pace?: Pace;
  /** Commits of the database on the way, so that a stop does not cost the whole. */
  readonly bytesPerCommit: number;
}

/** Problem('RecordNotApplied' | 'ReplayGap' | 'LogTruncated' | 'LogDamaged'): what was replayed before is committed. */
export async function recoverSoftly(options: SoftRecoveryOptions): Promise<SoftRecovery> {
  const { log, database, packs, bytesPerCommit } = options;
  const replayer = new Replayer({ database, packs });
  const fromLsn = replayer.appliedLsn;
  const limit = options.upTo === 'end' ? log.endLsn : await provenLsn(log, fromLsn);
  let replayedRecords = 0;
  let replayedBytes = 0;
  let sinceCommitBytes = 0;
  for await (const { lsn, frame } of recordsBehind(log, fromLsn)) {
    if (lsn > limit) break;
    replayer.apply(readFrame(frame));
    replayedRecords += 1;
    replayedBytes += frame.length;
    sinceCommitBytes += frame.length;
    await options.pace?.(frame.length);
    if (sinceCommitBytes < bytesPerCommit) continue;
    await replayer.commitDatabase();
    sinceCommitBytes = 0;
  }
  await replayer.commitDatabase();
  database.connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  return { fromLsn, appliedLsn: replayer.appliedLsn, endLsn: log.endLsn, replayedRecords, replayedBytes };
}

/** The highest LSN that a record behind `lsn` names as committed. */
async function provenLsn(log: TransactionLog, lsn: number): Promise<number> {
  let proven = lsn;
  for await (const { frame } of recordsBehind(log, lsn)) proven = Math.max(proven, readFrame(frame).durableUpTo);
  return proven;
}

async function* recordsBehind(log: TransactionLog, lsn: number): AsyncGenerator<{ lsn: number; frame: Buffer }> {
  if (log.endLsn <= lsn) return;
  const { reader, firstGeneration } = log;
  for await (const item of lsn === 0 ? reader.readFile(firstGeneration) : reader.readFrom(lsn)) {
    if (item.type === 'record') yield item;
  }
}
