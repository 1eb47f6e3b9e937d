/** Every bound of maintenance, in one place. Sizes in bytes. */

const KIB = 1024;
const MIB = 1024 * KIB;

/** A pack is read in pieces of this size: long enough that the disk streams, short enough for a small process. */
export const READ_BYTES = 4 * MIB;

/** Between two bodies of one read, at most this many bytes that nobody refers to are read along. */
export const GAP_BYTES = 64 * KIB;

/** Body rows that are asked for at once: no read transaction outlives them, or the write-ahead file could not start anew. */
export const PLACES_AT_ONCE = 2_000;

/** Rows whose checksums are compared in one step. */
export const ROWS_AT_ONCE = 2_000;

/** Pages of the database that are read at once. */
export const PAGES_AT_ONCE = 1_024;

/** Errors of SQLite's own check that are kept; one damaged page can cause many. */
export const MAX_DATABASE_ERRORS = 100;

/** How many times the length of a damaged range the search for the next whole entry may checksum (see log/limits.ts). */
export const MAX_SEARCH_FACTOR = 16;

/** Damaged key ranges of one table that are halved before the rest of the table is given up. */
export const MAX_SALVAGE_PROBES = 4_000;

/** Of files missing in one gap of a log, so many are told. */
export const MAX_MISSING_FILES = 100;

/** A log folder that changes while it is checked is listed again this often. */
export const MAX_LISTINGS = 16;

/** Of a long body, moved in one go while a copy serves. */
export const MOVED_AT_ONCE_BYTES = 256 * KIB;
/** Read ahead into the system's memory, so that no step of the serving thread waits for the disk. */
export const WARMED_BYTES = 2 * MIB;
/** A defragmentation works for so long and then rests so many times as long as it worked. */
export const DEFRAGMENT_STEP_MS = 4;
export const DEFRAGMENT_REST_FACTOR = 4;
/** Free pages of the database given back in one step. */
export const VACUUMED_PAGES = 32;
/** Packs of which less than this share is referred to are emptied. */
export const EMPTIED_BELOW_SHARE = 0.75;
/** Free pages that are left alone: the next messages want them. */
export const FREE_PAGES_SHARE = 0.05;
