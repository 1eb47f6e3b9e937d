/**
 * Reading the log while it is written: for a copy that is behind, for replay, for questions about the past. It sees only
 * what is durable here, and gives out nothing that it has not checked against its checksum and its chain: a damaged
 * record is never shipped.
 */
import { isProblem, Problem } from '../base/problem.ts';
import { LogDamaged } from './damage.ts';
import { type Disk, joinName } from './disk.ts';
import { READ_CHUNK_BYTES } from './limits.ts';
import { emptyLogFile, LOG_HEADER_BYTES, type LogFile, nextLsn, OPEN_NAME } from './log-file.ts';
import type { LogFiles } from './log-files.ts';
import { formatLsn } from './lsn.ts';
import { type Decoded, decodeRecord, type LogRecord } from './record.ts';
import { acceptRecord } from './scan.ts';

/** The log as a stream: what shipping sends, and what a passive copy hands to `startFile` and `appendFrame`. */
export type LogItem =
  | { type: 'file'; generation: number; header: Buffer }
  | { type: 'record'; lsn: number; frame: Buffer };

export interface LogPlace {
  lsn: number;
  generation: number;
  /** Where the record begins in its file. */
  position: number;
  /** The record's crc: what the record behind it chains to. */
  chain: number;
}

/** A file of the log, by its generation, does not give what it held: whoever can mend it is told. */
export type UnreadableListener = (generation: number, what: string) => void;

export class LogReader {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #files: LogFiles;
  readonly #onUnreadable: UnreadableListener;

  constructor(disk: Disk, folder: string, files: LogFiles, onUnreadable: UnreadableListener = () => undefined) {
    this.#disk = disk;
    this.#folder = folder;
    this.#files = files;
    this.#onUnreadable = onUnreadable;
  }

  /**
   * The stream behind the record `lsn`, to what is durable when it gets there: the rest of that record's file without its
   * header, then headers and records of the files that follow. `generation`: the file the receiver has open, which matters
   * when that one is still empty. Problem `LogTruncated` if the place is no longer here, `LogDamaged` at a damaged record.
   */
  async *readFrom(lsn: number, generation?: number): AsyncGenerator<LogItem, void, undefined> {
    const file = generation === undefined ? this.#files.holding(lsn) : this.#files.byGeneration(generation);
    if (file === undefined) {
      const first = this.#files.first;
      if (first !== undefined && lsn === first.header.previousLsn) return yield* this.readFile(first.header.generation);
      throw truncated(`behind ${formatLsn(lsn)}`);
    }
    yield* this.#recordsOf(file, lsn);
    yield* this.#filesBehind(file.header.generation);
  }

