/**
 * Where two copies of one log part ways. Every copy knows for each epoch in its log the last record of it. Two copies
 * agree on everything up to the last epoch that both have, and in that epoch up to the shorter of the two: an epoch has
 * one writer (S1), so two logs of one epoch are prefixes of each other. The chain value at that point is compared
 * afterwards, because "cannot differ" is not "was checked".
 */

export interface EpochEnd {
  readonly epoch: number;
  /** LSN of the epoch's last record in this copy's log. */
  readonly lastLsn: number;
}

/**
 * The last common LSN by the ends of epochs (ascending), 0 when there is no epoch that both know: then the copy must be
 * seeded, or begin with the first record of the log.
 */
export function lastCommonLsn(source: readonly EpochEnd[], target: readonly EpochEnd[]): number {
  const ends = new Map(source.map((end) => [end.epoch, end.lastLsn]));
  let common = 0;
  for (const end of target) {
    const sourceEnd = ends.get(end.epoch);
    if (sourceEnd !== undefined) common = Math.max(common, Math.min(sourceEnd, end.lastLsn));
  }
  return common;
}
