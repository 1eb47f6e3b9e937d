/**
 * The first record of an epoch (C6): it names the end of the epoch before, by which copies recognise where their logs
 * part, and leaves a gap of UIDs where records may be missing.
 */
import type { Clock } from '../base/clock.ts';
import { epochOf } from '../log/lsn.ts';
import { encodeFact } from '../store/facts.ts';

/** How many positions UIDNEXT moves on for each epoch that may be missing: more than a folder gets in one. */
const UIDS_PER_EPOCH = 1_000_000;
/** Further back than this no copy is made active in earnest; the bound keeps a folder's UIDs from being used up. */
const MAX_MISSING_EPOCHS = 1_000;

export interface EpochStart {
  readonly epoch: number;
  /** Whether the takeover may have left records behind. */
  readonly isLossy: boolean;
  readonly log: { readonly endLsn: number; readonly chain: number };
  readonly host: string;
  readonly incarnation: number;
  readonly clock: Clock;
}

/** The gap grows with the number of epochs that this log does not know: each may have begun with a gap of its own. */
export function epochStart(start: EpochStart): { kind: number; payload: Buffer } {
  const { epoch, isLossy, log, host, incarnation, clock } = start;
  const missingEpochs = Math.min(epoch - epochOf(log.endLsn), MAX_MISSING_EPOCHS);
  return encodeFact({
    type: 'EpochStarted',
    epoch,
    previousEndLsn: log.endLsn,
    previousChain: log.chain,
    host,
    incarnation,
    timeMs: clock.wallMs(),
    uidJump: isLossy ? missingEpochs * UIDS_PER_EPOCH : 0,
  });
}
