/**
 * Why is this log file still there? The rule of truncation, told backwards: a closed file goes when the database holds
 * its records even after a loss of power, when every copy has them, when a backup has them or circular logging makes
 * that unnecessary, and when enough newer files are kept for a copy that was away.
 */
import { closedName } from '../log/log-file.ts';
import { formatLsn } from '../log/lsn.ts';
import type { ActiveCopy } from './active-copy.ts';
import type { CopyFiles } from './copy-files.ts';
import { replicationLimits } from './limits.ts';

export interface LogFileNeed {
  readonly name: string;
  readonly generation: number;
  readonly lastLsn: number;
  readonly sizeBytes: number;
  readonly createdMs: number;
  /** Never empty for long: a file without a reason goes with the next commit of the database. */
  readonly reasons: readonly string[];
}

export interface TruncationFacts {
  readonly files: readonly { generation: number; lastLsn: number; sizeBytes: number; createdMs: number }[];
  /** The file that records go to. */
  readonly generation: number;
  /** The database stands here even after a loss of power. */
  readonly checkpointedLsn: number;
  /** The other copies, on an active one. */
  readonly copies: readonly { host: string; durableLsn: number }[];
  /** Seeds under way need what lies behind these. */
  readonly heldLsns: readonly number[];
  readonly circularLogging: boolean;
  /** The log up to here is in a backup. */
  readonly backedUpLsn?: number;
}

/** Of a copy as it is; `active` while it serves. Nothing while its log is not open. */
export function explainLogFiles(
  files: CopyFiles,
  active: ActiveCopy | undefined,
  circularLogging: boolean,
): readonly LogFileNeed[] {
  if (!files.isOpen) return [];
  const { checkpointedLsn, log, generation } = files;
  const { copies = [], heldLsns = [] } = active?.logNeeds() ?? {};
  const backedUpLsn = files.backups.times.throughLsn;
  const facts = { files: log.closedFiles, generation, checkpointedLsn, copies, heldLsns, circularLogging, backedUpLsn };
  return explainTruncation(facts);
}

export function explainTruncation(facts: TruncationFacts): readonly LogFileNeed[] {
  return facts.files.map((file) => ({
    name: closedName(file.generation),
    ...file,
    reasons: reasonsFor(file.lastLsn, file.generation, facts),
  }));
}

function reasonsFor(lastLsn: number, generation: number, facts: TruncationFacts): readonly string[] {
  const reasons: string[] = [];
  if (!facts.circularLogging && lastLsn > (facts.backedUpLsn ?? 0)) {
    reasons.push('not backed up, and circular logging is off');
  }
  if (lastLsn > facts.checkpointedLsn) {
    reasons.push(`needed by the database, whose checkpoint is at ${formatLsn(facts.checkpointedLsn)}`);
  }
  for (const { host, durableLsn } of facts.copies) {
    if (lastLsn > durableLsn) reasons.push(`needed by the copy on ${host}, which is at ${formatLsn(durableLsn)}`);
  }
  if (facts.heldLsns.some((lsn) => lastLsn > lsn)) reasons.push('needed by a copy that is being seeded');
  if (facts.generation - generation <= replicationLimits.keptLogFiles) {
    reasons.push(`one of the newest ${replicationLimits.keptLogFiles}, kept for a copy that was away`);
  }
  return reasons;
}
