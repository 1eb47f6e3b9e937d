/**
 * The passive side of a storage group: records come in committed, in the log's order, and become rows. A copy that
 * becomes active makes a StorageGroup of the same database as it stands; one that steps down drops it, makes a
 * Replayer again (which goes back to the last commit) and goes on with what the log holds.
 */
import { assert } from '../base/assert.ts';
import { Applier, type StoredRecord } from './apply.ts';
import { type Checkpoint, commitStore } from './commit.ts';
import type { Database } from './database.ts';
import type { Packs } from './packs.ts';
import { Queries } from './queries.ts';

export class Replayer {
  readonly #database: Database;
  readonly #packs: Packs;
  readonly #queries: Queries;
  readonly #applier: Applier;
  #isCommitting = false;

  /** Starts at the last commit: `appliedLsn` says from where records are wanted. */
  constructor({ database, packs }: { database: Database; packs: Packs }) {
    this.#database = database;
    this.#packs = packs;
    this.#queries = new Queries(database);
    this.#applier = new Applier(database, packs, this.#queries);
    this.#applier.rollback();
  }

  get appliedLsn(): number {
    return this.#database.appliedLsn;
  }

  /** A record below the applied LSN does nothing. Problems as of Applier.apply. Not while the database commits. */
  apply(record: StoredRecord): void {
    assert(!this.#isCommitting, 'No record is applied while the database commits');
    this.#applier.apply(record);
  }

  /** What was applied so far is in the database file, bodies first. Resolves to the LSN committed. */
  async commitDatabase(checkpoint?: Checkpoint): Promise<number> {
    assert(!this.#isCommitting, 'One commit at a time');
    this.#isCommitting = true;
    try {
      if (this.#applier.failure !== undefined) throw this.#applier.failure;
      await this.#packs.sync();
      return await commitStore(this.#database, this.#packs, this.#queries, checkpoint);
    } catch (error) {
      this.#applier.refuse(error);
      throw error;
    } finally {
      this.#isCommitting = false;
    }
  }

  rollback(): void {
    assert(!this.#isCommitting, 'No rollback while the database commits');
    this.#applier.rollback();
  }
}
