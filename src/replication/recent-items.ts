/**
 * The newest part of the log in memory: what copies that are caught up are sent (block mode), while the same bytes are
 * on their way to this disk. A copy that falls behind its end reads the log files instead (file mode), and comes back
 * here when it has caught up; nobody decides that by hand.
 */
import type { LogItem } from '../log/transaction-log.ts';

interface Entry {
  readonly item: LogItem;
  /** Where the log ended before this item. */
  readonly afterLsn: number;
  readonly bytes: number;
}

export class RecentItems {
  readonly #limitBytes: number;
  /** Entries before #head are gone; they are cut off in bulk. */
  #entries: Entry[] = [];
  #head = 0;
  #bytes = 0;
  #endLsn: number;

  constructor(options: { limitBytes: number; endLsn: number }) {
    this.#limitBytes = options.limitBytes;
    this.#endLsn = options.endLsn;
  }

  /** What is not durable yet cannot be read from the files, so it is kept whatever its size. */
  push(item: LogItem, durableLsn: number): void {
    const bytes = item.type === 'file' ? item.header.length : item.frame.length;
    this.#entries.push({ item, afterLsn: this.#endLsn, bytes });
    this.#bytes += bytes;
    if (item.type === 'record') this.#endLsn = item.lsn;
    this.#trim(durableLsn);
  }

  #trim(durableLsn: number): void {
    while (this.#bytes > this.#limitBytes) {
      const oldest = this.#entries[this.#head];
      if (oldest === undefined || oldest.afterLsn >= durableLsn) break;
      this.#bytes -= oldest.bytes;
      this.#head += 1;
    }
    if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  /**
   * The items that follow a log which ends at `lsn` in file `generation`, up to about `limitBytes`; undefined when the
   * first of them is no longer here.
   */
  following(lsn: number, generation: number, limitBytes: number): LogItem[] | undefined {
    if (lsn >= this.#endLsn && !this.#endsWithNewFile(generation)) return [];
    let index = this.#firstFrom(lsn);
    const first = this.#entries[index];
    if (first === undefined || first.afterLsn !== lsn) return undefined;
    if (first.item.type === 'file' && first.item.generation <= generation) index += 1;
    const items: LogItem[] = [];
    let bytes = 0;
    for (; index < this.#entries.length && bytes < limitBytes; index++) {
      const entry = this.#entries[index];
      if (entry === undefined) break;
      items.push(entry.item);
      bytes += entry.bytes;
    }
    return items;
  }

  #endsWithNewFile(generation: number): boolean {
    const last = this.#entries.at(-1);
    return this.#head < this.#entries.length && last?.item.type === 'file' && last.item.generation > generation;
  }

  /** Index of the first entry whose `afterLsn` is at least `lsn`. */
  #firstFrom(lsn: number): number {
    let low = this.#head;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entries[middle];
      if (entry !== undefined && entry.afterLsn < lsn) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
