/** The ends of the pipeline that a log file goes through, as a copy reports them for its status. */

/** A log file by its generation, and when it was made. */
export interface LogMark {
  readonly generation: number;
  /** Milliseconds since 1970 on the active copy's clock; null when it is not known here. */
  readonly timeMs: number | null;
}

/** Generated >= copyNotified >= copied >= inspected >= replayed. */
export interface LogMarks {
  readonly generated: LogMark;
  readonly copyNotified: LogMark;
  readonly copied: LogMark;
  readonly inspected: LogMark;
  readonly replayed: LogMark;
}

/** `sourceGeneration`: the file that the active copy's records go to, as far as this copy was told; 0 when it was not. */
export function logMarksOf(
  files: { readonly generation: number; readonly appliedGeneration: number; readonly fileCreatedMs: number | null },
  sourceGeneration: number,
): LogMarks {
  const { generation, appliedGeneration, fileCreatedMs } = files;
  const here = { generation, timeMs: fileCreatedMs };
  const source = sourceGeneration <= generation ? here : { generation: sourceGeneration, timeMs: null };
  const replayed = appliedGeneration === generation ? here : { generation: appliedGeneration, timeMs: null };
  return { generated: source, copyNotified: source, copied: here, inspected: here, replayed };
}

/** Of a copy's view: what its files say. */
export function fileFacts(files: {
  readonly epochSeen: number;
  readonly endLsn: number;
  readonly durableLsn: number;
  readonly isRestored: boolean;
}): { epochSeen: number; endLsn: number; durableLsn: number; restored: boolean } {
  const { epochSeen, endLsn, durableLsn, isRestored: restored } = files;
  return { epochSeen, endLsn, durableLsn, restored };
}
