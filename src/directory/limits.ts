/** Every bound of the directory and of the channels to the copies, with its unit. */
export const directoryLimits = {
  connectTimeoutMs: 1_000,
  /** A lost channel is tried again after this, doubled with every failure up to the next bound. */
  reconnectMinMs: 50,
  reconnectMaxMs: 500,
  /** A channel that nobody uses is asked for a sign of life this often; a dead one is given up after the timeout. */
  pingIntervalMs: 1_000,
  pingTimeoutMs: 2_000,
  /** Questions about addresses, credentials and mailboxes. */
  askTimeoutMs: 3_000,
  /** Addresses of one `resolve`. */
  maxAddressesPerQuestion: 100,
  /** Unknown addresses that may be asked about at the same time; a dictionary attack waits for nobody. */
  maxOpenLookups: 64,
  /** How long a recipient that is not in the remembered list waits for an active copy. */
  lookupWaitMs: 1_000,
  refreshIntervalMs: 5_000,
  /** Of one storage group. */
  maxMailboxes: 1_000_000,
  maxCacheBytes: 256 * 1024 * 1024,
  maxDisplayNameCharacters: 1_000,
  /** Deleted items that are listed or brought back at once. */
  maxItemsPerQuestion: 10_000,
  maxFolderNameCharacters: 1_000,
  /** Messages of a mailbox that are told at once, and that are taken in at once. */
  maxContentsPerQuestion: 5_000,
  maxImportedMessages: 200,
  maxSubscriptionsPerQuestion: 1_000,
  maxCredentialCharacters: 1_000,
};

/** How often a channel to a copy is asked for a sign of life, and tried again when it is lost. */
export type ChannelPace = Pick<typeof directoryLimits, 'reconnectMaxMs' | 'pingIntervalMs' | 'pingTimeoutMs'>;
