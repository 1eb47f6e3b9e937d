/**
 * The files of an open log, oldest first, as everybody in the process sees them: the group commit moves their ends and
 * names, readers look things up, truncation drops the oldest. The last one is the file that records are appended to; it
 * may not have reached the disk yet.
 *
 * Names change under readers: `E00.log` gets its number when it is closed, and a new file becomes `E00.log`. Whoever
 * reads by name waits for `settled`, remembers `nameChanges`, and reads again if it moved meanwhile.
 */
import { assert } from '../base/assert.ts';
import { LOG_HEADER_BYTES, type LogFile, type LogFileHeader } from './log-file.ts';
import { epochOf } from './lsn.ts';

export interface EpochEnd {
  epoch: number;
  /** First record of the epoch, or the first one that the files still hold. */
  firstLsn: number;
  lastLsn: number;
  /** crc of the record `lastLsn`: equal on two copies only if their histories up to it are equal. */
  lastChain: number;
}

export class LogFiles {
  readonly #files: LogFile[];
  #nameChanges = 0;
  #settled: Promise<void> = Promise.resolve();

  constructor(files: LogFile[]) {
    this.#files = files;
  }

  /** The file that records are appended to. */
  get open(): LogFile | undefined {
    return this.#files.at(-1);
  }

  get first(): LogFile | undefined {
    return this.#files[0];
  }

  get all(): readonly LogFile[] {
    return this.#files;
  }

  get nameChanges(): number {
    return this.#nameChanges;
  }

  get settled(): Promise<void> {
    return this.#settled;
  }

  add(file: LogFile): void {
    this.#files.push(file);
  }

  dropFirst(): void {
    assert(this.#files.length > 1, 'The open file is never dropped');
    this.#files.shift();
  }

  /** Runs `rename`, during which no name can be relied on. */
  async whileRenaming(rename: () => Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#nameChanges += 1;
    this.#settled = promise;
    try {
      await rename();
    } finally {
      resolve();
    }
  }

  byGeneration(generation: number): LogFile | undefined {
    const first = this.first;
    return first === undefined ? undefined : this.#files[generation - first.header.generation];
  }

  /** The file that holds the record `lsn`, if it is here. */
  holding(lsn: number): LogFile | undefined {
    let low = 0;
    let high = this.#files.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#files[middle] as LogFile).lastLsn < lsn) low = middle + 1;
      else high = middle;
    }
    const file = this.#files[low];
    return file !== undefined && lsn >= file.header.firstLsn ? file : undefined;
  }

  epochEnds(): EpochEnd[] {
    const ends: EpochEnd[] = [];
    for (const file of this.#files) {
      if (isEmpty(file)) continue;
      const last = ends.at(-1);
      if (last?.epoch === epochOf(file.lastLsn)) {
        last.lastLsn = file.lastLsn;
        last.lastChain = file.endChain;
      } else {
        const { epoch, firstLsn } = file.header;
        ends.push({ epoch, firstLsn, lastLsn: file.lastLsn, lastChain: file.endChain });
      }
    }
    return ends;
  }
}

export function isEmpty(file: LogFile): boolean {
  return file.lastLsn === file.header.previousLsn;
}

/** A file whose records were never read: it ends where its successor's header says, at the latest with its bytes. */
export function knownByItsSuccessor(file: LogFile, successor: LogFileHeader, sizeBytes: number): LogFile {
  return {
    ...file,
    lastLsn: successor.previousLsn,
    endChain: successor.previousChain,
    endBytes: Math.max(sizeBytes, LOG_HEADER_BYTES),
    durableBytes: Math.max(sizeBytes, LOG_HEADER_BYTES),
  };
}
