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
