/**
 * The transaction log of one storage group on one host, open for writing.
 *
 * `append` is synchronous: it gives the record its LSN and its place, and everything that must happen in log order
 * (shipping, applying) can go on from there at once. Durability is another matter and another promise: `durable`.
 * Between the two stands the group commit (group-commit.ts): while one write is under way, records gather, and leave
 * together.
 *
 * The active copy appends payloads and decides where files end. A passive copy appends frames and file headers exactly
 * as it received them, so that its files are byte for byte the same; whatever does not continue its own chain is refused.
 */
import { assert, present } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { Problem } from '../base/problem.ts';
import type { Random } from '../base/random.ts';
import { type ClosedFileState, closedFileState, isFile, replaceClosedFile } from './closed-file.ts';
import type { Disk, LogDevice } from './disk.ts';
import { GroupCommit } from './group-commit.ts';
import { DEFAULT_FILE_SIZE_BYTES, FILE_BLOCK_BYTES, MAX_QUEUED_BYTES } from './limits.ts';
import {
  decodeHeader,
  emptyLogFile,
  encodeHeader,
  firstLsnAfter,
  follows,
  LOG_HEADER_BYTES,
  type LogFile,
  MAX_GENERATION,
  nextLsn,
  SIGNATURE_BYTES,
} from './log-file.ts';
import type { EpochEnd, LogFiles } from './log-files.ts';
import { type LogItem, LogReader, type UnreadableListener } from './log-reader.ts';
import { formatLsn } from './lsn.ts';
import { decodeRecord, encodeRecord, frameBytes } from './record.ts';
import { type RecoveryReport, recover } from './recovery.ts';
import { removeBelow } from './truncation.ts';

export interface LogOptions {
  disk: Disk;
  device: LogDevice;
  /** Folder of the log, relative to the root of `disk` and `device`; it exists. */
  folder: string;
  clock: Pick<Clock, 'wallMs'>;
  random: Pick<Random, 'bytes'>;
  logger: Logger;
  /** A multiple of 4096; default 1 MiB. */
  fileSizeBytes?: number;
  /** What may wait for the disk before `append` refuses with `LogBusy`; default 256 MiB. */
  maxQueuedBytes?: number;
  /** A folder without a log: `empty` gives a log that waits for `startEpoch` or `startFile`; `refuse` is Problem `LogMissing`. */
  ifMissing: 'empty' | 'refuse';
  /** What somebody else knows to have been durable here (the register's hint, a peer): the log must reach it. */
  knownDurableLsn?: number;
  /** Files whose records all lie at or below this are known by their headers only; default: everything is checked. */
  checkedUpToLsn?: number;
  /**
   * The last LSN that may have been answered. It limits the evidence written into records (`durableUpTo`): a record
   * that is durable here but was never answered may be torn away by recovery. With in-sync copies this must be the commit
   * point: their recovery reads the same evidence, and it must not name what they have not synced yet. Default: what is
   * durable here.
   */
  committedLsn?: () => number;
  /** The device has failed and nothing can be written any more. It may happen while nobody waits for this log. */
  onFailed?: ((failure: Error) => void) | undefined;
  /** Told by readers: the file of this generation does not give what it held. */
  onUnreadableFile?: UnreadableListener | undefined;
}

export class TransactionLog {
  readonly #options: LogOptions;
  readonly #fileSizeBytes: number;
  readonly #maxQueuedBytes: number;
  readonly #files: LogFiles;
  readonly #commit: GroupCommit;
  readonly #listeners = new Set<(item: LogItem) => void>();
  #signature: Buffer | undefined;
  /** One truncation at a time. */
  #truncated: Promise<number> = Promise.resolve(0);
  #closed = false;

  /**
   * Recovers what is in the folder and opens it for writing. When it resolves, all that was recovered is durable.
   * Problems: `LogDamaged` (class of its own, with the exact range), `LogMissing`, `LogFormat`.
   */
  static async open(options: LogOptions): Promise<{ log: TransactionLog; recovered: RecoveryReport }> {
    const { files, report } = await recover(options);
    const log = new TransactionLog(options, files);
    log.#commit.start();
    return { log, recovered: report };
  }

