/** What a follower may do to the files of its copy, and what they are when it says hello. */
import type { FormatRange } from '../cluster/format-level.ts';
import type { EpochEnd } from './common-point.ts';
import type { CopyFiles } from './copy-files.ts';
import type { FollowedCopy } from './follower.ts';
import type { ReplicationHello } from './protocol.ts';

export function followedCopy(files: CopyFiles, hello: () => ReplicationHello): FollowedCopy {
  const epochFloor = (): number => files.epochSeen;
  return {
    hello,
    epochFloor,
    storeEpoch: (epoch) => files.epochs.use(epoch),
    continueFrom: (commonLsn, chain) => files.continueFrom(commonLsn, chain, epochFloor()),
    startFile: (header) => files.startFile(header),
    appendFrames: (frames) => files.appendFrames(frames),
    durable: (lsn) => files.log.durable(lsn),
    applyUpTo: (committedLsn) => files.applyUpTo(committedLsn),
    get endLsn() {
      return files.endLsn;
    },
    get appliedLsn() {
      return files.appliedLsn;
    },
    get generation() {
      return files.generation;
    },
    get lacksRecords() {
      return files.lacksRecords;
    },
    recordsAreBack: () => files.recordsAreBack(),
    get hasLogFailed() {
      return files.isOpen && files.log.failure !== undefined;
    },
  };
}

interface HelloOptions {
  readonly storageGroup: string;
  readonly incarnation: number;
  readonly formats: FormatRange;
}

/** `ends`: of the epochs in its log, none while it has no log; then its database says from where it wants records. */
export function helloOf(
  { storageGroup, incarnation, formats }: HelloOptions,
  files: CopyFiles,
  ends: readonly EpochEnd[],
): ReplicationHello {
  return {
    service: 'replication',
    storageGroup,
    incarnation,
    epoch: files.epochSeen,
    logSignature: files.signature,
    ends: ends.map(({ epoch, lastLsn }) => ({ epoch, lastLsn })),
    seededLsn: ends.length === 0 ? files.appliedLsn : 0,
    formats: { lowest: formats.lowest, highest: formats.highest },
  };
}
