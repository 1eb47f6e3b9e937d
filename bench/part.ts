/** What every part of the benchmark is given. */
export interface PartOptions {
  /** An existing folder on the disk that is measured, for this run alone. */
  readonly folder: string;
  /** Fewer rows, shorter times: shows that it runs, and the order of magnitude. */
  readonly isQuick: boolean;
}
