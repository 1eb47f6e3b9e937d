/**
 * A storage group's SQLite database: one connection, one long transaction. Nothing here makes a change last, the log
 * does; so the database commits only when it is told to, together with the LSN it stands at, and is never ahead of its
 * log. `rollback` returns to the last commit, and replay from there gives the same rows again.
 *
 * A transaction begins with the first write after a commit and not right behind the commit: while none is open, the
 * write-ahead file can be carried over completely and starts anew. A transaction that is always open would let it grow
 * for ever.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { AssertionError, assert } from '../base/assert.ts';
import { isProblem, messageOf, Problem } from '../base/problem.ts';
import { databaseProblem, diskProblemOf, explained, isUnreadable } from './database-problem.ts';
import { PAGE_CACHE_KIB, WAL_KEPT_BYTES } from './limits.ts';
import { CheckedRows, enableRowSums, wholeRow } from './row-sum.ts';
import { SCHEMA, SCHEMA_VERSION } from './schema.ts';

/** SQLite before this version can corrupt a database in WAL mode that two connections use. */
const OLDEST_SAFE_SQLITE = '3.51.3';

/** How long a connection waits for another one: a checkpoint's last moment, never longer. */
const BUSY_TIMEOUT_MS = 5_000;

/** The counters that every change needs: kept in memory, written to `meta` by the commit. */
export interface Tally {
  appliedLsn: number;
  nextMailboxId: number;
  nextFolderId: number;
  nextBodyId: number;
  /** UIDVALIDITY of the folder made last. */
  lastUidValidity: number;
  /** Where the next body goes. */
  pack: number;
  packEnd: number;
  /** Where the next body goes that a defragmentation moves (body-mover.ts); pack 0 while there is none. */
  movePack: number;
  moveEnd: number;
}

const EMPTY: Tally = {
  appliedLsn: 0,
  nextMailboxId: 1,
  nextFolderId: 1,
  nextBodyId: 1,
  lastUidValidity: 0,
  pack: 1,
  packEnd: 0,
  movePack: 0,
  moveEnd: 0,
};

export interface DatabaseOptions {
  /** A file's path, or ':memory:'. */
  readonly path: string;
  /** Of the log stream whose shadow this database is; another one is refused. */
  readonly signature: Uint8Array;
  /** A statement could not read what is in the file, or read a row that is damaged. */
  readonly onUnreadable?: ((what: string) => void) | undefined;
  /** For ':memory:' only: contents made by `imageOf`. */
  readonly image?: Uint8Array;
}

export class Database {
  readonly path: string;
  readonly connection: DatabaseSync;
  /** What is read for anyone goes through it. */
  readonly rows: CheckedRows;
  tally: Tally = { ...EMPTY };
  /** The counters as of the last commit. */
  #committed: Tally = { ...EMPTY };
  /** Bodies that came to and left a pack since the last commit. */
  readonly #packDeltas = new Map<number, number>();
  readonly #setMeta: StatementSync;
  readonly #addToPack: StatementSync;
  readonly #onUnreadable: DatabaseOptions['onUnreadable'];

