/**
 * Every row of a damaged database that can still be read. A damaged page ends a walk along a tree, so each table is
 * walked from both ends of its keys; what lies between two damaged places is looked for by halving the range of keys,
 * down to about what one page holds. What no walk reaches any more is then found page by page (page-rows.ts).
 *
 * A row that does not agree with its checksum is kept, for it may be all that is left of a message, and is named. A body's
 * row is not: it is made anew from its pack.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { messageOf } from '../../base/problem.ts';
import { MAX_UID } from '../../mail/limits.ts';
import { isWhole, nameOfRow, type Row, wholeRow } from '../row-sum.ts';
import { TABLES, type Table } from '../schema.ts';
import { MAX_SALVAGE_PROBES } from './limits.ts';
import type { FoundRow } from './page-rows.ts';

export interface LostRange {
  readonly table: string;
  readonly firstKey: number;
  readonly lastKey: number;
  readonly what: string;
}

export interface Salvage {
  readonly rowsFromPages: number;
  readonly lost: readonly LostRange[];
}

/** A range that is narrower than this is given up: about what one page holds. */
const NARROWEST_RANGE = 64;

interface Keyed {
  readonly table: Table;
  /** An integer that leads the table's own tree. */
  readonly key: string;
  readonly order: string;
  /** Rows of one key are many, and are walked by this one. */
  readonly second?: string;
}

const tables: readonly Keyed[] = [
  { table: 'mailbox', key: 'id', order: 'id' },
  { table: 'folder', key: 'id', order: 'id' },
  { table: 'subscription', key: 'mailbox', order: 'mailbox, name' },
  { table: 'message', key: 'folder', order: 'folder, uid', second: 'uid' },
  { table: 'body', key: 'id', order: 'id' },
  { table: 'tombstone', key: 'folder', order: 'folder, modseq, first_uid', second: 'modseq' },
  { table: 'mailbox_limit', key: 'mailbox', order: 'mailbox' },
  { table: 'retained', key: 'folder', order: 'folder, uid', second: 'uid' },
  { table: 'folder_right', key: 'folder', order: 'folder, grantee' },
  { table: 'annotation', key: 'mailbox', order: 'mailbox, folder, owner, name' },
];

interface Highest {
  readonly mailboxId: number;
  readonly folderId: number;
  readonly bodyId: number;
}

/**
 * Copies what can be read of `source` into `target`, which has the schema and no rows. `highest`: ids were given out below
 * these. `pages`: all rows that are found without the trees.
 */
export async function salvage(
  source: DatabaseSync,
  target: DatabaseSync,
  highest: Highest,
  pages: AsyncIterable<FoundRow>,
): Promise<Salvage> {
  const lost: LostRange[] = [];
  target.exec('BEGIN IMMEDIATE');
  for (const keyed of tables) {
    const run = new TableSalvage(source, target, keyed);
    if (run.isKnown()) run.walk(0, highestKey(keyed, highest));
    lost.push(...run.lost);
  }
  salvageDeliveries(source, target, lost);
  const rowsFromPages = await addFromPages(target, pages);
  target.exec('COMMIT');
  return { rowsFromPages, lost: [...lost.filter(isUncounted), ...shortFolders(target)] };
}

/** A row that a walk has found stays as it is. */
async function addFromPages(target: DatabaseSync, pages: AsyncIterable<FoundRow>): Promise<number> {
  const wanted: readonly Table[] = [...tables.map(({ table }) => table), 'delivery'];
  const inserts = new Map(wanted.map((table) => [table, insertInto(target, table)]));
  let rows = 0;
  for await (const { table, row } of pages) rows += Number(inserts.get(table)?.run(...row.slice(0, -1)).changes ?? 0);
  return rows;
}

/** What is missing of messages their folders tell, and what is missing of bodies their messages. */
function isUncounted({ table, what }: LostRange): boolean {
  return what.endsWith(KEPT_UNSOUND) || !(table === 'body' || table.startsWith('message'));
}

function shortFolders(target: DatabaseSync): LostRange[] {
  const rows = target
    .prepare(
      `SELECT f.id, f.uid_next, f.message_count AS counted, count(m.uid) AS found FROM folder f
       LEFT JOIN message m ON m.folder = f.id GROUP BY f.id HAVING found < counted`,
    )
    .all();
  return rows.map((row) => {
    const [id, uidNext, counted, found] = ['id', 'uid_next', 'counted', 'found'].map((name) => Number(row[name]));
    const what = `${Number(counted) - Number(found)} of its ${counted} messages have no row any more`;
    return { table: `message of folder ${id}`, firstKey: 1, lastKey: Number(uidNext) - 1, what };
  });
}

function highestKey({ table, key }: Keyed, highest: Highest): number {
  if (table === 'body') return highest.bodyId;
  return table === 'mailbox' || key === 'mailbox' ? highest.mailboxId : highest.folderId;
}

const KEPT_UNSOUND = 'does not agree with its checksum, and is kept as it is';

class TableSalvage {
  readonly lost: LostRange[] = [];
  readonly #source: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #keyed: Keyed;
  #probes = 0;

  constructor(source: DatabaseSync, target: DatabaseSync, keyed: Keyed) {
    this.#source = source;
    this.#keyed = keyed;
    this.#insert = insertInto(target, keyed.table);
  }

