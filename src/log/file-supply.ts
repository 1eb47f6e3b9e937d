/**
 * The files that stand ready. A next log file exists ahead of time: an append into bytes that exist already syncs several
 * times faster than one that extends its file, and cannot find the disk full. Several are made ahead, beside the
 * writing, because at full speed a file is used up sooner than one is made. Cheapest is one that is there: a log file that
 * nobody needs any more gets another name and is written again, over what it held (record.ts says how that is told apart).
 *
 * Behind them stand two reserve files, for the case that the next file cannot be made: they let a log that is full of
 * promises still write what a clean stop needs.
 */
import { type Deferred, deferred } from '../base/deferred.ts';
import type { Logger } from '../base/logger.ts';
import { isProblem, messageOf } from '../base/problem.ts';
import { type Disk, joinName, type LogDevice } from './disk.ts';
import { FILES_AHEAD, MAX_RECYCLED_FILES, RESERVE_FILES } from './limits.ts';
import { preparedName, reserveName } from './log-file.ts';
import type { RetiredFile } from './truncation.ts';

export interface FileSupplyOptions {
  disk: Pick<Disk, 'size' | 'rename' | 'remove' | 'syncFolder'>;
  device: LogDevice;
  folder: string;
  logger: Logger;
  fileSizeBytes: number;
  /** A file could not be made, and not for want of room: the log has failed. */
  onFailure: () => void;
}

export interface PreparedFile {
  readonly name: string;
  readonly slot: number;
  /** It holds old records and not zeros. */
  readonly isRecycled: boolean;
}

export class FileSupply {
  readonly #options: FileSupplyOptions;
  readonly #ready: PreparedFile[] = [];
  /** Slots of files that are there, are being made, or were taken and have not got another name yet. */
  readonly #slots = new Set<number>();
  #making = 0;
  #filling: Promise<void> | undefined;
  /** Something has changed for those who wait for a file. */
  #news: Deferred<void> = deferred();
  /** Which reserve files are there; unknown until the first look. */
  #reserves: Set<number> | undefined;
  /** Why the last file that should have been made was not: there is no room. */
  #fullReason: Error | undefined;
  #failure: Error | undefined;

  constructor(options: FileSupplyOptions) {
    this.#options = options;
  }

  get full(): boolean {
    return this.#fullReason !== undefined;
  }

