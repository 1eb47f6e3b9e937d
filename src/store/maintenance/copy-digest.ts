/**
 * What a copy holds as one number, and as one for each folder, so that a difference can be narrowed down. Unlike
 * store/digest.ts it leaves out where bodies lie: places are a copy's own affair (defragmentation changes them), their
 * checksums are not. What it sees is the last commit, so two copies are compared when both stand at the same LSN.
 */
import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { readTally } from '../database.ts';

type Hash = ReturnType<typeof createHash>;

export interface CopyDigest {
  readonly lsn: number;
  /** SHA-256, hex. */
  readonly whole: string;
  /** By folder id; the digest of everything that belongs to no folder is under 0. */
  readonly folders: Readonly<Record<string, string>>;
}

const MESSAGES = `SELECT m.folder, m.uid, m.flags, m.keywords, m.modseq, m.internal_date_ms, m.size_bytes, m.body,
  b.size_bytes, b.crc32, b.references_count FROM message m LEFT JOIN body b ON b.id = m.body ORDER BY m.folder, m.uid`;

const OUTSIDE = [
  'SELECT * FROM mailbox ORDER BY id',
  'SELECT * FROM subscription ORDER BY mailbox, name',
  'SELECT * FROM mailbox_usage ORDER BY mailbox',
  'SELECT * FROM mailbox_limit ORDER BY mailbox',
  'SELECT mailbox, folder, owner, name, hex(value) FROM annotation ORDER BY mailbox, folder, owner, name',
  'SELECT hex(id), accepted_ms, lsn, hex(mailboxes) FROM delivery ORDER BY id',
];

/** The first column is the folder. */
const BY_FOLDER = [
  'SELECT id, * FROM folder ORDER BY id',
  MESSAGES,
  'SELECT folder, modseq, first_uid, last_uid FROM tombstone ORDER BY folder, modseq, first_uid',
  `SELECT r.*, b.size_bytes, b.crc32, b.references_count FROM retained r LEFT JOIN body b ON b.id = r.body
    ORDER BY r.folder, r.uid`,
  'SELECT * FROM folder_right ORDER BY folder, grantee',
];

/** In one read transaction of the connection, which is in none. A walk over all rows: not for a serving thread. */
export function digestCopy(connection: DatabaseSync): CopyDigest {
  connection.exec('BEGIN');
  try {
    const { appliedLsn, nextMailboxId, nextFolderId, nextBodyId, lastUidValidity } = readTally(connection);
    const hashes = new Map<number, Hash>();
    const outside = hashOf(hashes, 0).update(
      textOf([appliedLsn, nextMailboxId, nextFolderId, nextBodyId, lastUidValidity]),
    );
    for (const sql of OUTSIDE) for (const row of rowsOf(connection, sql)) outside.update(textOf(row));
    for (const sql of BY_FOLDER) addByFolder(hashes, connection, sql);
    return summary(appliedLsn, hashes);
  } finally {
    connection.exec('COMMIT');
  }
}

/** Folders whose digests differ, or that only one side has. */
export function differentFolders(here: CopyDigest, there: CopyDigest): readonly number[] {
  const ids = new Set([...Object.keys(here.folders), ...Object.keys(there.folders)]);
  return [...ids]
    .filter((id) => here.folders[id] !== there.folders[id])
    .map(Number)
    .sort((a, b) => a - b);
}

/** Rows come in the order of folders: texts are gathered, a hash is fed a few times per folder and not per row. */
function addByFolder(hashes: Map<number, Hash>, connection: DatabaseSync, sql: string): void {
  let folder = -1;
  let text = '';
  for (const row of rowsOf(connection, sql)) {
    const id = Number(row[0]);
    if (id !== folder || text.length > 64 * 1024) {
      if (folder >= 0) hashOf(hashes, folder).update(text);
      folder = id;
      text = '';
    }
    text += textOf(row);
  }
  if (folder >= 0) hashOf(hashes, folder).update(text);
}

function rowsOf(connection: DatabaseSync, sql: string): Iterable<readonly unknown[]> {
  const statement = connection.prepare(sql);
  statement.setReturnArrays(true);
  return statement.iterate() as unknown as Iterable<readonly unknown[]>;
}

/** JSON keeps texts, numbers and NULL apart. */
function textOf(row: readonly unknown[]): string {
  return `${JSON.stringify(row)}\n`;
}

function hashOf(hashes: Map<number, Hash>, folder: number): Hash {
  const known = hashes.get(folder) ?? createHash('sha256');
  hashes.set(folder, known);
  return known;
}

function summary(lsn: number, hashes: ReadonlyMap<number, Hash>): CopyDigest {
  const entries = [...hashes].sort(([a], [b]) => a - b).map(([id, hash]) => [String(id), hash.digest('hex')] as const);
  const whole = createHash('sha256').update(JSON.stringify(entries)).digest('hex');
  return { lsn, whole, folders: Object.fromEntries(entries) };
}
