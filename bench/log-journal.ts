/** A store's journal on one log without other copies: committed is what is durable here. */
import type { TransactionLog } from '../src/log/transaction-log.ts';
import type { Journal } from '../src/store/journal.ts';

export class LogJournal implements Journal {
  readonly #log: TransactionLog;

  constructor(log: TransactionLog) {
    this.#log = log;
  }

  /** Returns the LSN of the epoch's first record. */
  startEpoch(epoch: number, kind: number, payload: Buffer): number {
    return this.#log.startEpoch(epoch, kind, payload).lsn;
  }

  admit(payloadBytes: number): void {
    this.#log.admit(payloadBytes);
  }

  nextLsn(): number {
    return this.#log.endLsn + 1;
  }

  append(kind: number, payload: Uint8Array): number {
    return this.#log.append(kind, payload).lsn;
  }

  committed(lsn: number): Promise<void> {
    return this.#log.durable(lsn);
  }

  mayEnterDatabase(): Promise<boolean> {
    return Promise.resolve(true);
  }
}
