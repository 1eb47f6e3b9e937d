/**
 * Answers that wait: for their record to be committed, and then for the lease. The lease is checked last, at the very
 * moment of answering (C1); one that ran out may still be renewed under the same epoch, and then nobody else served meanwhile.
 */
import type { Clock } from '../base/clock.ts';
import { type Deferred, deferred } from '../base/deferred.ts';
import { type LeaseHolder, readClock } from '../cluster/lease.ts';
import { notActive } from './journal-problems.ts';
import { replicationLimits } from './limits.ts';

interface CommitWaiter {
  readonly lsn: number;
  readonly sinceMs: number;
  readonly done: Deferred<void>;
}

export interface CommitWaitersOptions {
  readonly epoch: number;
  readonly lease: LeaseHolder;
  readonly clock: Clock;
}

export class CommitWaiters {
  readonly #options: CommitWaitersOptions;
  /** In the order of their LSNs. */
  #forCommit: CommitWaiter[] = [];
  #forLease: CommitWaiter[] = [];

  constructor(options: CommitWaitersOptions) {
    this.#options = options;
  }

  /** Of those that wait for a commit. */
  get oldest(): { readonly lsn: number; readonly sinceMs: number } | undefined {
    return this.#forCommit[0];
  }

  get count(): number {
    return this.#forCommit.length + this.#forLease.length;
  }

  add(lsn: number, committedLsn: number): Promise<void> {
    const waiter = { lsn, sinceMs: this.#options.clock.monotonicMs(), done: deferred<void>() };
    if (lsn <= committedLsn) this.#answer(waiter);
    else this.#forCommit.push(waiter);
    return waiter.done.promise;
  }

  committedTo(committedLsn: number): void {
    let count = 0;
    for (const waiter of this.#forCommit) {
      if (waiter.lsn > committedLsn) break;
      this.#answer(waiter);
      count += 1;
    }
    if (count > 0) this.#forCommit.splice(0, count);
  }

  leaseRenewed(): void {
    const waiters = this.#forLease;
    this.#forLease = [];
    for (const waiter of waiters) this.#answer(waiter);
  }

  /** Those that have waited for the lease for too long. */
  giveUpOld(nowMs: number): void {
    const kept: CommitWaiter[] = [];
    for (const waiter of this.#forLease) {
      if (nowMs - waiter.sinceMs < replicationLimits.leaseWaitMs) kept.push(waiter);
      else waiter.done.reject(notActive('the lease is not held'));
    }
    this.#forLease = kept;
  }

  /** Whoever waits learns that the outcome is not known here. */
  end(reason: string): void {
    const waiters = [...this.#forCommit, ...this.#forLease];
    this.#forCommit = [];
    this.#forLease = [];
    for (const waiter of waiters) waiter.done.reject(notActive(reason));
  }

  #answer(waiter: CommitWaiter): void {
    const { lease, clock, epoch } = this.#options;
    if (lease.isHeld(readClock(clock), epoch)) waiter.done.resolve();
    else this.#forLease.push(waiter);
  }
}
