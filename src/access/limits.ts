/**
 * Every bound of the access role, with its unit. Before a login a stranger speaks, so what he may make us hold is
 * small; after it the bounds are what mail clients need, and still finite.
 */

/** What a reader of commands holds for one command at most. */
export interface CommandLimits {
  /** Text of one command without its literals, over all of its lines. */
  readonly textBytes: number;
  /** One literal, other than the message of an APPEND. */
  readonly literalBytes: number;
  /** All literals of one command, other than the messages of an APPEND. */
  readonly literalSumBytes: number;
  /** The messages of one APPEND together; 0 where APPEND cannot be said. */
  readonly messageSumBytes: number;
  /** A refused literal that comes anyway is dropped up to this size; behind a bigger one the connection closes. */
  readonly swallowBytes: number;
  readonly tokens: number;
  readonly listDepth: number;
  /** A tag comes back in every answer. */
  readonly tagBytes: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

/** Announced as APPENDLIMIT (RFC 7889). */
export const appendLimitBytes = 50 * MIB;

/** Together 16 KiB for a whole command. */
export const commandLimitsBeforeLogin: CommandLimits = {
  textBytes: 8 * KIB,
  literalBytes: 4 * KIB,
  literalSumBytes: 8 * KIB,
  messageSumBytes: 0,
  swallowBytes: 64 * KIB,
  tokens: 256,
  listDepth: 4,
  tagBytes: 256,
};

export const commandLimitsAfterLogin: CommandLimits = {
  textBytes: 64 * KIB,
  literalBytes: 64 * KIB,
  literalSumBytes: 256 * KIB,
  messageSumBytes: appendLimitBytes,
  swallowBytes: 2 * appendLimitBytes,
  tokens: 16_384,
  listDepth: 32,
  tagBytes: 256,
};

export interface GreetingLimits {
  readonly command: CommandLimits;
  /** Wrong passwords on one connection. */
  readonly refusedLogins: number;
  /** Commands answered with BAD on one connection. */
  readonly badCommands: number;
  /** One line of a SASL exchange. */
  readonly saslLineBytes: number;
  /** Input that came while a password is being checked. */
  readonly pendingInputBytes: number;
}

export const greetingLimits: GreetingLimits = {
  command: commandLimitsBeforeLogin,
  refusedLogins: 3,
  badCommands: 5,
  saslLineBytes: 4 * KIB,
  pendingInputBytes: 64 * KIB,
};

export interface SessionLimits {
  readonly command: CommandLimits;
  readonly badCommands: number;
  /** Input that came while a command runs and its feeder did not wait; more closes the connection. */
  readonly pendingInputBytes: number;
  /** Answers are handed on when this much has gathered. */
  readonly outputBytes: number;
  /** A message leaves in pieces of this size. */
  readonly bodyPieceBytes: number;
  /** A synchronous stretch of work ends after this long. */
  readonly sliceMs: number;
  /** Rows read from the store at once. */
  readonly rows: number;
  /** The line that ends an IDLE. */
  readonly idleLineBytes: number;
  /** Rows looked at for the first unseen message when a folder is opened; not finding it is lawful. */
  readonly firstUnseenRows: number;
  /** Without a word from the client; RFC 3501 5.4 wants 30 minutes at least. */
  readonly inactivityMs: number;
  /** Items of one FETCH. */
  readonly fetchItems: number;
  /** Patterns of one LIST. */
  readonly listPatterns: number;
  /** Entries that one GETMETADATA or SETMETADATA names. */
  readonly metadataEntries: number;
  /** A name of metadata, and its value. */
  readonly metadataNameBytes: number;
  readonly metadataValueBytes: number;
  /** Messages of one MULTIAPPEND. */
  readonly appendMessages: number;
}

export const sessionLimits: SessionLimits = {
  command: commandLimitsAfterLogin,
  badCommands: 20,
  pendingInputBytes: MIB,
  outputBytes: 64 * KIB,
  bodyPieceBytes: 256 * KIB,
  sliceMs: 5,
  rows: 256,
  idleLineBytes: KIB,
  firstUnseenRows: 5_000,
  inactivityMs: 31 * 60_000,
  fetchItems: 256,
  listPatterns: 32,
  metadataEntries: 100,
  metadataNameBytes: 255,
  metadataValueBytes: 32 * KIB,
  appendMessages: 1_000,
};
