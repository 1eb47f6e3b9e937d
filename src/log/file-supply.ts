/**
 * The files that stand ready. `E00tmp.log` is the next log file, made of zeros ahead of time: an append into bytes that
 * exist already syncs several times faster than one that extends its file, and cannot find the disk full. Behind it
 * stand two reserve files, for the case that the next file cannot be made: they let a log that is full of promises still
 * write what a clean stop needs.
 */
import type { Logger } from '../base/logger.ts';
import { isProblem } from '../base/problem.ts';
import { type Disk, joinName, type LogDevice } from './disk.ts';
import { RESERVE_FILES } from './limits.ts';
import { PREPARED_NAME, reserveName } from './log-file.ts';

export interface FileSupplyOptions {
  disk: Pick<Disk, 'size'>;
  device: LogDevice;
  folder: string;
  logger: Logger;
  fileSizeBytes: number;
}

export class FileSupply {
  readonly #options: FileSupplyOptions;
  /** Size of the file that stands ready; 0: none does. */
  #readyBytes = 0;
  /** Which reserve files are there; unknown until the first look. */
  #reserves: Set<number> | undefined;
  #full = false;

  constructor(options: FileSupplyOptions) {
    this.#options = options;
  }

  /** The last file that should have been made found no room. */
  get full(): boolean {
    return this.#full;
  }

  get isReady(): boolean {
    return this.#readyBytes > 0;
  }

  /** Makes what is missing. A full disk is noted, not thrown. */
  async work(): Promise<void> {
    try {
      if (this.#readyBytes === 0) await this.#prepare(this.#options.fileSizeBytes);
      await this.#fillReserve();
      this.#full = false;
    } catch (error) {
      if (!isProblem(error, 'DiskFull')) throw error;
      if (!this.#full) this.#options.logger.warn({ folder: this.#options.folder }, 'log disk full');
      this.#full = true;
    }
  }

  /** Uses up the prepared file; it has exactly `sizeBytes` of zeros. From the reserve if there is no other way. */
  async take(sizeBytes: number): Promise<void> {
    if (this.#readyBytes !== sizeBytes) {
      try {
        await this.#prepare(sizeBytes);
      } catch (error) {
        if (!isProblem(error, 'DiskFull') || sizeBytes !== this.#options.fileSizeBytes) throw error;
        this.#full = true;
        await this.#takeReserve(error);
      }
    }
    this.#readyBytes = 0;
  }

  async #prepare(sizeBytes: number): Promise<void> {
    this.#readyBytes = 0;
    await this.#options.device.prepare(this.#path(PREPARED_NAME), sizeBytes);
    this.#readyBytes = sizeBytes;
  }

  async #takeReserve(reason: Error): Promise<void> {
    const [number] = await this.#knownReserves();
    if (number === undefined) throw reason;
    this.#reserves?.delete(number);
    await this.#options.device.rename(this.#path(reserveName(number)), this.#path(PREPARED_NAME));
    this.#options.logger.warn({ folder: this.#options.folder, reserve: reserveName(number) }, 'log reserve used');
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

  #path(name: string): string {
    return joinName(this.#options.folder, name);
  }
}
