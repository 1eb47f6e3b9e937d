/**
 * The tables of a storage group's database. They hold what the log's records add up to and nothing else, so that a
 * database made by replay from zero equals one that served for a year (digest.ts compares them).
 *
 * Messages are few columns in one clustered tree by (folder, UID): a folder's list is one walk. What is the same for
 * every recipient (place of the bytes, checksum, structure) is in `body`. Folder counters are kept up to date by the
 * same record that changes a message, because SELECT and STATUS are asked far more often.
 *
 * Every row ends with a checksum of its columns (row-sum.ts).
 *
 * No foreign keys: apply.ts is the only writer and asserts what it needs, at a fraction of the cost.
 */
export const SCHEMA_VERSION = 3;

/** The columns of every table in their order, those of its primary key first; the checksum comes behind them. */
export const TABLES = {
  meta: table('name', 'value'),
  mailbox: table('id', 'guid address address_key display_name credential created_ms'),
  folder: table(
    'id',
    `mailbox name uid_validity uid_next modseq message_count unseen_count size_bytes uid_total special_use
      tombstone_runs tombstone_floor`,
  ),
  subscription: table('mailbox name'),
  message: table('folder uid', 'body flags keywords modseq internal_date_ms size_bytes'),
  body: table('id', 'pack position size_bytes crc32 references_count structure sender trace'),
  pack: table('id', 'live_bodies'),
  delivery: table('id', 'accepted_ms lsn mailboxes'),
  tombstone: table('folder modseq first_uid', 'last_uid'),
  mailbox_usage: table('mailbox', 'size_bytes message_count'),
  mailbox_limit: table('mailbox', 'retention_ms warning_bytes storage_bytes messages'),
  retained: table('folder uid', 'mailbox folder_name body flags keywords internal_date_ms size_bytes removed_ms'),
  folder_right: table('folder grantee', 'rights'),
  annotation: table('mailbox folder owner name', 'value'),
} as const;

export type Table = keyof typeof TABLES;

function table(key: string, rest = ''): { readonly key: readonly string[]; readonly columns: readonly string[] } {
  return { key: key.split(' '), columns: `${key} ${rest}`.trim().split(/\s+/) };
}

const checksumOf = (name: Table): string =>
  `checksum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(${TABLES[name].columns.join(', ')})) STORED`;

