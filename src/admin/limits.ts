/** The bounds of administration, in one place. */
export const adminLimits = {
  /** Exchange 2010 and later bound the suspend comment so; the move comment has the same bound here. */
  commentCharacters: 512,
  /** RFC 5321 4.5.3.1.3: a path is at most 256 octets, so an address is at most 254. */
  addressCharacters: 254,
  passwordCharacters: 1_024,
  nameCharacters: 256,
  /** Mailboxes that Get-Mailbox returns unless told otherwise. */
  defaultResultSize: 1_000,
  maxResultSize: 1_000_000,
  /** Deleted items that are shown or brought back at once. */
  maxRecoverableItems: 10_000,
  /** A slower seed would take weeks, and is rather a mistake in the unit. */
  leastBytesPerSecond: 65_536,
  /** Less room than this on a copy's disk wants an administrator's eye: hours of mail, not minutes. */
  lowRoomBytes: 1024 ** 3,
  /** A command's parameters as JSON, over HTTP and over the cluster's own channel. */
  requestBytes: 64 * 1024,
  /** Command-line words that are looked at. */
  maxArguments: 200,
  /** A seed of a big database takes its time; everything else ends long before. */
  commandTimeoutMs: 24 * 60 * 60 * 1000,
  httpRequestTimeoutMs: 30_000,
  httpConnections: 256,
};

/** As the store has it: a limit that is none. */
export const UNLIMITED = Number.MAX_SAFE_INTEGER;
