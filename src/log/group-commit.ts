/**
 * What stands between `append` and `durable`: one queue, one loop. The loop takes everything that waits (up to a file's
 * end), hands it to the device as one write with one fdatasync; when that is done, all who waited for any of it are told.
 * Whatever is appended meanwhile makes the next batch, so that the busier the log is, the more records share one fdatasync.
 *
 * A batch that is large already is handed over while the one before is under way: then it is not the fdatasync that counts
 * but the bytes, and the device should not wait for this thread between two writes. It does one after the other all the
 * same, so nothing of a batch is on the disk before everything of the one before is durable.
 *
 * A new file's header leaves together with its first records, into the prepared file, when all records of the old file are
 * durable; they are acknowledged when they are. Names follow beside the writing (file-names.ts): until then a recovery finds
 * the file by its header, under the name that it stood ready with. Only the very first file of a log gets its name before
 * anything in it is acknowledged: no file before it says that it belongs here.
 *
 * The first error ends the log: nobody who waits, and nobody who comes later, is told of a success.
 */
import { present } from '../base/assert.ts';
import { type Deferred, deferred } from '../base/deferred.ts';
import type { Logger } from '../base/logger.ts';
import { messageOf, Problem } from '../base/problem.ts';
import { type Disk, joinName, type LogDevice } from './disk.ts';
import { FileNames, type NamedFile } from './file-names.ts';
import { FileSupply, type PreparedFile } from './file-supply.ts';
import { AHEAD_PART_OF_FILE, MAX_BATCH_BYTES, MAX_WRITES_UNDER_WAY } from './limits.ts';
import { LOG_HEADER_BYTES, type LogFile, OPEN_NAME } from './log-file.ts';
import type { LogFiles } from './log-files.ts';
import { END_MARK_BYTES, encodeEndMark, readFrame } from './record.ts';
import type { RetiredFile } from './truncation.ts';

export interface GroupCommitOptions {
  disk: Disk;
  device: LogDevice;
  folder: string;
  logger: Logger;
  files: LogFiles;
  fileSizeBytes: number;
  /** `room` resolves when no more than this waits. */
  roomBelowBytes: number;
  onFailed?: ((failure: Error) => void) | undefined;
}

type Queued = { file: LogFile; header: Buffer } | { frame: Buffer; lsn: number };

/** Records that leave together. */
interface Batch {
  readonly frames: Buffer[];
  readonly bytes: number;
  readonly lastLsn: number;
}

