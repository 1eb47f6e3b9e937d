/**
 * How far the active copy's database may be committed (C9). In the sync modes what is committed is held by every copy that may take
 * over, and may enter. In async it waits for a moment until the other copies have it too, and for longer behind a limited number
 * of log files: so that after a loss the old active cuts its log and not its database. For a copy
 * that is away it does not wait: all changes stand still meanwhile.
 */
import { type Clock, sleep } from '../base/clock.ts';
import type { CommitPoint, ReplicationMode } from './commit-point.ts';
import type { CopyHosts } from './copy-hosts.ts';
import { notActive } from './journal-problems.ts';
import { replicationLimits } from './limits.ts';

/** How often the other copies are looked at. */
const LOOK_INTERVAL_MS = 5;

export interface DatabaseGateOptions {
  readonly mode: ReplicationMode;
  readonly copies: CopyHosts;
  readonly isConnected: (host: string) => boolean;
  readonly clock: Clock;
  readonly commit: CommitPoint;
  /** Of the open log file. */
  readonly generation: () => number;
  /** Why this copy is no longer active. */
  readonly ended: () => string | undefined;
}

export class DatabaseGate {
  readonly #options: DatabaseGateOptions;
  /** The open log file when the database was last allowed to commit. */
  #passedGeneration: number;

  constructor(options: DatabaseGateOptions) {
    this.#options = options;
    this.#passedGeneration = options.generation();
  }

  async mayPass(lsn: number): Promise<boolean> {
    const { mode, clock, generation } = this.#options;
    if (mode !== 'async') return true;
    const deadline = clock.monotonicMs() + replicationLimits.databaseWaitMs;
    this.#mustBeActive();
    while (this.#isOnItsWay(lsn) && clock.monotonicMs() < deadline) {
      await sleep(clock, LOOK_INTERVAL_MS);
      this.#mustBeActive();
    }
    const lag = generation() - this.#passedGeneration;
    if (this.#lacking(lsn).length > 0 && lag <= replicationLimits.lostLogResilienceDepth) return false;
    this.#passedGeneration = generation();
    return true;
  }

  #mustBeActive(): void {
    const reason = this.#options.ended();
    if (reason !== undefined) throw notActive(reason);
  }

  /** To every copy that lacks it. */
  #isOnItsWay(lsn: number): boolean {
    const lacking = this.#lacking(lsn);
    return lacking.length > 0 && lacking.every((copy) => this.#options.isConnected(copy));
  }

  #lacking(lsn: number): readonly string[] {
    const { copies, commit } = this.#options;
    return copies.others.filter((copy) => commit.durableAt(copy) < lsn);
  }
}
