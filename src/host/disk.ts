/**
 * The `Disk` port on the machine's file system, inside one root folder. It may use libuv's pool of threads: nothing that
 * an answer waits for goes through here (that is log-device.ts).
 */
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { assert } from '../base/assert.ts';
import type { Disk } from '../log/disk.ts';
import { diskProblem, errorCode } from './disk-problem.ts';
import { makeFolderOnPool } from './folders.ts';

const OWNER_ONLY = 0o600;

export class FileSystemDisk implements Disk {
  readonly #root: string;

  /** `root`: an existing folder, absolute. */
  constructor(root: string) {
    this.#root = root;
  }

  async list(folder: string): Promise<string[]> {
    try {
      return await readdir(this.#path(folder));
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return [];
      throw diskProblem(error, `list ${this.#folderName(folder)}`);
    }
  }

  async size(name: string): Promise<number | undefined> {
    try {
      return (await stat(this.#path(name))).size;
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return undefined;
      throw diskProblem(error, `look at ${this.#shown(name)}`);
    }
  }

  async read(name: string, position: number, length: number): Promise<Buffer> {
    return this.#withFile(name, 'r', `read ${this.#shown(name)}`, async (file) => {
      const available = Math.max(0, Math.min(length, (await file.stat()).size - position));
      const bytes = Buffer.allocUnsafe(available);
      let filled = 0;
      while (filled < available) {
        const { bytesRead } = await file.read(bytes, filled, available - filled, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    });
  }

  async writeAtomically(name: string, bytes: Uint8Array): Promise<void> {
    const temporary = `${name}.new`;
    try {
      await this.#withFile(temporary, 'w', `write ${this.#shown(name)}`, async (file) => {
        await file.writeFile(bytes);
        await file.sync();
      });
    } catch (error) {
      await this.remove(temporary);
      throw error;
    }
    await this.rename(temporary, name);
    await this.syncFolder(dirname(name));
  }

  async rename(from: string, to: string): Promise<void> {
    try {
      await rename(this.#path(from), this.#path(to));
    } catch (error) {
      throw diskProblem(error, `rename ${this.#shown(from)} to ${this.#shown(to)}`);
    }
  }

  async remove(name: string): Promise<void> {
    try {
      await rm(this.#path(name), { force: true });
    } catch (error) {
      throw diskProblem(error, `remove ${this.#shown(name)}`);
    }
  }

  async syncFolder(folder: string): Promise<void> {
    await this.#withFile(folder, 'r', `sync ${this.#folderName(folder)}`, (handle) => handle.sync());
  }

  async makeFolder(folder: string): Promise<void> {
    const missing: string[] = [];
    for (let at = folder; at !== '.' && at !== '' && (await this.size(at)) === undefined; at = dirname(at))
      missing.push(at);
    for (const name of missing.toReversed()) {
      try {
        await makeFolderOnPool(this.#path(name));
      } catch (error) {
        throw diskProblem(error, `make the folder ${this.#shown(name)}`);
      }
      await this.syncFolder(dirname(name));
    }
  }

  async truncate(name: string, lengthBytes: number): Promise<void> {
    await this.#withFile(name, 'r+', `cut ${this.#shown(name)}`, async (file) => {
      await file.truncate(lengthBytes);
      await file.datasync();
    });
  }

  async write(name: string, position: number, bytes: Uint8Array): Promise<void> {
    const flags = (await this.size(name)) === undefined ? 'w' : 'r+';
    await this.#withFile(name, flags, `write ${this.#shown(name)}`, async (file) => {
      for (let written = 0; written < bytes.length; ) {
        written += (await file.write(bytes, written, bytes.length - written, position + written)).bytesWritten;
      }
    });
  }

  async sync(name: string): Promise<void> {
    await this.#withFile(name, 'r+', `sync ${this.#shown(name)}`, (file) => file.datasync());
  }

  async #withFile<T>(name: string, flags: string, action: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
    try {
      const file = await open(this.#path(name), flags, OWNER_ONLY);
      try {
        return await use(file);
      } finally {
        await file.close();
      }
    } catch (error) {
      throw diskProblem(error, action);
    }
  }

  /** For messages. */
  #folderName(folder: string): string {
    return `the folder ${folder === '' || folder === '.' ? this.#root : this.#shown(folder)}`;
  }

  /** For messages: from the topmost folder on it is the whole path. */
  #shown(name: string): string {
    return dirname(this.#root) === this.#root ? join(this.#root, name) : name;
  }

  #path(name: string): string {
    return pathInside(this.#root, name);
  }
}

/** `name` below `root`. Names come from our own code; one that climbs out is our mistake. */
export function pathInside(root: string, name: string): string {
  const path = join(root, name);
  const base = root.endsWith(sep) ? root.slice(0, -1) : root;
  assert(
    path === base || path === `${base}${sep}` || path.startsWith(`${base}${sep}`),
    `A name outside its root: ${name}`,
  );
  return path;
}
