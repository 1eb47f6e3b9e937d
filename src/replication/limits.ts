/** Every bound of replication, in one place. */
export const replicationLimits = {
  /** Log bytes sent to a copy beyond what it has applied. */
  windowBytes: 16 * 1024 * 1024,
  /** Newest frames kept in memory for copies that are caught up (block mode). */
  recentBytes: 1024 * 1024,
  /** A batch that is read from the log files at once (file mode). */
  fileBatchBytes: 1024 * 1024,
  /** How long a commit waits for a copy that is connected but does not acknowledge, before it leaves the in-sync set. */
  slowCopyMs: 4_000,
  /** How long a commit waits for a copy whose connection is gone, before it leaves the in-sync set. */
  absentCopyMs: 100,
  /** The same for a copy that has not connected yet since this one became active: after a move it is on its way. */
  firstConnectionMs: 2_000,
  /** Between two attempts to change the in-sync set. */
  membershipRetryMs: 200,
  /** Until a copy is proposed for the in-sync set again that the register would not take: an administrator suspended it. */
  refusedJoinMs: 3_000,
  /** How long a commit waits for the lease to be renewed before it is given up. */
  leaseWaitMs: 10_000,
  /** Between two looks for deleted items that were kept long enough; while there are some, at every commit. */
  purgeIntervalMs: 10 * 60_000,
  /** Between two commits of the database. */
  databaseCommitIntervalMs: 1_000,
  /** How long changes wait at a commit of the database for the other copies to have what is in it (async mode). */
  databaseWaitMs: 200,
  /** Log files that the database may lag behind for copies that are away: lost log resilience, deeper than any dial. */
  lostLogResilienceDepth: 10,
  /**
   * With less room than this a copy that is alone takes no changes, and a passive one no records: as much as may be
   * accepted between two commits.
   */
  leastFreeBytes: 64 * 1024 * 1024,
  /** And with so much it goes on: what is cut from the log at once must not make it come and go. */
  enoughFreeBytes: 128 * 1024 * 1024,
  /** Every how many commits the write-ahead file is carried over into the database file. */
  commitsPerCheckpoint: 10,
  /** Between two attempts to reach the active copy. */
  reconnectMinMs: 50,
  reconnectMaxMs: 300,
  connectTimeoutMs: 2_000,
  /** Received records kept in memory until they are applied; beyond it they are read from the log again. */
  pendingBytes: 64 * 1024 * 1024,
  /** A step of replay before other work gets its turn. */
  replaySliceMs: 8,
  /** Bytes of a file that are fetched at once while seeding. */
  seedChunkBytes: 1024 * 1024,
  /** Bytes of a file that are compared at once while seeding: a whole number of blocks. */
  seedSumsBytes: 4 * 1024 * 1024,
  /** Seeds that one copy gives at the same time; further ones wait. */
  seedsAtOnce: 2,
  /** A seed that is interrupted goes on by itself, but not after so many attempts in which nothing came. */
  seedAttempts: 8,
  seedRetryMs: 1_000,
  /** Between two looks for an active copy that could help a damaged one. */
  repairRetryMs: 3_000,
  /** Between two attempts to open a copy whose disk was full or failed. */
  reopenMs: 6_000,
  /** A copy is mended by itself so many times in the period, and then no more: its disk needs a look. */
  repairsInPeriod: 4,
  repairPeriodMs: 24 * 60 * 60 * 1000,
  /** Between two attempts to bring back mail that is in quarantine. */
  returnRetryMs: 5_000,
  /** And so many times as long as the tails took to be read. */
  returnRestFactor: 20,
  /** How long this copy's database may take to have what the active one has taken back, and how often that is looked for. */
  returnSeenMs: 5_000,
  returnLookMs: 100,
  /** For the active copy's answer on one message. */
  returnAnswerMs: 15_000,
  /** Messages of a tail that are looked after at once; a longer one is read anew for each such part. */
  returnWindowMessages: 10_000,
  /** Records of quarantined tails that are listed at once. */
  listedChanges: 10_000,
  /** Closed log files kept behind the newest although no copy needs them, so that a copy that was away finds them. */
  keptLogFiles: 64,
};
