/**
 * One number for what a copy holds, to compare copies at the same LSN: a walk over all rows in the order of their keys.
 * Bodies enter by checksum; whether the packs hold them is the scrub's question (Packs.read).
 *
 * A walk over everything takes seconds on a big database: give it a connection of its own (openReader) in a helper
 * thread; what it sees is the last commit.
 */
import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { type Database, readTally } from './database.ts';
import { DIGESTED_TABLES } from './schema.ts';

export interface Digest {
  /** The LSN at which the rows stand. */
  readonly lsn: number;
  /** SHA-256 as hex. */
  readonly sha256: string;
}

/** Of the whole database, one consistent moment of it. */
export function digestOf(connection: DatabaseSync): Digest {
  return inOneMoment(connection, () => {
    const hash = createHash('sha256');
    const tally = readTally(connection);
    const { appliedLsn, nextMailboxId, nextFolderId, nextBodyId, lastUidValidity } = tally;
    hash.update(JSON.stringify([appliedLsn, nextMailboxId, nextFolderId, nextBodyId, lastUidValidity]));
    for (const { table, order, columns = '*' } of DIGESTED_TABLES) {
      hash.update(`\n${table}\n`);
      addRows(hash, connection, `SELECT ${columns} FROM ${table} ORDER BY ${order}`, []);
    }
    return { lsn: tally.appliedLsn, sha256: hash.digest('hex') };
  });
}

/** Of one folder: its row, messages with the checksums of their bodies, what it remembers of removals, deleted items, rights and annotations. */
export function digestOfFolder(connection: DatabaseSync, folderId: number): Digest {
  return inOneMoment(connection, () => {
    const hash = createHash('sha256');
    addRows(hash, connection, 'SELECT * FROM folder WHERE id = ?', [folderId]);
    addRows(
      hash,
      connection,
      `SELECT m.*, b.size_bytes, b.crc32 FROM message m JOIN body b ON b.id = m.body WHERE m.folder = ? ORDER BY m.uid`,
      [folderId],
    );
    addRows(hash, connection, 'SELECT * FROM tombstone WHERE folder = ? ORDER BY modseq, first_uid', [folderId]);
    addRows(hash, connection, 'SELECT * FROM retained WHERE folder = ? ORDER BY uid', [folderId]);
    addRows(hash, connection, 'SELECT * FROM folder_right WHERE folder = ? ORDER BY grantee', [folderId]);
    addRows(hash, connection, 'SELECT * FROM annotation WHERE folder = ? ORDER BY owner, name', [folderId]);
    return { lsn: readTally(connection).appliedLsn, sha256: hash.digest('hex') };
  });
}

/** Of the database as it is applied, committed or not. */
export function digestApplied(database: Database): Digest {
  database.writeTally();
  return digestOf(database.connection);
}

function inOneMoment<T>(connection: DatabaseSync, read: () => T): T {
  if (connection.isTransaction) return read();
  connection.exec('BEGIN');
  try {
    return read();
  } finally {
    connection.exec('COMMIT');
  }
}

function addRows(
  hash: ReturnType<typeof createHash>,
  connection: DatabaseSync,
  sql: string,
  parameters: readonly number[],
): void {
  const statement = connection.prepare(sql);
  statement.setReturnArrays(true);
  for (const row of statement.iterate(...parameters)) hash.update(canonical(row as unknown as readonly unknown[]));
}

/** JSON keeps texts, numbers and NULL apart; a blob is an object, as no other column is. */
function canonical(row: readonly unknown[]): string {
  const columns = row.map((column) =>
    column instanceof Uint8Array ? { hex: Buffer.from(column).toString('hex') } : column,
  );
  return `${JSON.stringify(columns)}\n`;
}
