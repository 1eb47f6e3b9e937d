/** A journal in memory: it keeps every record, and commits at once, or only when told to. */
import { type Deferred, deferred } from '../../base/deferred.ts';
import { Problem } from '../../base/problem.ts';
import { makeLsn } from '../../log/lsn.ts';
import type { StoredRecord } from '../apply.ts';
import type { Journal } from '../journal.ts';

export class MemoryJournal implements Journal {
  readonly records: StoredRecord[] = [];
  /** Admits nothing while true. */
  isBusy = false;
  readonly #commitsAtOnce: boolean;
  #next: number;
  #committed = 0;
  #isActive = true;
  #waiting: { lsn: number; done: Deferred<void> }[] = [];

  constructor({ epoch = 1, commitsAtOnce = true }: { epoch?: number; commitsAtOnce?: boolean } = {}) {
    this.#next = makeLsn(epoch, 1);
    this.#commitsAtOnce = commitsAtOnce;
  }

  get committedLsn(): number {
    return this.#committed;
  }

  admit(): void {
    this.#check();
    if (this.isBusy) throw new Problem('LogBusy', 'Cannot accept a change: the log is busy.', { temporary: true });
  }

  nextLsn(): number {
    return this.#next;
  }

  append(kind: number, payload: Uint8Array): number {
    this.#check();
    const lsn = this.#next++;
    this.records.push({ lsn, kind, payload: Buffer.from(payload) });
    if (this.#commitsAtOnce) this.#committed = lsn;
    return lsn;
  }

  async committed(lsn: number): Promise<void> {
    this.#check();
    if (lsn <= this.#committed) return;
    const done = deferred<void>();
    this.#waiting.push({ lsn, done });
    await done.promise;
  }

  mayEnterDatabase(): Promise<boolean> {
    return Promise.resolve(true);
  }

  /** Everything appended so far is committed. */
  commit(): void {
    this.#committed = this.#next - 1;
    const ready = this.#waiting.filter(({ lsn }) => lsn <= this.#committed);
    this.#waiting = this.#waiting.filter(({ lsn }) => lsn > this.#committed);
    for (const { done } of ready) done.resolve();
  }

  /** The next records belong to `epoch`. */
  startEpoch(epoch: number): void {
    this.#next = makeLsn(epoch, 1);
  }

  /** The lease is gone. */
  depose(): void {
    this.#isActive = false;
    for (const { done } of this.#waiting) done.reject(notActive());
    this.#waiting = [];
  }

  #check(): void {
    if (!this.#isActive) throw notActive();
  }
}

function notActive(): Problem {
  return new Problem('NotActive', 'Cannot use the journal: this copy is not active.', { temporary: true });
}