  /**
   * Problem('DatabaseUnusable') when it is damaged, of another stream, of another version, or this SQLite is unsafe;
   * Problem('DiskFull' | 'DiskFailed') when its disk is the reason.
   */
  constructor(options: DatabaseOptions) {
    this.path = options.path;
    this.#onUnreadable = options.onUnreadable;
    this.connection = openConnection(options);
    this.rows = new CheckedRows(options.onUnreadable ?? (() => undefined));
    this.#setMeta = this.prepare('INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value');
    this.#addToPack = this.prepare(
      'INSERT INTO pack VALUES (?, ?) ON CONFLICT DO UPDATE SET live_bodies = live_bodies + excluded.live_bodies',
    );
    this.#load();
  }

  get appliedLsn(): number {
    return this.tally.appliedLsn;
  }

  /** Where the database stands when this process ends now. After a loss of power it may stand at an older commit. */
  get committedLsn(): number {
    return this.#committed.appliedLsn;
  }

  /**
   * There is something to commit: a record, or places that changed without one. The counters may move on without a row:
   * a record that changes none is applied all the same.
   */
  get hasNews(): boolean {
    const names = Object.keys(EMPTY) as (keyof Tally)[];
    return this.connection.isTransaction || names.some((name) => this.tally[name] !== this.#committed[name]);
  }

  /**
   * A kept statement whose rows are arrays: five times as fast as objects. What it throws for the disk's or the file's
   * sake is a Problem('DiskFull' | 'DiskFailed' | 'DatabaseDamaged').
   */
  prepare(sql: string): StatementSync {
    const statement = this.#compile(sql);
    statement.setReturnArrays(true);
    return explained(statement, (error) => this.#explain(error));
  }

  #compile(sql: string): StatementSync {
    try {
      return this.connection.prepare(sql);
    } catch (error) {
      throw this.#explain(error);
    }
  }

  /** To be called before a write. Problem('DiskFull' | 'DiskFailed' | 'DatabaseDamaged') */
  begin(): void {
    if (!this.connection.isTransaction) this.#execute('BEGIN IMMEDIATE');
  }

  #execute(sql: string): void {
    try {
      this.connection.exec(sql);
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #explain(error: unknown): unknown {
    const problem = databaseProblem(error, 'use the database', this.path);
    if (isUnreadable(error)) this.#onUnreadable?.(messageOf(problem));
    return problem;
  }

  /** Writes nothing when nothing has changed. Problem('DiskFull' | 'DiskFailed') */
  commit(): void {
    if (!this.hasNews) return;
    try {
      this.begin();
      this.writeTally();
      this.connection.exec('COMMIT');
    } catch (error) {
      throw databaseProblem(error, 'commit the database', this.path);
    }
    this.#committed = { ...this.tally };
  }

  rollback(): void {
    if (this.connection.isTransaction) this.#execute('ROLLBACK');
    this.#load();
  }

  /** Puts the counters into the open transaction, for whoever reads them by SQL. */
  writeTally(): void {
    this.begin();
    for (const [name, value] of Object.entries(this.tally)) this.#setMeta.run(name, value);
    for (const [pack, delta] of this.#packDeltas) this.#addToPack.run(pack, delta);
    this.#packDeltas.clear();
  }

  countBodies(pack: number, delta: number): void {
    this.#packDeltas.set(pack, (this.#packDeltas.get(pack) ?? 0) + delta);
  }

  /** Its file is gone. */
  forgetPack(pack: number): void {
    this.begin();
    this.connection.prepare('DELETE FROM pack WHERE id = ? AND live_bodies = 0').run(pack);
  }

  /** What was not committed is gone; the log has it. */
  close(): void {
    if (this.connection.isTransaction) this.connection.exec('ROLLBACK');
    this.connection.close();
  }

  #load(): void {
    this.#packDeltas.clear();
    try {
      this.tally = readTally(this.connection);
    } catch (error) {
      throw this.#explain(error);
    }
    this.#committed = { ...this.tally };
  }
}

/** The counters as they are committed (or, on the writing connection, written). Problem('DatabaseDamaged') */
export function readTally(connection: DatabaseSync): Tally {
  const rows = new CheckedRows(() => undefined);
  const statement = connection.prepare(`SELECT ${wholeRow('meta')} FROM meta`);
  statement.setReturnArrays(true);
  const stored = new Map(rows.all('meta', statement).map(([name, value]) => [name, value]));
  const names = Object.keys(EMPTY) as (keyof Tally)[];
  const missing = names.filter((name) => !stored.has(name));
  if (missing.length > 0 && missing.length < names.length) throw rows.damaged(`meta lacks ${missing.join(', ')}`);
  return tallyOf(stored);
}

/** From the rows of `meta`. */
export function tallyOf(stored: ReadonlyMap<unknown, unknown>): Tally {
  const names = Object.keys(EMPTY) as (keyof Tally)[];
  const tally = { ...EMPTY };
  for (const name of names) {
    const value = stored.get(name);
    if (typeof value === 'number') tally[name] = value;
  }
  return tally;
}

/**
 * A second connection that sees the last commit: for snapshots, digests and scrubs beside the serving thread.
 * Problem('DiskFailed' | 'DatabaseDamaged')
 */
export function openReader(path: string): DatabaseSync {
  assert(path !== ':memory:', 'A database in memory has one connection');
  try {
    const connection = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    // Even a mere copy into another file needs it.
    enableRowSums(connection);
    return connection;
  } catch (error) {
    throw databaseProblem(error, 'read the database', path);
  }
}

