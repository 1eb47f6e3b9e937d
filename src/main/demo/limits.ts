/** The bounds of the demo, in one place. */
export const demoLimits = {
  maxUsers: 10_000,
  /** From the first process to a cluster that serves; a machine under load needs a while. */
  startTimeoutMs: 90_000,
  startPollMs: 150,
  /** How long hosts may take to stop before they are killed. */
  stopTimeoutMs: 15_000,
  stopPollMs: 50,
  /** How long the role processes of a killed service may take to end. */
  endingTimeoutMs: 5_000,
  /** How often the processes that start-host started are looked at. */
  watchPollMs: 500,
  /** Mailboxes made at a time: each costs a password hash of 19 MiB. */
  usersAtATime: 4,
  mailConnections: 8,
  /** A failover takes seconds; what takes longer is worth an error. */
  mailRetryMs: 60_000,
  mailRetryPauseMs: 250,
  /** The end of a host's log that is read for the reason why it stopped. */
  logTailBytes: 16 * 1024,
} as const;