export const SCHEMA = `
CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value ANY NOT NULL,
  ${checksumOf('meta')}
) STRICT, WITHOUT ROWID;

CREATE TABLE mailbox (
  id INTEGER PRIMARY KEY,
  guid TEXT NOT NULL UNIQUE,
  address TEXT NOT NULL,
  address_key TEXT NOT NULL UNIQUE,
  display_name TEXT NOT NULL,
  credential TEXT,
  created_ms INTEGER NOT NULL,
  ${checksumOf('mailbox')}
) STRICT;

CREATE TABLE folder (
  id INTEGER PRIMARY KEY,
  mailbox INTEGER NOT NULL,
  name TEXT NOT NULL,
  uid_validity INTEGER NOT NULL,
  uid_next INTEGER NOT NULL,
  modseq INTEGER NOT NULL,
  message_count INTEGER NOT NULL,
  unseen_count INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  -- All its UIDs added up, modulo 2^32: a list of them that lacks one, or has a wrong one, is noticed.
  uid_total INTEGER NOT NULL,
  special_use TEXT,
  tombstone_runs INTEGER NOT NULL,
  -- Removals up to here have been forgotten.
  tombstone_floor INTEGER NOT NULL,
  ${checksumOf('folder')},
  UNIQUE (mailbox, name)
) STRICT;

CREATE TABLE subscription (
  mailbox INTEGER NOT NULL,
  name TEXT NOT NULL,
  ${checksumOf('subscription')},
  PRIMARY KEY (mailbox, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE message (
  folder INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  body INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  -- Sorted, joined by spaces; NULL = none.
  keywords TEXT,
  modseq INTEGER NOT NULL,
  internal_date_ms INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  ${checksumOf('message')},
  PRIMARY KEY (folder, uid)
) STRICT, WITHOUT ROWID;

-- EXPUNGE and CLOSE come often, find little, and must not walk the folder. 8 = FLAG_DELETED.
CREATE INDEX message_deleted ON message (folder, uid) WHERE flags & 8;

CREATE TABLE body (
  id INTEGER PRIMARY KEY,
  pack INTEGER NOT NULL,
  position INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  crc32 INTEGER NOT NULL,
  references_count INTEGER NOT NULL,
  structure BLOB NOT NULL,
  -- Of delivered messages: the envelope's sender, and what a Received field would say.
  sender TEXT,
  trace TEXT,
  ${checksumOf('body')}
) STRICT;

-- How many bodies of each pack somebody still refers to; a pack without any may be removed.
CREATE TABLE pack (
  id INTEGER PRIMARY KEY,
  live_bodies INTEGER NOT NULL,
  ${checksumOf('pack')}
) STRICT;

CREATE TABLE delivery (
  id BLOB PRIMARY KEY,
  accepted_ms INTEGER NOT NULL,
  lsn INTEGER NOT NULL,
  -- The mailboxes that have it, as varints.
  mailboxes BLOB NOT NULL,
  ${checksumOf('delivery')}
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_age ON delivery (accepted_ms);

CREATE TABLE tombstone (
  folder INTEGER NOT NULL,
  modseq INTEGER NOT NULL,
  first_uid INTEGER NOT NULL,
  last_uid INTEGER NOT NULL,
  ${checksumOf('tombstone')},
  PRIMARY KEY (folder, modseq, first_uid)
) STRICT, WITHOUT ROWID;

-- What the mailbox's folders add up to: asked at every delivery, so never summed up then.
CREATE TABLE mailbox_usage (
  mailbox INTEGER PRIMARY KEY,
  size_bytes INTEGER NOT NULL,
  message_count INTEGER NOT NULL,
  ${checksumOf('mailbox_usage')}
) STRICT;

-- Mailbox 0 = the storage group's defaults; NULL = as those say, or the built-in ones.
CREATE TABLE mailbox_limit (
  mailbox INTEGER PRIMARY KEY,
  retention_ms INTEGER,
  warning_bytes INTEGER,
  storage_bytes INTEGER,
  messages INTEGER,
  ${checksumOf('mailbox_limit')}
) STRICT;

-- Deleted items. Each refers to its body like a message does.
CREATE TABLE retained (
  folder INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  mailbox INTEGER NOT NULL,
  -- As the folder was called then.
  folder_name TEXT NOT NULL,
  body INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  keywords TEXT,
  internal_date_ms INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  removed_ms INTEGER NOT NULL,
  ${checksumOf('retained')},
  PRIMARY KEY (folder, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX retained_age ON retained (mailbox, removed_ms);

-- Grantee 0 = anyone. The owner's rights are not written down: they cannot be taken away.
CREATE TABLE folder_right (
  folder INTEGER NOT NULL,
  grantee INTEGER NOT NULL,
  rights TEXT NOT NULL,
  ${checksumOf('folder_right')},
  PRIMARY KEY (folder, grantee)
) STRICT, WITHOUT ROWID;
CREATE INDEX folder_right_grantee ON folder_right (grantee);

-- Folder 0 = of the mailbox as a whole. Owner 0 = shared; else the mailbox whose private values they are.
CREATE TABLE annotation (
  mailbox INTEGER NOT NULL,
  folder INTEGER NOT NULL,
  owner INTEGER NOT NULL,
  name TEXT NOT NULL,
  value BLOB NOT NULL,
  ${checksumOf('annotation')},
  PRIMARY KEY (mailbox, folder, owner, name)
) STRICT, WITHOUT ROWID;
`;

/** Of folder.uid_total: more bits than this and the sum of a big folder's UIDs would leave the safe integers. */
export const UID_TOTAL_MASK = 0xff_ff_ff_ff;

/** Everything that refers to a body, a row for each reference. */
export const BODY_USES = '(SELECT body FROM message UNION ALL SELECT body FROM retained)';

/**
 * Tables in the order in which the digest walks them, with the columns that order their rows. Where bodies lie is left
 * out (pack, position, and the counts by pack): that is a copy's own affair.
 */
export const DIGESTED_TABLES: readonly { readonly table: string; readonly order: string; readonly columns?: string }[] =
  [
    { table: 'mailbox', order: 'id' },
    { table: 'folder', order: 'id' },
    { table: 'subscription', order: 'mailbox, name' },
    { table: 'message', order: 'folder, uid' },
    { table: 'body', order: 'id', columns: 'id, size_bytes, crc32, references_count, structure, sender, trace' },
    { table: 'delivery', order: 'id' },
    { table: 'tombstone', order: 'folder, modseq, first_uid' },
    { table: 'mailbox_usage', order: 'mailbox' },
    { table: 'mailbox_limit', order: 'mailbox' },
    { table: 'retained', order: 'folder, uid' },
    { table: 'folder_right', order: 'folder, grantee' },
    { table: 'annotation', order: 'mailbox, folder, owner, name' },
  ];