  private constructor(options: LogOptions, files: LogFiles) {
    this.#options = options;
    this.#fileSizeBytes = options.fileSizeBytes ?? DEFAULT_FILE_SIZE_BYTES;
    assert(
      this.#fileSizeBytes % FILE_BLOCK_BYTES === 0 && this.#fileSizeBytes > LOG_HEADER_BYTES,
      `Not a log file size: ${this.#fileSizeBytes}`,
    );
    this.#maxQueuedBytes = options.maxQueuedBytes ?? MAX_QUEUED_BYTES;
    this.#files = files;
    this.#signature = files.open?.header.signature;
    this.#commit = new GroupCommit({
      ...options,
      files,
      fileSizeBytes: this.#fileSizeBytes,
      roomBelowBytes: this.#maxQueuedBytes / 2,
    });
  }

  /** Random bytes that all copies of this stream share; `undefined` while the log is empty. */
  get signature(): Buffer | undefined {
    return this.#signature;
  }

  /** The last appended record; 0 in an empty log. */
  get endLsn(): number {
    return this.#files.open?.lastLsn ?? 0;
  }

  /** The last record that is durable here. */
  get durableLsn(): number {
    return this.#commit.durableLsn;
  }

  /** What the next record of the open file chains to. */
  get chain(): number {
    return this.#files.open?.endChain ?? 0;
  }

  /** Generation of the file that records go to; 0 in an empty log. */
  get generation(): number {
    return this.#files.open?.header.generation ?? 0;
  }

  /** When the file that records go to was made, on the active copy's clock; undefined in an empty log. */
  get fileCreatedMs(): number | undefined {
    return this.#files.open?.header.createdMs;
  }

  /** Epoch of the file that records go to; 0 in an empty log. */
  get epoch(): number {
    return this.#files.open?.header.epoch ?? 0;
  }

  /** The oldest file that is still here; 0 in an empty log. */
  get firstGeneration(): number {
    return this.#files.first?.header.generation ?? 0;
  }

  /** `readFrom(lsn)` works for this LSN and everything behind it. */
  get firstReadableLsn(): number {
    return this.#files.first?.header.previousLsn ?? 0;
  }

  /** For every epoch with records in the files that are here, oldest first: its first and last LSN and the last one's crc. */
  get epochEnds(): EpochEnd[] {
    return this.#files.epochEnds();
  }

  /** Every file but the one that records go to, oldest first. */
  get closedFiles(): readonly { generation: number; lastLsn: number; sizeBytes: number; createdMs: number }[] {
    return this.#files.all.slice(0, -1).map(({ header, lastLsn }) => {
      const { generation, sizeBytes, createdMs } = header;
      return { generation, lastLsn, sizeBytes, createdMs };
    });
  }

  fileState(generation: number): ClosedFileState {
    return closedFileState(this.#files, generation);
  }

  /** Whether `bytes` are the closed file of this generation, whole. */
  isClosedFile(generation: number, bytes: Buffer): boolean {
    const known = this.#files.byGeneration(generation);
    return known !== undefined && this.fileState(generation) === 'closed' && isFile(bytes, known);
  }

  /** Puts the same file (`isClosedFile`) in the place of a damaged one. Not beside `removeBelow`. */
  async replaceClosedFile(generation: number, bytes: Buffer): Promise<void> {
    const known = present(this.#files.byGeneration(generation), 'A file that is here is replaced');
    await replaceClosedFile(this.#options.disk, this.#options.folder, known, bytes);
  }

  /** Reading beside the writing: shipping to a copy that is behind, replay. */
  get reader(): LogReader {
    const { disk, folder, onUnreadableFile } = this.#options;
    return new LogReader(disk, folder, this.#files, onUnreadableFile);
  }

  /** Bytes appended and not yet durable. */
  get queuedBytes(): number {
    return this.#commit.queuedBytes;
  }

  /** The error that ended this log, if one did. */
  get failure(): Error | undefined {
    return this.#commit.failure;
  }

  /** Throws what `append` of such a payload would throw now, and changes nothing. */
  admit(payloadBytes: number): void {
    this.#admit(frameBytes(payloadBytes), this.#openFile(), false);
  }

  /** The next log file could not be made when that was last tried. */
  get isDiskFull(): boolean {
    return this.#commit.isDiskFull;
  }

  /**
   * To be called from time to time. A disk that was full and has room again is noticed by this before anybody is refused:
   * an active copy that is refused hands its storage group over.
   */
  lookForRoom(): void {
    this.#commit.lookForRoom();
  }

  /**
   * Active side: the next record. Problems: `LogBusy` (too much waits), `DiskFull` (no room for a further
   * file; `evenIfFull` uses the reserve, for what a clean stop must write), `LogFailed` after an error of the device.
   */
  append(kind: number, payload: Uint8Array, options: { evenIfFull?: boolean } = {}): { lsn: number; frame: Buffer } {
    const size = frameBytes(payload.length);
    let file = this.#openFile();
    this.#admit(size, file, options.evenIfFull ?? false);
    if (file.endBytes + size > file.header.sizeBytes) file = this.#startNextFile(file.header.epoch, size);
    const lsn = nextLsn(file);
    const frame = encodeRecord(
      { chain: file.endChain, kind, lsn, durableUpTo: this.#answeredLsn(), payload },
      file.salt,
    );
    this.#push(file, frame, lsn, frame.readUInt32LE(4));
    return { lsn, frame };
  }

  /**
   * Active side: a new epoch, in a new file, with its first record. Makes the first file of an empty log. `epoch` is
   * above every epoch of this log.
   */
  startEpoch(epoch: number, kind: number, payload: Uint8Array): { lsn: number; frame: Buffer } {
    assert(epoch > this.epoch, `The log is in epoch ${this.epoch} already, not before ${epoch}`);
    const size = frameBytes(payload.length);
    this.#admit(size, undefined, true);
    this.#signature ??= this.#options.random.bytes(SIGNATURE_BYTES);
    this.#startNextFile(epoch, size);
    return this.append(kind, payload, { evenIfFull: true });
  }

  /**
   * Passive side: one record exactly as the active copy has it. Returns its LSN. Problem `LogMismatch` if it is
   * damaged or does not continue this log; nothing is changed then.
   */
  appendFrame(frame: Buffer): number {
    const file = this.#openFile();
    const decoded = decodeRecord(frame, 0, file.salt);
    if (decoded.state !== 'record' || decoded.record.frame.length !== frame.length) {
      throw mismatch('append a record', 'its bytes are damaged');
    }
    const { lsn, chain, crc } = decoded.record;
    if (lsn !== nextLsn(file))
      throw mismatch('append a record', `it is ${formatLsn(lsn)} and not ${formatLsn(nextLsn(file))}`);
    if (chain !== file.endChain) throw mismatch('append a record', `${formatLsn(lsn)} has another history`);
    if (file.endBytes + frame.length > file.header.sizeBytes) {
      throw mismatch('append a record', `${formatLsn(lsn)} does not fit in its file`);
    }
    this.#admit(frame.length, undefined, true);
    this.#push(file, frame, lsn, crc);
    return lsn;
  }

  /**
   * Passive side: goes on in a new file with exactly this header. An empty log takes any header; otherwise Problem
   * `LogMismatch` unless it continues the chain. Problem `DiskFull`: a passive copy waits for room, its reserve is for
   * the day when it is active.
   */
  startFile(headerBytes: Buffer): void {
    const header = decodeHeader(headerBytes);
    if (header === undefined || headerBytes.length !== LOG_HEADER_BYTES) {
      throw mismatch('start a log file', 'its header is damaged');
    }
    const open = this.#files.open;
    if (open !== undefined && !follows(header, open)) {
      throw mismatch('start a log file', `generation ${header.generation} has another history`);
    }
    this.#admit(0, undefined, true);
    this.#commit.requireNextFile();
    this.#signature ??= header.signature;
    this.#startFile(headerBytes);
  }

  /** Resolves once everything up to `lsn` is durable here. Rejects when the device failed before. */
  durable(lsn: number): Promise<void> {
    assert(lsn <= this.endLsn, `Nothing has the LSN ${formatLsn(lsn)} yet`);
    return this.#commit.durable(lsn);
  }

  /** Resolves when the queue has room again (at most half full); rejects when the device failed. */
  room(): Promise<void> {
    return this.#commit.room();
  }

  /** Calls `listener`, which must not throw, for every file and record from now on: in log order, before they are durable. */
  onAppended(listener: (item: LogItem) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Deletes the closed files whose records all lie at or below `lsn`, oldest first. Returns how many. */
  removeBelow(lsn: number): Promise<number> {
    const removed = this.#truncated.then(() =>
      removeBelow(
        {
          files: this.#files,
          isSettled: (file) => this.#commit.isSettled(file),
          retire: (files) => this.#commit.retire(files),
        },
        lsn,
      ),
    );
    this.#truncated = removed.catch(() => 0);
    return removed;
  }

  /** Waits until what was appended is durable (or the device has failed), and lets go. The device stays open: it is the caller's. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#commit.stop();
  }

  #openFile(): LogFile {
    return present(this.#files.open, 'An empty log begins with startEpoch or startFile');
  }

  /** Refuses before anything has changed. `file` is given where a full disk is a reason. */
  #admit(size: number, file: LogFile | undefined, evenIfFull: boolean): void {
    assert(!this.#closed, 'This log is closed');
    if (this.#commit.failure !== undefined) {
      const { message } = this.#commit.failure;
      throw new Problem('LogFailed', `Cannot append to the log: its device has failed. It said: ${message}`, {
        cause: this.#commit.failure,
      });
    }
    if (this.#commit.queuedBytes + size > this.#maxQueuedBytes) {
      throw new Problem('LogBusy', 'Cannot append to the log: too much is waiting for the disk. Try again later.', {
        temporary: true,
      });
    }
    if (!evenIfFull && file !== undefined && file.endBytes + size > file.header.sizeBytes)
      this.#commit.requireNextFile();
  }

  #answeredLsn(): number {
    const committed = this.#options.committedLsn?.();
    return committed === undefined ? this.durableLsn : Math.min(committed, this.durableLsn);
  }

  #startNextFile(epoch: number, firstFrameBytes: number): LogFile {
    const open = this.#files.open;
    const previousLsn = open?.lastLsn ?? 0;
    const generation = (open?.header.generation ?? 0) + 1;
    assert(generation <= MAX_GENERATION, 'Generations are used up');
    const header = encodeHeader({
      signature: present(this.#signature, 'A log with a file has a signature'),
      generation,
      epoch,
      firstLsn: firstLsnAfter(previousLsn, epoch),
      previousLsn,
      previousChain: open?.endChain ?? 0,
      createdMs: this.#options.clock.wallMs(),
      previousCreatedMs: open?.header.createdMs ?? 0,
      sizeBytes: Math.max(this.#fileSizeBytes, wholeBlocks(LOG_HEADER_BYTES + firstFrameBytes)),
    });
    return this.#startFile(header);
  }

  #startFile(headerBytes: Buffer): LogFile {
    const header = present(decodeHeader(headerBytes), 'A header of our own is whole');
    const file = emptyLogFile(header, undefined);
    this.#files.add(file);
    this.#commit.pushFile(file, headerBytes);
    this.#emit({ type: 'file', generation: header.generation, header: headerBytes });
    return file;
  }

  #push(file: LogFile, frame: Buffer, lsn: number, crc: number): void {
    file.endBytes += frame.length;
    file.lastLsn = lsn;
    file.endChain = crc;
    this.#commit.pushRecord(frame, lsn);
    this.#emit({ type: 'record', lsn, frame });
  }

  #emit(item: LogItem): void {
    for (const listener of this.#listeners) listener(item);
  }
}

function wholeBlocks(bytes: number): number {
  return Math.ceil(bytes / FILE_BLOCK_BYTES) * FILE_BLOCK_BYTES;
}

function mismatch(action: string, state: string): Problem {
  return new Problem('LogMismatch', `Cannot ${action}: ${state}. Find the last common point again.`);
}

export type { EpochEnd, LogItem, RecoveryReport };
