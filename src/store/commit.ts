/**
 * The end of a database commit, the same on the active and on a passive copy: rows and LSN together, then, when the
 * caller wants it, the write-ahead file carried over, then packs that nobody needs any more.
 *
 * SQLite does not sync a commit here (synchronous=NORMAL): after a loss of power the database may stand at an older
 * commit, and the log's files are needed from there on. What was carried over by a complete checkpoint stays.
 */
import type { Database } from './database.ts';
import type { Packs } from './packs.ts';
import type { Queries } from './queries.ts';

/**
 * Carries the write-ahead file over into the database file, away from the serving thread; true when all of it was. No
 * transaction is open while it runs here, and only then does the write-ahead file start anew: without it, it grows.
 */
export type Checkpoint = () => Promise<boolean>;

/** Everything applied is committed in the log, and its bodies are synced. Resolves to the LSN committed. */
export async function commitStore(
  database: Database,
  packs: Packs,
  queries: Queries,
  checkpoint?: Checkpoint,
): Promise<number> {
  database.commit();
  if (checkpoint !== undefined && (await checkpoint())) {
    // Only now: an older commit that a loss of power brings back may still refer to them.
    for (const pack of queries.emptyPacks(database.tally)) {
      packs.remove(pack);
      database.forgetPack(pack);
    }
  }
  return database.committedLsn;
}
