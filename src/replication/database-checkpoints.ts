/**
 * When the write-ahead file of a copy's database is carried over: with every so-many-th commit, because only while no
 * transaction is open can it be carried over whole and start anew. Most of it was carried over just before, beside the
 * serving.
 */
import type { Checkpoint } from '../store/commit.ts';
import { replicationLimits } from './limits.ts';

export class DatabaseCheckpoints {
  readonly #run: Checkpoint;
  readonly #committedLsn: () => number;
  #commits = 0;
  /** Where a complete checkpoint left the database: a loss of power does not take it back behind this. */
  lsn = 0;
  /** The last commit was carried over. */
  isComplete = true;

  constructor(run: Checkpoint, committedLsn: () => number) {
    this.#run = run;
    this.#committedLsn = committedLsn;
  }

  /** Asked once for each commit: what is to be done with it, if anything. */
  due(): Checkpoint | undefined {
    this.#commits += 1;
    this.isComplete = false;
    if (this.#commits % replicationLimits.commitsPerCheckpoint !== 0) return undefined;
    return async () => {
      this.isComplete = await this.#run();
      if (this.isComplete) this.lsn = this.#committedLsn();
      return this.isComplete;
    };
  }
}