  /** False when the database does not know its own tables any more. */
  isKnown(): boolean {
    const { table } = this.#keyed;
    try {
      this.#source.prepare(`SELECT ${wholeRow(table)} FROM ${table} NOT INDEXED`);
      return true;
    } catch (error) {
      this.lost.push({ table, firstKey: 0, lastKey: 0, what: messageOf(error) });
      return false;
    }
  }

  walk(first: number, last: number): void {
    const { table, key, order, second } = this.#keyed;
    const from = (direction: string): string =>
      `SELECT ${wholeRow(table)} FROM ${table} NOT INDEXED WHERE ${key} BETWEEN ? AND ? ORDER BY ${order.replaceAll(',', ` ${direction},`)} ${direction}`;
    const gaps = this.#search(first, last, [from('ASC'), from('DESC')], key, []);
    if (second === undefined) {
      this.lost.push(...gaps);
      return;
    }
    const within = (direction: string): string =>
      `SELECT ${wholeRow(table)} FROM ${table} NOT INDEXED WHERE ${key} = ? AND ${second} BETWEEN ? AND ?
       ORDER BY ${second} ${direction}`;
    const top = second === 'uid' ? MAX_UID : Number.MAX_SAFE_INTEGER;
    for (const gap of gaps) {
      for (let one = gap.firstKey; one <= Math.min(gap.lastKey, gap.firstKey + NARROWEST_RANGE * 2); one++) {
        const inner = this.#search(0, top, [within('ASC'), within('DESC')], second, [one]);
        this.lost.push(...inner.map((range) => ({ ...range, table: `${table} of ${key} ${one}` })));
      }
    }
  }

  /** The ranges in which nothing could be read. Keys at their ends were read partly, so they belong to both sides. */
  #search(
    first: number,
    last: number,
    sql: readonly [string, string],
    key: string,
    fixed: readonly number[],
  ): LostRange[] {
    const gaps: LostRange[] = [];
    const open: { first: number; last: number }[] = [{ first, last }];
    for (let range = open.pop(); range !== undefined; range = open.pop()) {
      const up = this.#read(sql[0], [...fixed, range.first, range.last], key);
      if (up.failure === undefined) continue;
      const down = this.#read(sql[1], [...fixed, range.first, range.last], key);
      const from = Math.max(range.first, up.lastKey ?? range.first);
      const to = Math.min(range.last, down.lastKey ?? range.last);
      if (to - from <= NARROWEST_RANGE || this.#probes > MAX_SALVAGE_PROBES) {
        gaps.push({ table: this.#keyed.table, firstKey: from, lastKey: to, what: up.failure });
        continue;
      }
      const middle = Math.floor((from + to) / 2);
      open.push({ first: from, last: middle }, { first: middle + 1, last: to });
    }
    return merged(gaps);
  }

  #read(
    sql: string,
    parameters: readonly number[],
    key: string,
  ): { lastKey: number | undefined; failure: string | undefined } {
    this.#probes += 1;
    let lastKey: number | undefined;
    try {
      for (const row of this.#source.prepare(sql).iterate(...parameters)) {
        this.#keep(Object.values(row) as Row);
        lastKey = Number(row[key]);
      }
      return { lastKey, failure: undefined };
    } catch (error) {
      return { lastKey, failure: messageOf(error) };
    }
  }

  #keep(row: Row): void {
    const { table } = this.#keyed;
    const isSound = isWhole(table, row);
    if (table === 'body' && !isSound) return;
    const { changes } = this.#insert.run(...row.slice(0, -1));
    if (isSound || Number(changes) === 0) return;
    const key = Number(row[0]);
    const what = `${nameOfRow(table, row)} ${KEPT_UNSOUND}`;
    this.lost.push({ table, firstKey: key, lastKey: key, what });
  }
}

/** Their keys are random bytes: forwards and backwards must do. What is missing can at worst deliver something twice. */
function salvageDeliveries(source: DatabaseSync, target: DatabaseSync, lost: LostRange[]): void {
  const insert = insertInto(target, 'delivery');
  for (const direction of ['ASC', 'DESC']) {
    try {
      for (const row of source
        .prepare(`SELECT ${wholeRow('delivery')} FROM delivery NOT INDEXED ORDER BY id ${direction}`)
        .iterate()) {
        insert.run(...Object.values(row).slice(0, -1));
      }
      return;
    } catch (error) {
      if (direction === 'DESC') lost.push({ table: 'delivery', firstKey: 0, lastKey: 0, what: messageOf(error) });
    }
  }
}

function insertInto(target: DatabaseSync, table: Table): StatementSync {
  // A damaged page may give a row that was read already, or one that no longer keeps to its column's type.
  return target.prepare(`INSERT OR IGNORE INTO ${table} VALUES (${TABLES[table].columns.map(() => '?').join(', ')})`);
}

function merged(gaps: readonly LostRange[]): LostRange[] {
  const result: LostRange[] = [];
  for (const gap of gaps.toSorted((a, b) => a.firstKey - b.firstKey)) {
    const last = result.at(-1);
    if (last !== undefined && gap.firstKey <= last.lastKey + 1) {
      result[result.length - 1] = { ...last, lastKey: Math.max(last.lastKey, gap.lastKey) };
    } else result.push(gap);
  }
  return result;
}