/** Turns of the microtask queue that those who were just told get to append again before the next batch is taken. */
const GATHERING_TURNS = 4;

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #supply: FileSupply;
  readonly #names: FileNames;
  /** The file that the device was last told to write to, and where the next batch goes in it. */
  #target: NamedFile | undefined;
  #sentBytes = 0;
  #sentLsn: number;
  /** The file holds older records behind its end. */
  #isWrittenAgain = false;
  #queue: Queued[] = [];
  /** Appended and not durable; appended and not yet handed to the device. */
  #queuedBytes = 0;
  #unsentBytes = 0;
  #queuedFiles = 0;
  #writesUnderWay = 0;
  /** Resolves when all that was handed to the device is durable and told. */
  #written: Promise<void> = Promise.resolve();
  #looksForRoom = false;
  #durableLsn: number;
  #failure: Error | undefined;
  #waiting: { lsn: number; done: Deferred<void> }[] = [];
  #room: Deferred<void> | undefined;
  #running: Promise<void> | undefined;

  /** `files` as recovered: all of it durable. */
  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#supply = new FileSupply({ ...options, onFailure: () => this.#wake() });
    this.#names = new FileNames({
      ...options,
      release: (prepared) => this.#supply.release(prepared),
      onFailure: (error) => this.#fail(error),
    });
    const { open } = options.files;
    if (open !== undefined) {
      this.#target = this.#names.add(open, OPEN_NAME, undefined);
      this.#target.isStarted = true;
    }
    this.#sentBytes = open?.durableBytes ?? 0;
    this.#durableLsn = open?.lastLsn ?? 0;
    this.#sentLsn = this.#durableLsn;
  }

  get durableLsn(): number {
    return this.#durableLsn;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get isDiskFull(): boolean {
    return this.#supply.full;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Begins with what is done ahead: the next file and the reserve. */
  start(): void {
    this.#wake();
  }

  /** Waits until the queue is empty or the device has failed. */
  async stop(): Promise<void> {
    while (this.#running !== undefined || this.#writesUnderWay > 0) {
      await this.#running;
      await this.#written;
    }
    await this.#names.settled();
    await this.#supply.settled();
  }

  /** A recovery finds this file without any file before it. */
  isSettled(file: LogFile): boolean {
    return this.#names.isSettled(file);
  }

  /** Takes files that nobody needs any more: durably, they have other names then. */
  retire(files: readonly RetiredFile[]): Promise<void> {
    return this.#supply.retire(files);
  }

  pushFile(file: LogFile, header: Buffer): void {
    this.#queue.push({ file, header });
    this.#queuedFiles += 1;
    this.#wake();
  }

  pushRecord(frame: Buffer, lsn: number): void {
    this.#queue.push({ frame, lsn });
    this.#queuedBytes += frame.length;
    this.#unsentBytes += frame.length;
    this.#wake();
  }

  /** Problem `DiskFull` if the disk is known to be full and the next file is not there; looks again meanwhile. */
  requireNextFile(): void {
    if (!this.#supply.full || this.#supply.readyFiles > this.#queuedFiles) return;
    this.lookForRoom();
    throw new Problem(
      'DiskFull',
      `Cannot append to the log: the disk is full, no further file fits into ${this.#options.folder}/. Make room on it.`,
      { temporary: true },
    );
  }

  /** Tries to make what could not be made because the disk was full. */
  lookForRoom(): void {
    if (!this.#supply.full) return;
    this.#looksForRoom = true;
    this.#wake();
  }

  durable(lsn: number): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (lsn <= this.#durableLsn) return Promise.resolve();
    const last = this.#waiting.at(-1);
    if (last?.lsn === lsn) return last.done.promise;
    const done = deferred<void>();
    this.#waiting.push({ lsn, done });
    return done.promise;
  }

  room(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#queuedBytes <= this.#options.roomBelowBytes) return Promise.resolve();
    this.#room ??= deferred<void>();
    return this.#room.promise;
  }

  #wake(): void {
    if (this.#running !== undefined || this.#failure !== undefined || !this.#mayHandOver()) return;
    this.#running = this.#run().then(
      () => this.#rest(),
      (error: unknown) => {
        this.#running = undefined;
        this.#fail(error);
      },
    );
  }

  /** Of what is small, more is worth waiting for: it shares the next fdatasync. */
  #mayHandOver(): boolean {
    if (this.#writesUnderWay === 0) return true;
    const isLarge = this.#unsentBytes >= this.#options.fileSizeBytes * AHEAD_PART_OF_FILE;
    return isLarge && this.#writesUnderWay < MAX_WRITES_UNDER_WAY;
  }

  #rest(): void {
    this.#running = undefined;
    if (this.#queue.length > 0 || this.#supply.failure !== undefined) this.#wake();
  }

  async #run(): Promise<void> {
    do {
      if (this.#supply.failure !== undefined) throw this.#supply.failure;
      this.#prepareAhead();
      for (let turn = 0; turn < GATHERING_TURNS; turn++) await Promise.resolve();
      const next = this.#queue[0];
      if (next === undefined) return;
      if ('frame' in next) this.#writeBatch(present(this.#target, 'Records follow the header of their file'));
      else await this.#startFile(next.file, next.header);
    } while (this.#mayHandOver());
  }

  /** A disk that was full is tried again when somebody was refused because of it, or told to: not with each batch. */
  #prepareAhead(): void {
    if (this.#supply.full && !this.#looksForRoom) return;
    this.#looksForRoom = false;
    this.#supply.fill();
  }

  #writeBatch({ file, name }: NamedFile): void {
    const batch = this.#takeRecords();
    const position = this.#sentBytes;
    const endBytes = position + batch.bytes;
    const chunks = this.#withEndMark(file, batch.frames, endBytes);
    this.#sentBytes = endBytes;
    this.#follow(this.#options.device.append(this.#path(name), position, chunks), () => {
      file.durableBytes = endBytes;
      this.#tell(batch);
    });
  }

  async #startFile(file: LogFile, header: Buffer): Promise<void> {
    this.#queue.shift();
    await this.#names.room();
    const prepared = await this.#supply.take(file.header.sizeBytes);
    this.#queuedFiles -= 1;
    // What was to come before this file is not written any more.
    if (this.#failure !== undefined) return;
    const batch = this.#takeRecords();
    const endBytes = LOG_HEADER_BYTES + batch.bytes;
    this.#isWrittenAgain = prepared.isRecycled;
    const chunks = [header, ...this.#withEndMark(file, batch.frames, endBytes)];
    const work =
      this.#target === undefined ? this.#startFirst(file, prepared, chunks) : this.#startNext(file, prepared, chunks);
    const named = present(this.#target, 'It was just begun');
    this.#sentBytes = endBytes;
    this.#follow(work, () => {
      this.#names.started(named);
      file.durableBytes = endBytes;
      this.#tell(batch);
    });
  }

  #startNext(file: LogFile, prepared: PreparedFile, chunks: Buffer[]): Promise<void> {
    this.#target = this.#names.add(file, prepared.name, prepared);
    return this.#options.device.append(this.#path(prepared.name), 0, chunks);
  }

  async #startFirst(file: LogFile, prepared: PreparedFile, chunks: Buffer[]): Promise<void> {
    const { device } = this.#options;
    const [ready, open] = [this.#path(prepared.name), this.#path(OPEN_NAME)];
    this.#target = this.#names.add(file, OPEN_NAME, undefined);
    await Promise.all([device.append(ready, 0, chunks), device.rename(ready, open)]);
    this.#supply.release(prepared);
  }

  /** `onDone` runs when `work` and everything handed over before it is done; not at all after a failure. */
  #follow(work: Promise<void>, onDone: () => void): void {
    this.#writesUnderWay += 1;
    const before = this.#written;
    this.#written = Promise.all([before, work]).then(
      () => {
        this.#writesUnderWay -= 1;
        if (this.#failure !== undefined) return;
        onDone();
        this.#wake();
      },
      (error: unknown) => {
        this.#writesUnderWay -= 1;
        this.#fail(error);
        // It may be refused while what was handed over before is still written.
        return before;
      },
    );
  }

  /** Where older records may stand behind, the end is marked. */
  #withEndMark(file: LogFile, frames: Buffer[], endBytes: number): Buffer[] {
    if (!this.#isWrittenAgain || endBytes + END_MARK_BYTES > file.header.sizeBytes) return frames;
    const last = frames.at(-1);
    const chain = last === undefined ? file.header.crc : readFrame(last).crc;
    return [...frames, encodeEndMark(chain, file.salt)];
  }

  /** The records at the head of the queue that go to one file in one write. */
  #takeRecords(): Batch {
    const frames: Buffer[] = [];
    let bytes = 0;
    for (const next of this.#queue) {
      if (!('frame' in next) || (bytes > 0 && bytes + next.frame.length > MAX_BATCH_BYTES)) break;
      frames.push(next.frame);
      bytes += next.frame.length;
      this.#sentLsn = next.lsn;
    }
    this.#queue.splice(0, frames.length);
    this.#unsentBytes -= bytes;
    return { frames, bytes, lastLsn: this.#sentLsn };
  }

  #tell({ lastLsn: durableLsn, bytes }: Batch): void {
    this.#durableLsn = durableLsn;
    this.#queuedBytes -= bytes;
    const waiting = this.#waiting;
    this.#waiting = waiting.filter((waiter) => waiter.lsn > durableLsn);
    for (const { lsn, done } of waiting) if (lsn <= durableLsn) done.resolve();
    if (this.#queuedBytes <= this.#options.roomBelowBytes) {
      this.#room?.resolve();
      this.#room = undefined;
    }
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    const failure = error instanceof Error ? error : new Error(messageOf(error));
    this.#options.logger.error({ folder: this.#options.folder, error: messageOf(error) }, 'log failed');
    this.#failure = failure;
    this.#queue = [];
    for (const { done } of this.#waiting) done.reject(failure);
    this.#waiting = [];
    this.#room?.reject(failure);
    this.#room = undefined;
    this.#options.onFailed?.(failure);
  }

  #path(name: string): string {
    return joinName(this.#options.folder, name);
  }
}
