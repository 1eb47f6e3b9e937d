/** Every bound of the hub, with its unit. */

const KIB = 1024;
const MIB = 1024 * KIB;
const HOUR_MS = 3_600_000;

export const receptionLimits = {
  /** Announced by SIZE (RFC 1870). */
  maxMessageBytes: 50 * MIB,
  /** Behind the end of the largest message a client gets this much to reach its end of data; then the connection ends. */
  maxExcessBytes: 50 * MIB,
  /** RFC 5321 4.5.3.1.8 asks for at least 100. */
  maxRecipients: 100,
  /** Received fields of a message that goes round in circles (RFC 5321 6.3). */
  maxReceivedFields: 100,
  maxCommandBytes: 4 * KIB,
  maxConnections: 1_000,
  maxConnectionsPerAddress: 100,
  /** 5xx answers on one connection of SMTP or submission; LMTP comes from our own side and may be wrong often. */
  maxErrors: 20,
  maxFailedLogins: 3,
  idleTimeoutMs: 300_000,
  /** From 354 to the end of the message: a client that sends a byte now and then is not idle. */
  dataTimeoutMs: 15 * 60_000,
  /** Bytes of messages that are being received, over all connections. */
  maxReceivingBytes: 512 * MIB,
};
export type ReceptionLimits = typeof receptionLimits;

export const deliveryClientLimits = {
  /** Deliveries under way to one storage group; more wait for their turn. */
  maxConcurrent: 256,
  /** The same in bytes: a copy holds a message several times over until it is committed, and has little memory. */
  maxConcurrentBytes: 8 * MIB,
  /** One attempt at one copy. A commit that waits for a slow copy is not an error until then. */
  attemptTimeoutMs: 10_000,
  /** Between two attempts at a copy that says it is active and answers that it is not. */
  retryDelayMs: 25,
  /** How long a message waits for an active copy before the queue takes it. */
  waitForActiveMs: 1_000,
};
export type DeliveryClientLimits = typeof deliveryClientLimits;

export const queueLimits = {
  /** Unconfirmed messages of one storage group; then clients hear 452 4.3.1. */
  maxQueuedBytes: 1024 * MIB,
  maxQueuedMessages: 200_000,
  /** Exchange's MaxDumpsterSizePerStorageGroup: 1.5 times the default maximum message size of 12 MB. */
  maxDumpsterBytes: 18 * MIB,
  /** Exchange's MaxDumpsterTime. */
  maxDumpsterMs: 7 * 24 * HOUR_MS,
  /** Log files that may stand beyond what the messages in them need, before an old message is moved forward. */
  maxIdleFiles: 16,
};
export type QueueLimits = typeof queueLimits;

export const redeliveryLimits = {
  /** Queued messages under way to the active copy at one time. */
  maxConcurrent: 16,
  /** Between two rounds, when a round did not get through. */
  retryDelayMs: 250,
  /** A message that the active copy will not take, although the hub has answered for it, is tried again this often. */
  parkedRetryMs: 60_000,
};

export const occurrenceLimits = {
  maxEntries: 100_000,
  /** Longer than a storage group remembers delivery ids, so that no confirmed sending is taken for a retry of it. */
  maxAgeMs: 8 * 24 * HOUR_MS,
};