  /** The stream from the beginning of a file, its header included: what a copy whose log is empty needs. */
  async *readFile(generation: number): AsyncGenerator<LogItem, void, undefined> {
    if (this.#files.byGeneration(generation) === undefined) throw truncated(`from generation ${generation}`);
    yield* this.#filesBehind(generation - 1);
  }

  /** Where the record `lsn` lies, if it is durable and still here. */
  async find(lsn: number): Promise<LogPlace | undefined> {
    const file = this.#files.holding(lsn);
    if (file === undefined) return undefined;
    let position = LOG_HEADER_BYTES;
    for await (const record of this.#scan(file)) {
      if (record.lsn === lsn) return { lsn, generation: file.header.generation, position, chain: record.crc };
      position += record.frame.length;
    }
    return undefined;
  }

  /** The crc of the record `lsn`: equal on two copies exactly if their histories up to it are. */
  async chainAt(lsn: number): Promise<number | undefined> {
    return (await this.find(lsn))?.chain;
  }

  async *#filesBehind(generation: number): AsyncGenerator<LogItem, void, undefined> {
    for (let next = generation + 1; ; next++) {
      const file = this.#files.byGeneration(next);
      if (file === undefined) {
        const first = this.#files.first;
        if (first !== undefined && next < first.header.generation) throw truncated(`from generation ${next}`);
        return;
      }
      if (file.name === undefined) return;
      yield { type: 'file', generation: next, header: await this.#read(file, 0, LOG_HEADER_BYTES) };
      yield* this.#recordsOf(file, 0);
    }
  }

  async *#recordsOf(file: LogFile, behindLsn: number): AsyncGenerator<LogItem, void, undefined> {
    for await (const { lsn, frame } of this.#scan(file)) if (lsn > behindLsn) yield { type: 'record', lsn, frame };
  }

  /** All records of `file`, to its end or to what is durable of it when the scan gets there. */
  async *#scan(file: LogFile): AsyncGenerator<LogRecord, void, undefined> {
    const place = emptyLogFile(file.header, file.name);
    let from = place.endBytes;
    let bytes: Buffer = Buffer.alloc(0);
    while (place.endBytes < file.durableBytes && place.lastLsn !== file.lastLsn) {
      let decoded = decodeRecord(bytes, place.endBytes - from, file.salt);
      let wantedBytes = place.endBytes - from === bytes.length ? READ_CHUNK_BYTES : missingBytes(decoded);
      while (wantedBytes > 0) {
        from = place.endBytes;
        bytes = await this.#read(file, from, Math.min(wantedBytes, file.durableBytes - from));
        decoded = decodeRecord(bytes, 0, file.salt);
        wantedBytes = missingBytes(decoded) > wantedBytes ? missingBytes(decoded) : 0;
      }
      const record = acceptRecord(place, decoded);
      if (record === undefined) throw this.#unreadable(file, damaged(file, place));
      yield record;
    }
  }

  /** Reads by name, again if the file got another name meanwhile. */
  async #read(file: LogFile, position: number, length: number): Promise<Buffer> {
    for (;;) {
      const { settled } = this.#files;
      await settled;
      // The next change may have begun while this one was waited for.
      if (settled !== this.#files.settled) continue;
      const { nameChanges } = this.#files;
      try {
        const bytes = await this.#disk.read(joinName(this.#folder, file.name ?? OPEN_NAME), position, length);
        if (nameChanges !== this.#files.nameChanges) continue;
        this.#requireHere(file);
        return bytes;
      } catch (error) {
        if (nameChanges !== this.#files.nameChanges) continue;
        if (isProblem(error, 'FileMissing')) this.#requireHere(file);
        const isGone = isProblem(error, 'FileMissing') || isProblem(error, 'DiskFailed');
        throw isGone ? this.#unreadable(file, error) : error;
      }
    }
  }

  #unreadable(file: LogFile, problem: Problem): Problem {
    this.#onUnreadable(file.header.generation, problem.message);
    return problem;
  }

  /** A file that was removed meanwhile may have been written again while it was read. */
  #requireHere({ header: { generation } }: LogFile): void {
    if (this.#files.byGeneration(generation) === undefined) throw truncated(`from generation ${generation}`);
  }
}

/** How much must be read to see the whole record, where only its beginning was. */
function missingBytes(decoded: Decoded): number {
  return decoded.state === 'partial' ? Math.max(decoded.frameBytes, READ_CHUNK_BYTES) : 0;
}

function damaged(file: LogFile, place: LogFile): LogDamaged {
  return new LogDamaged('read the log', {
    file: file.name ?? OPEN_NAME,
    generation: file.header.generation,
    fromByte: place.endBytes,
    toByte: file.durableBytes,
    lastGoodLsn: place.lastLsn,
    firstLsn: nextLsn(place),
    lastLsn: file.lastLsn,
    evidence: 'what is read there is not the record',
  });
}

function truncated(place: string): Problem {
  return new Problem(
    'LogTruncated',
    `Cannot read the log ${place}: it does not begin there any more. Make this copy anew with Update-StorageGroupCopy.`,
  );
}
