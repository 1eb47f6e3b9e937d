/**
 * The bounds of everything that reads mail. Messages are written by strangers, are kept for ever and are read again
 * and again, so each parser here stops at a number from this table and none has one of its own.
 */

/** Octets before the @ as written, quotes included (RFC 5321 4.5.3.1.1). */
export const MAX_LOCAL_PART_BYTES = 64;
/** RFC 5321 4.5.3.1.2. */
export const MAX_DOMAIN_BYTES = 255;
/** A path is at most 256 octets with its angle brackets (RFC 5321 4.5.3.1.3). */
export const MAX_ADDRESS_BYTES = 254;
/** RFC 1035 2.3.4. */
export const MAX_DOMAIN_LABEL_BYTES = 63;

/** Fields of one header that are looked at; the ones behind them stay stored, but mean nothing. */
export const MAX_HEADER_FIELDS = 10_000;
/** Bytes of one header that are looked at. */
export const MAX_HEADER_BYTES = 1_048_576;
/** Bytes of one unstructured value (a subject, a message id) that are taken into an envelope or a part. */
export const MAX_HEADER_TEXT_BYTES = 65_536;

/** Addresses of one list in an envelope. */
export const MAX_ADDRESSES = 1_000;

/** Parameters of one Content-Type or Content-Disposition, continuations counted one by one. */
export const MAX_PARAMETERS = 100;
export const MAX_PARAMETER_VALUE_CHARACTERS = 8_192;
/** Tags of one Content-Language. */
export const MAX_LANGUAGES = 100;
/** RFC 2046 says 70; some programs write more. A longer one delimits nothing. */
export const MAX_BOUNDARY_BYTES = 1_000;

/** Multiparts and messages inside one another. */
export const MAX_PART_DEPTH = 100;
export const MAX_PARTS = 10_000;

/** Octets of a keyword. */
export const MAX_KEYWORD_BYTES = 64;
/** Keywords on one message. */
export const MAX_KEYWORDS = 100;

/** Ranges of one sequence set in a command. */
export const MAX_SEQUENCE_RANGES = 10_000;
/** UIDs and sequence numbers are 32-bit and not zero (RFC 3501 9, nz-number). */
export const MAX_UID = 4_294_967_295;

/** Octets of a whole mailbox name in UTF-8. */
export const MAX_MAILBOX_NAME_BYTES = 1_000;
export const MAX_MAILBOX_LEVELS = 32;

/** Characters of a Date field that are looked at. */
export const MAX_DATE_CHARACTERS = 200;

/** Keys inside one another in a SEARCH. */
export const MAX_SEARCH_DEPTH = 32;
/** Characters of text taken from one message for BODY and TEXT. */
export const MAX_SEARCH_TEXT_CHARACTERS = 1_048_576;
