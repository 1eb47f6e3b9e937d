/**
 * Records that came in and are in the log, kept until they are applied so that they need not be read again. What goes
 * beyond the bound is dropped, and read from the log when its turn comes.
 */
import { replicationLimits } from './limits.ts';

export interface PendingRecord {
  readonly lsn: number;
  readonly generation: number;
  readonly frame: Buffer;
}

export class PendingRecords {
  #records: PendingRecord[] = [];
  #bytes = 0;

  get first(): PendingRecord | undefined {
    return this.#records[0];
  }

  push(record: PendingRecord): void {
    this.#records.push(record);
    this.#bytes += record.frame.length;
  }

  /** Once a batch is in. */
  keepBound(): void {
    if (this.#bytes > replicationLimits.pendingBytes) this.clear();
  }

  clear(): void {
    this.#records = [];
    this.#bytes = 0;
  }

  /** Hands over the records up to `limitLsn`, one by one, until `isOver`. */
  take(limitLsn: number, isOver: () => boolean, use: (record: PendingRecord) => void): void {
    let count = 0;
    for (const record of this.#records) {
      if (record.lsn > limitLsn || isOver()) break;
      use(record);
      count += 1;
    }
    this.#remove(count);
  }

  /**
   * A seed's database may hold all that came with the first log file. Left here, those records would stand for what
   * follows them in the log and never came through here: the record that begins an epoch of this copy's own.
   */
  dropUpTo(appliedLsn: number): void {
    const next = this.#records.findIndex(({ lsn }) => lsn > appliedLsn);
    this.#remove(next === -1 ? this.#records.length : next);
  }

  #remove(count: number): void {
    for (const { frame } of this.#records.splice(0, count)) this.#bytes -= frame.length;
  }
}
