/**
 * The list of recipients in a file of the hub's data folder. Written beside and renamed, so that a crash leaves the old
 * list or the new one; both are good.
 */
import { open, readFile, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DirectoryCache } from '../directory/recipients.ts';

const MAX_FILE_BYTES = 256 * 1024 * 1024;

export class FileDirectoryCache implements DirectoryCache {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async load(): Promise<Buffer | undefined> {
    try {
      if ((await stat(this.#path)).size > MAX_FILE_BYTES) return undefined;
      return await readFile(this.#path);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async save(bytes: Buffer): Promise<void> {
    const temporary = `${this.#path}.new`;
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, this.#path);
    const folder = await open(dirname(this.#path), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}
