/**
 * How many messages and deleted items refer to a body, moved by whole runs of UIDs. A body that nobody refers to is
 * forgotten at once; its bytes stay in the pack until the whole pack is empty.
 */
import type { StatementSync } from 'node:sqlite';
import type { UidRange } from '../mail/uid-set.ts';
import type { Database } from './database.ts';

export class BodyReferences {
  readonly #database: Database;
  readonly #hold: StatementSync;
  readonly #release: StatementSync;
  readonly #delete: StatementSync;

  constructor(database: Database, table: 'message' | 'retained') {
    this.#database = database;
    const run = `${table} WHERE folder = ? AND uid BETWEEN ? AND ?`;
    const move = (sign: '+' | '-') =>
      `UPDATE body SET references_count = references_count ${sign} run.uses
        FROM (SELECT body, count(*) AS uses FROM ${run} GROUP BY body) AS run WHERE body.id = run.body`;
    this.#hold = database.prepare(move('+'));
    this.#release = database.prepare(move('-'));
    this.#delete = database.prepare(
      `DELETE FROM body WHERE references_count = 0 AND id IN (SELECT body FROM ${run}) RETURNING pack`,
    );
  }

  /** Each of the run's rows will be there twice. */
  hold(folderId: number, { first, last }: UidRange): void {
    this.#hold.run(folderId, first, last);
  }

  /** The run's rows are about to go. */
  release(folderId: number, { first, last }: UidRange): void {
    this.#release.run(folderId, first, last);
    const gone = this.#delete.all(folderId, first, last) as unknown as readonly [number][];
    for (const [pack] of gone) this.#database.countBodies(pack, -1);
  }
}
