/** Every bound of the log, in one place. Sizes in bytes. */

const KIB = 1024;
const MIB = 1024 * KIB;

/** Size of a log file unless its folder is opened with another one: Exchange 2007's 1 MB, small enough to ship whole. */
export const DEFAULT_FILE_SIZE_BYTES = MIB;

/** Files are made in whole blocks of this size, so that the last block of a file is never extended by a write. */
export const FILE_BLOCK_BYTES = 4 * KIB;

/** One record's payload at most: a message of the largest size that transport accepts, with its facts around it. */
export const MAX_PAYLOAD_BYTES = 160 * MIB;

/** What may wait for the group commit before `append` refuses with `LogBusy`; more than one largest record. */
export const MAX_QUEUED_BYTES = 256 * MIB;

/** One write of the group commit takes whole records up to this size, or one bigger record alone. */
export const MAX_BATCH_BYTES = 4 * MIB;

/** So much of a file is handed to the device while it still writes; less waits, for others to share its fdatasync. */
export const AHEAD_PART_OF_FILE = 0.5;

/** Writes handed to the device and not yet durable. */
export const MAX_WRITES_UNDER_WAY = 4;

/** A reader takes this much of a file at once; one bigger record is read alone. */
export const READ_CHUNK_BYTES = 256 * KIB;

/** Space set aside for a clean stop on a full disk. */
export const RESERVE_FILES = 2;

/** Next files that are made before they are needed: at full speed one is used up faster than one is made. */
export const FILES_AHEAD = 3;

/** Files that are written to, or were, and have not durably got their names yet; the next one waits. */
export const MAX_UNNAMED_FILES = 16;

/** Files that nobody needs any more and that share one sync of the folder. */
export const MAX_RETIRED_AT_ONCE = 128;

/**
 * How many files that nobody needs any more are kept to be written again. They go many at a time, after a checkpoint or a
 * backup: when no more than 32 of those were kept, 40 % of the next ones had to be made, and zeros are as much to write as records.
 */
export const MAX_RECYCLED_FILES = 96;

/**
 * How many times the length of the searched bytes the search behind a bad record may checksum. Honest bytes need less
 * than twice; only a message built to look like thousands of records comes here, and then the answer is "damage".
 */
export const MAX_EVIDENCE_FACTOR = 16;