  get readyFiles(): number {
    return this.#ready.length;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Begins to make what is missing. A full disk is noted. */
  fill(): void {
    const isWhole = this.#ready.length + this.#making >= FILES_AHEAD && this.#reserves?.size === RESERVE_FILES;
    if (isWhole || this.#filling !== undefined || this.#failure !== undefined) return;
    this.#filling = this.#fill()
      .then(() => {
        this.#fullReason = undefined;
      })
      .catch((error: unknown) => this.#noteError(error))
      .then(() => {
        this.#filling = undefined;
        this.#tell();
      });
  }

  /** Resolves when nothing is being made. */
  async settled(): Promise<void> {
    while (this.#filling !== undefined) await this.#filling;
  }

  /** A file of exactly `sizeBytes`, whose name is the caller's until `release`. From the reserve if there is no other way. */
  async take(sizeBytes: number): Promise<PreparedFile> {
    if (sizeBytes !== this.#options.fileSizeBytes) return this.#make(sizeBytes);
    for (let isFirst = true; ; isFirst = false) {
      const file = this.#ready.shift();
      if (file !== undefined) return file;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#fullReason !== undefined && !isFirst) return this.#takeReserve(this.#fullReason);
      const { promise } = this.#news;
      this.fill();
      await promise;
    }
  }

  /** The file has another name now, durably. */
  release({ slot }: PreparedFile): void {
    this.#slots.delete(slot);
  }

  /** Keeps files that nobody needs any more, to write them again; deletes what is too much or has another size. */
  async retire(files: readonly RetiredFile[]): Promise<void> {
    const { disk, folder, fileSizeBytes } = this.#options;
    const renamed: { readonly file: PreparedFile; readonly sizeBytes: number }[] = [];
    for (const { name, sizeBytes } of files) {
      const slot = this.#freeSlot();
      const file = { slot, name: preparedName(slot), isRecycled: true };
      await disk.rename(this.#path(name), this.#path(file.name));
      renamed.push({ file, sizeBytes });
    }
    await disk.syncFolder(folder);
    const surplus: PreparedFile[] = [];
    for (const { file, sizeBytes } of renamed) {
      const isWanted = sizeBytes === fileSizeBytes && this.#ready.length < MAX_RECYCLED_FILES;
      (isWanted ? this.#ready : surplus).push(file);
    }
    this.#tell();
    if (surplus.length > 0) await this.#drop(surplus);
  }

  async #drop(files: readonly PreparedFile[]): Promise<void> {
    const { disk, folder } = this.#options;
    for (const { name } of files) await disk.remove(this.#path(name));
    await disk.syncFolder(folder);
    for (const file of files) this.release(file);
  }

  /** The next file first, then what a clean stop needs, then the others, beside each other. */
  async #fill(): Promise<void> {
    if (this.#ready.length === 0) await this.#makeReady();
    await this.#fillReserve();
    while (this.#ready.length + this.#making < FILES_AHEAD) {
      const missing = FILES_AHEAD - this.#ready.length - this.#making;
      await Promise.all(Array.from({ length: missing }, () => this.#makeReady()));
    }
  }

  async #makeReady(): Promise<void> {
    this.#making += 1;
    try {
      this.#ready.push(await this.#make(this.#options.fileSizeBytes));
      this.#tell();
    } finally {
      this.#making -= 1;
    }
  }

  async #make(sizeBytes: number): Promise<PreparedFile> {
    const slot = this.#freeSlot();
    const file = { slot, name: preparedName(slot), isRecycled: false };
    try {
      await this.#options.device.prepare(this.#path(file.name), sizeBytes);
      return file;
    } catch (error) {
      this.release(file);
      throw error;
    }
  }

  #freeSlot(): number {
    let slot = 1;
    while (this.#slots.has(slot)) slot += 1;
    this.#slots.add(slot);
    return slot;
  }

  async #takeReserve(reason: Error): Promise<PreparedFile> {
    const [number] = await this.#knownReserves();
    if (number === undefined) throw reason;
    this.#reserves?.delete(number);
    const slot = this.#freeSlot();
    const file = { slot, name: preparedName(slot), isRecycled: false };
    await this.#options.device.rename(this.#path(reserveName(number)), this.#path(file.name));
    this.#options.logger.warn({ folder: this.#options.folder, reserve: reserveName(number) }, 'log reserve used');
    return file;
  }

  async #fillReserve(): Promise<void> {
    const reserves = await this.#knownReserves();
    for (let number = 1; number <= RESERVE_FILES; number++) {
      if (reserves.has(number)) continue;
      await this.#options.device.prepare(this.#path(reserveName(number)), this.#options.fileSizeBytes);
      reserves.add(number);
    }
  }

  async #knownReserves(): Promise<Set<number>> {
    if (this.#reserves !== undefined) return this.#reserves;
    const found = new Set<number>();
    for (let number = 1; number <= RESERVE_FILES; number++) {
      const size = await this.#options.disk.size(this.#path(reserveName(number)));
      if (size === this.#options.fileSizeBytes) found.add(number);
    }
    this.#reserves = found;
    return found;
  }

  #noteError(error: unknown): void {
    const reason = error instanceof Error ? error : new Error(messageOf(error));
    if (isProblem(error, 'DiskFull')) {
      if (!this.full) this.#options.logger.warn({ folder: this.#options.folder }, 'log disk full');
      this.#fullReason = reason;
    } else {
      this.#failure = reason;
      this.#options.onFailure();
    }
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = deferred();
  }

  #path(name: string): string {
    return joinName(this.#options.folder, name);
  }
}
