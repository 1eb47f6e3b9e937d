/**
 * The `PackDevice` port on the machine's file system: `packs/00000001.pack` and so on. Appends gather in memory and
 * leave in runs of a mebibyte, because a write for each message would be a system call for each; the log has them on
 * the disk long before. `sync` is called once per database commit, and runs on libuv's pool: nobody's answer waits.
 *
 * After an error of a write or a sync nobody knows what is on the disk, so the first one is final.
 */
import {
  closeSync,
  fdatasync,
  fstatSync,
  fsync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PackDevice } from '../store/packs.ts';
import { diskProblem, errorCode } from './disk-problem.ts';
import { removeFile } from './folders.ts';

const fdatasyncOnPool = promisify(fdatasync);
const fsyncOnPool = promisify(fsync);

const RUN_BYTES = 1024 * 1024;
const MAX_OPEN_PACKS = 64;
const PACK_NAME = /^(\d{8,})\.pack$/;

/** Bytes on their way into one pack. */
interface Run {
  readonly pack: number;
  readonly position: number;
  readonly memory: Buffer;
  length: number;
}

export class FilePackDevice implements PackDevice {
  readonly #folder: string;
  readonly #onBodyDamaged: (bodyId: number) => void;
  /** Oldest use first. */
  readonly #open = new Map<number, number>();
  #dirty = new Set<number>();
  /** Syncs under way: until the last one ends, no descriptor is closed. */
  #syncs = 0;
  #leaving: number[] = [];
  #isNameNew = false;
  #run: Run | undefined;
  #failure: Error | undefined;

  /** `folder`: an existing folder, absolute. */
  constructor(folder: string, onBodyDamaged: (bodyId: number) => void = () => undefined) {
    this.#folder = folder;
    this.#onBodyDamaged = onBodyDamaged;
  }

  bodyDamaged(bodyId: number): void {
    this.#onBodyDamaged(bodyId);
  }

  append(pack: number, position: number, bytes: Uint8Array): void {
    this.#checkHealth();
    const run = this.#run;
    const isNext = run !== undefined && run.pack === pack && run.position + run.length === position;
    if (isNext && run.length + bytes.length <= RUN_BYTES) {
      run.memory.set(bytes, run.length);
      run.length += bytes.length;
      return;
    }
    this.#flush();
    if (bytes.length > RUN_BYTES) {
      this.#write(pack, position, bytes);
      return;
    }
    const memory = run?.memory ?? Buffer.allocUnsafeSlow(RUN_BYTES);
    memory.set(bytes, 0);
    this.#run = { pack, position, memory, length: bytes.length };
  }

  read(pack: number, position: number, length: number): Buffer {
    this.#checkHealth();
    const run = this.#run;
    if (run !== undefined && run.pack === pack && run.position < position + length) {
      const start = position - run.position;
      if (start >= 0) return Buffer.from(run.memory.subarray(start, Math.min(start + length, run.length)));
      this.#flush();
    }
    return this.#readFile(pack, position, length);
  }

