/**
 * Does every row agree with its checksum (row-sum.ts)? A walk over all tables in the order of their keys, in steps: no
 * read transaction outlives a step, and whoever walks can rest between two.
 */
import type { DatabaseSync } from 'node:sqlite';
import { messageOf } from '../../base/problem.ts';
import { isWhole, type Row, rowDamage, wholeRow } from '../row-sum.ts';
import { TABLES, type Table } from '../schema.ts';
import { type DatabaseFile, wholeFile } from './check-database.ts';
import type { Finding } from './finding.ts';
import { MAX_DATABASE_ERRORS, ROWS_AT_ONCE } from './limits.ts';

export interface SumStep {
  readonly rows: number;
  readonly findings: readonly Finding[];
}

/** Ends early at a table that cannot be read, or when there is too much to name. */
export function* stepsOfSums(file: DatabaseFile): Generator<SumStep> {
  let found = 0;
  for (const table of Object.keys(TABLES) as Table[]) {
    try {
      for (const rows of batches(file.connection, table)) {
        const damaged = rows.filter((row) => !isWhole(table, row)).slice(0, MAX_DATABASE_ERRORS);
        found += damaged.length;
        yield { rows: rows.length, findings: damaged.map((row) => wholeFile(file, rowDamage(table, row))) };
        if (found >= MAX_DATABASE_ERRORS) return;
      }
    } catch (error) {
      yield { rows: 0, findings: [wholeFile(file, `${table}: ${messageOf(error)}`)] };
      return;
    }
  }
}

/** The same in one go. */
export function checkSums(file: DatabaseFile): readonly Finding[] {
  return [...stepsOfSums(file)].flatMap(({ findings }) => findings);
}

function* batches(connection: DatabaseSync, table: Table): Generator<readonly Row[]> {
  const keys = TABLES[table].key;
  const list = keys.join(', ');
  const from = `SELECT ${wholeRow(table)} FROM ${table} NOT INDEXED`;
  const end = `ORDER BY ${list} LIMIT ${ROWS_AT_ONCE}`;
  const first = connection.prepare(`${from} ${end}`);
  const next = connection.prepare(`${from} WHERE (${list}) > (${keys.map(() => '?').join(', ')}) ${end}`);
  for (const statement of [first, next]) statement.setReturnArrays(true);
  let rows = first.all() as unknown as readonly Row[];
  while (rows.length > 0) {
    yield rows;
    const last = rows.at(-1) ?? [];
    rows = rows.length < ROWS_AT_ONCE ? [] : (next.all(...last.slice(0, keys.length)) as unknown as readonly Row[]);
  }
}
