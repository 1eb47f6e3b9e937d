/** Every bound of a running copy's maintenance, in one place. */

const MIB = 1024 * 1024;

export const maintenanceLimits = {
  /** The first pass of the scrub after a start; then one for each interval. */
  firstScrubMs: 10 * 60_000,
  scrubIntervalMs: 24 * 60 * 60_000,
  /** Read by the scrub, so that it is hardly noticed. */
  scrubBytesPerSecond: 16 * MIB,
  /** Between two looks whether the copies can be compared. */
  compareIntervalMs: 60_000,
  /** An attempt to mend what is damaged that failed is repeated after this. */
  repairRetryMs: 30_000,
  /** Damaged bodies, log files and notes that are remembered for mending; the scrub finds the rest again. */
  maxDamages: 10_000,
  /** Findings that are told; the log of the process has all. */
  maxFindings: 20,
  connectTimeoutMs: 2_000,
  askTimeoutMs: 10_000,
  /** A digest walks over every row of the database. */
  digestTimeoutMs: 10 * 60_000,
};

export type MaintenanceLimits = Readonly<typeof maintenanceLimits>;