  /** Packs that are appended to meanwhile wait for the next call. */
  async sync(): Promise<void> {
    this.#checkHealth();
    this.#flush();
    const packs = this.#dirty;
    this.#dirty = new Set();
    const isNameNew = this.#isNameNew;
    this.#isNameNew = false;
    this.#syncs += 1;
    try {
      await Promise.all([...packs].map((pack) => fdatasyncOnPool(this.#descriptor(pack))));
      if (isNameNew) await this.#syncFolder();
    } catch (error) {
      throw this.#fail(error, 'sync the folder packs and its packs');
    } finally {
      this.#syncs -= 1;
      if (this.#syncs === 0) this.#closeLeaving();
    }
    this.#checkHealth();
  }

  truncate(pack: number, length: number): void {
    this.#checkHealth();
    this.#flush();
    try {
      const descriptor = this.#existing(pack);
      if (descriptor === undefined || fstatSync(descriptor).size <= length) return;
      ftruncateSync(descriptor, length);
      this.#dirty.add(pack);
    } catch (error) {
      throw this.#fail(error, `cut ${nameOf(pack)}`);
    }
  }

  remove(pack: number): void {
    this.#checkHealth();
    if (this.#run?.pack === pack) this.#run = undefined;
    this.#dirty.delete(pack);
    this.#close(pack);
    try {
      removeFile(this.#path(pack));
      this.#isNameNew = true;
    } catch (error) {
      throw this.#fail(error, `remove ${nameOf(pack)}`);
    }
  }

  list(): readonly { readonly pack: number; readonly length: number }[] {
    this.#checkHealth();
    this.#flush();
    try {
      const packs = readdirSync(this.#folder).flatMap((name) => PACK_NAME.exec(name)?.[1] ?? []);
      return packs.map((digits) => ({ pack: Number(digits), length: statSync(this.#path(Number(digits))).size }));
    } catch (error) {
      throw diskProblem(error, 'list the folder packs');
    }
  }

  close(): void {
    for (const pack of this.#open.keys()) this.#close(pack);
    this.#run = undefined;
  }

  #flush(): void {
    const run = this.#run;
    if (run === undefined) return;
    this.#run = undefined;
    this.#write(run.pack, run.position, run.memory.subarray(0, run.length));
  }

  #write(pack: number, position: number, bytes: Uint8Array): void {
    try {
      const descriptor = this.#descriptor(pack);
      this.#dirty.add(pack);
      for (let written = 0; written < bytes.length; ) {
        written += writeSync(descriptor, bytes, written, bytes.length - written, position + written);
      }
    } catch (error) {
      throw this.#fail(error, `write ${nameOf(pack)}`);
    }
  }

  /** A failed read is not final: nothing depends on it but its asker. */
  #readFile(pack: number, position: number, length: number): Buffer {
    try {
      const descriptor = this.#existing(pack);
      if (descriptor === undefined) return Buffer.alloc(0);
      const available = Math.max(0, Math.min(length, fstatSync(descriptor).size - position));
      const bytes = Buffer.allocUnsafeSlow(available);
      let filled = 0;
      while (filled < available) {
        const count = readSync(descriptor, bytes, filled, available - filled, position + filled);
        if (count === 0) break;
        filled += count;
      }
      return bytes.subarray(0, filled);
    } catch (error) {
      throw diskProblem(error, `read ${nameOf(pack)}`);
    }
  }

  #descriptor(pack: number): number {
    return this.#existing(pack) ?? this.#openFile(pack, 'wx+');
  }

  /** Undefined when there is no such pack. */
  #existing(pack: number): number | undefined {
    const open = this.#open.get(pack);
    if (open !== undefined) {
      this.#open.delete(pack);
      this.#open.set(pack, open);
      return open;
    }
    try {
      return this.#openFile(pack, 'r+');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  #openFile(pack: number, flags: 'r+' | 'wx+'): number {
    const descriptor = openSync(this.#path(pack), flags, 0o600);
    if (flags !== 'r+') this.#isNameNew = true;
    this.#open.set(pack, descriptor);
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= MAX_OPEN_PACKS) break;
      this.#close(oldest);
    }
    return descriptor;
  }

  #close(pack: number): void {
    const descriptor = this.#open.get(pack);
    this.#open.delete(pack);
    if (descriptor === undefined) return;
    this.#leaving.push(descriptor);
    if (this.#syncs === 0) this.#closeLeaving();
  }

  #closeLeaving(): void {
    const leaving = this.#leaving;
    this.#leaving = [];
    for (const descriptor of leaving) closeSync(descriptor);
  }

  async #syncFolder(): Promise<void> {
    const descriptor = openSync(this.#folder, 'r');
    try {
      await fsyncOnPool(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  #path(pack: number): string {
    return join(this.#folder, fileName(pack));
  }

  #checkHealth(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #fail(error: unknown, action: string): Error {
    this.#failure ??= diskProblem(error, action);
    return this.#failure;
  }
}

function fileName(pack: number): string {
  return `${String(pack).padStart(8, '0')}.pack`;
}

/** For messages: as it is called in the copy's folder. */
function nameOf(pack: number): string {
  return `packs/${fileName(pack)}`;
}
