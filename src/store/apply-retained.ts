/** The records about deleted items, as rows. Part of apply.ts, the only writer. */
import type { StatementSync } from 'node:sqlite';
import { FLAG_DELETED } from '../mail/flags.ts';
import { BodyReferences } from './body-references.ts';
import type { Database } from './database.ts';
import type { RestoredMessage, RetainedPurged } from './keeping-facts.ts';
import type { FolderEvent } from './mail-store.ts';
import { impossible } from './record-problem.ts';

export class RetainedWriter {
  readonly #bodies: BodyReferences;
  readonly #item: StatementSync;
  readonly #insertMessage: StatementSync;
  readonly #deleteRun: StatementSync;

  constructor(database: Database) {
    this.#bodies = new BodyReferences(database, 'retained');
    this.#item = database.prepare('SELECT flags, size_bytes FROM retained WHERE folder = ? AND uid = ?');
    this.#insertMessage = database.prepare(
      `INSERT INTO message SELECT ?, ?, body, flags & ~${FLAG_DELETED}, keywords, ?, internal_date_ms, size_bytes
        FROM retained WHERE folder = ? AND uid = ?`,
    );
    this.#deleteRun = database.prepare('DELETE FROM retained WHERE folder = ? AND uid BETWEEN ? AND ?');
  }

  purged(fact: RetainedPurged): FolderEvent[] {
    for (const { folderId, ranges } of fact.folders) {
      for (const range of ranges) {
        this.#bodies.release(folderId, range);
        if (Number(this.#deleteRun.run(folderId, range.first, range.last).changes) > 0) continue;
        throw impossible(`folder ${folderId} has no deleted item ${range.first}..${range.last}`);
      }
    }
    return [];
  }

  /** The item is a message of the target now; its body neither gains nor loses a reference. */
  restore(message: RestoredMessage, targetFolderId: number, lsn: number): { flags: number; sizeBytes: number } {
    const { folderId, uid, targetUid } = message;
    const row = this.#item.get(folderId, uid) as unknown as [number, number] | undefined;
    if (row === undefined) throw impossible(`deleted item ${folderId}/${uid} is not there`);
    this.#insertMessage.run(targetFolderId, targetUid, lsn, folderId, uid);
    this.#deleteRun.run(folderId, uid, uid);
    return { flags: row[0], sizeBytes: row[1] };
  }
}
