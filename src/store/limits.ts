/** Every bound of the store, in one place. */
import { MAX_PAYLOAD_BYTES } from '../log/limits.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const HOUR_MS = 3_600_000;

/** One message at most. The log's largest record has room for it and for everything that is said about it. */
export const MAX_MESSAGE_BYTES = 50 * MIB;

/** All messages of one APPEND with their structures; names and flags have the rest of the log's largest record. */
export const MAX_APPEND_BYTES = MAX_PAYLOAD_BYTES - MIB;

/**
 * A change of more messages than this is cut into records of this many, and other sessions get their turn between: few
 * enough that a step stays well below 20 ms.
 */
export const CHANGE_SLICE_MESSAGES = 500;

/** Deleted items that one record brings back: each is looked up by itself. */
export const RESTORE_SLICE_MESSAGES = 100;

/** Deleted items that one look for expired ones forgets. */
export const PURGED_AT_ONCE = 500;

/** How long deleted items can be got back, unless something else is set. */
export const DELETED_ITEM_RETENTION_MS = 14 * 24 * HOUR_MS;
/** Mailboxes that may have rights in one folder. */
export const MAX_RIGHTS = 1_000;

/** Of one folder, or of a mailbox as a whole: shared, and for each mailbox its own. */
export const MAX_ANNOTATIONS = 100;

/** Ten years or so. */
export const MAX_RETENTION_MS = 3_650 * 24 * HOUR_MS;

/** A delivery with a known id is a duplicate when the two acceptances lie this close together. */
export const DUPLICATE_WINDOW_MS = 24 * HOUR_MS;

/** Delivery ids are remembered this long: longer than the transport dumpster keeps a message (7 days). */
export const DELIVERY_MEMORY_MS = 8 * 24 * HOUR_MS;

/** A delivery of a divergent tail is brought back as long as its id is certainly remembered, counted from the newest one. */
export const RETURN_WITHIN_MS = DELIVERY_MEMORY_MS - 24 * HOUR_MS;

/** Expired delivery ids that one delivery clears away: more than come in, and never a long step after a quiet week. */
export const DELIVERIES_PURGED_AT_ONCE = 8;

/** Runs of removed UIDs that a folder remembers: beyond `max`, the oldest go until `kept` are left. */
export const TOMBSTONE_RUNS = { max: 2_000, kept: 1_000 };

export const MAX_FOLDERS_PER_MAILBOX = 10_000;
export const MAX_SUBSCRIPTIONS_PER_MAILBOX = 20_000;
export const MAX_MAILBOX_TEXT_BYTES = 4 * KIB;

/** A flag word of mail/flags.ts fits into this many bits. */
export const MAX_FLAGS = 0xffff;

/** A new pack begins when the present one is this long; the last message may reach beyond. */
export const PACK_BYTES = 256 * MIB;

/** Bodies kept in memory after their checksum was found right. A longer one than a quarter of it is never kept whole. */
export const BODY_CACHE_BYTES = 8 * MIB;
/** Bodies too long for the cache are checked, and then read, in pieces of this size. */
export const BODY_PIECE_BYTES = MIB;
/** Long bodies whose piece checksums are remembered. */
export const LONG_BODIES_REMEMBERED = 256;

/** SQLite's page cache. The whole process has 150 MB. */
export const PAGE_CACHE_KIB = 4 * KIB;
/** What is left of the write-ahead file after it was carried over. */
export const WAL_KEPT_BYTES = 64 * MIB;

/** Bodies that the content index takes in one transaction. */
export const INDEX_BATCH_MESSAGES = 16;
/** Bodies that are compared with the content index in one step, to find what is gone. */
export const INDEX_SWEEP_BODIES = 5_000;
/** The content index's page cache. */
export const INDEX_CACHE_KIB = 4 * KIB;
/** Words of which the indexer remembers that the vocabulary has them. */
export const WORDS_KEPT_IN_MEMORY = 10_000;
/** Words that may contain a search text; with more of them, messages are read instead. */
export const MAX_SEARCHED_WORDS = 20_000;
/** Words in one question to FTS5. */
export const WORDS_PER_MATCH = 256;
/** Texts of one SEARCH that the index is asked about. */
export const MAX_TEXT_QUESTIONS = 64;
