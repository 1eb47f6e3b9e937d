/** Every bound of the cluster's part, in one place. */

/** Hosts that one register may name. */
export const MAX_NODES = 64;
/** Of a network: the number of the least preferred. */
export const MAX_NETWORK_PRIORITY = 16;
/** Storage groups that one register may name; with the fields of one below 1 KiB the document stays far below its bound. */
export const MAX_STORAGE_GROUPS = 512;
export const MAX_CLUSTERED_MAILBOX_SERVERS = 64;
/** A name of a host, a storage group or a clustered mailbox server, in UTF-16 units. */
export const MAX_NAME_LENGTH = 128;
/** Comments and reasons that administrators give (Suspend-StorageGroupCopy takes 512 characters). */
export const MAX_COMMENT_LENGTH = 512;
/** The register's value as text. Checked before it is parsed and before it is written. */
export const MAX_REGISTER_VALUE_BYTES = 1024 * 1024;
/** What an acceptor stores: the value, escaped as JSON, and a little around it. */
export const MAX_ACCEPTOR_STATE_BYTES = 4 * 1024 * 1024;
/** Acceptors of one cluster. */
export const MAX_ACCEPTORS = 9;
/** Invitations that one vote keeps: of administrators whose changes of the set were not decided, and of one whose was. */
export const MAX_INVITATIONS = 8;
/** First and longest pause after a lost duel between proposers; the pause is drawn at random below it and doubles. */
export const CONFLICT_BACKOFF_FIRST_MS = 8;
export const CONFLICT_BACKOFF_MAX_MS = 200;
/** Changes that may wait for the one under way in one register. Beyond it a caller is told 'unavailable' at once. */
export const MAX_WAITING_CHANGES = 256;
/** Ballot counters stay far inside the safe integers; one that is larger is damage. */
export const MAX_BALLOT_COUNTER = 2 ** 48;
/** An LSN is epoch * 2^32 + n in one safe integer, so epochs end here. One failover a minute would get there in four years. */
export const MAX_EPOCH = 2 ** 21 - 1;