export function checkSqliteVersion(version: string): void {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  const [leastMajor = 0, leastMinor = 0, leastPatch = 0] = OLDEST_SAFE_SQLITE.split('.').map(Number);
  if (rank(major, minor, patch) < rank(leastMajor, leastMinor, leastPatch)) {
    throw unusable(`SQLite ${version} is older than ${OLDEST_SAFE_SQLITE}. Use a newer Node.`);
  }
}

function rank(major: number, minor: number, patch: number): number {
  return (major * 1_000 + minor) * 1_000 + patch;
}

function openConnection({ path, signature, image }: DatabaseOptions): DatabaseSync {
  let connection: DatabaseSync | undefined;
  try {
    connection = new DatabaseSync(path, { enableForeignKeyConstraints: false, timeout: BUSY_TIMEOUT_MS });
    checkSqliteVersion(String(connection.prepare('SELECT sqlite_version() AS version').get()?.['version']));
    if (image !== undefined) {
      assert(path === ':memory:', 'An image is opened in memory');
      connection.deserialize(image);
    }
    enableRowSums(connection);
    configure(connection);
    prepareSchema(connection, Buffer.from(signature));
    return connection;
  } catch (error) {
    connection?.close();
    if (isProblem(error) || error instanceof AssertionError) throw error;
    throw diskProblemOf(error, 'open the database', path) ?? unusable(`${messageOf(error)}. ${NEXT_STEP}`, error);
  }
}

/**
 * Free pages can be given back while the database is in use only if that is said before the first table is made. The
 * schema is trusted with functions because it calls ours (row-sum.ts); prepareSchema takes no other schema than ours.
 */
function configure(connection: DatabaseSync): void {
  connection.exec(`
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA journal_size_limit = ${WAL_KEPT_BYTES};
    PRAGMA cache_size = -${PAGE_CACHE_KIB};
    PRAGMA temp_store = MEMORY;
    PRAGMA mmap_size = 0;
    PRAGMA trusted_schema = ON;
    PRAGMA cell_size_check = ON;
  `);
}

function prepareSchema(connection: DatabaseSync, signature: Buffer): void {
  if (isEmpty(connection)) {
    connection.exec('BEGIN IMMEDIATE');
    connection.exec(SCHEMA);
    const insert = connection.prepare('INSERT INTO meta VALUES (?, ?)');
    insert.run('schema_version', SCHEMA_VERSION);
    insert.run('signature', signature.toString('hex'));
    connection.exec('COMMIT');
    return;
  }
  const value = (name: string) => connection.prepare('SELECT value FROM meta WHERE name = ?').get(name)?.['value'];
  const version = value('schema_version');
  if (version !== SCHEMA_VERSION) {
    throw unusable(`it has schema ${String(version)}, this version knows ${SCHEMA_VERSION}. ${NEXT_STEP}`);
  }
  if (schemaOf(connection) !== ourSchema()) throw unusable(`its schema is damaged. ${NEXT_STEP}`);
  if (value('signature') !== signature.toString('hex')) {
    throw unusable(`it belongs to another log stream. ${NEXT_STEP}`);
  }
}

/** A file in which nothing was ever committed has a header at most. One that lost its list of tables has more. */
function isEmpty(connection: DatabaseSync): boolean {
  const count = (sql: string): number => Number(Object.values(connection.prepare(sql).get() ?? {})[0]);
  return count('PRAGMA page_count') <= 1 && count('SELECT count(*) FROM sqlite_schema') === 0;
}

let expectedSchema: string | undefined;

function ourSchema(): string {
  if (expectedSchema !== undefined) return expectedSchema;
  const connection = new DatabaseSync(':memory:');
  enableRowSums(connection);
  connection.exec(SCHEMA);
  expectedSchema = schemaOf(connection);
  connection.close();
  return expectedSchema;
}

function schemaOf(connection: DatabaseSync): string {
  const rows = connection.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name').all();
  return JSON.stringify(rows);
}

const NEXT_STEP = 'Make this copy anew with Update-StorageGroupCopy.';

function unusable(reason: string, cause?: unknown): Problem {
  return new Problem('DatabaseUnusable', `Cannot open the database: ${reason}`, { cause });
}
