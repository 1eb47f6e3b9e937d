/**
 * The disk that backups are written to, from its topmost folder on: an administrator names the place by a whole path. It
 * may be a share, and another host may begin a backup there at the same moment.
 */
import { mkdir, rm } from 'node:fs/promises';
import { dirname, isAbsolute, join, parse, sep } from 'node:path';
import { Problem } from '../base/problem.ts';
import { FileSystemDisk } from './disk.ts';
import { diskProblem, errorCode } from './disk-problem.ts';

const OWNER_ONLY = 0o700;

export class HostBackupDisk extends FileSystemDisk {
  readonly #root: string;

  private constructor(root: string) {
    super(root);
    this.#root = root;
  }

  /** With the name of the folder `path` on it. Problem('PathInvalid') */
  static of(path: string): { readonly disk: HostBackupDisk; readonly folder: string } {
    if (!isAbsolute(path)) {
      throw new Problem(
        'PathInvalid',
        'Cannot use that folder for backups: its path is not absolute. Write the whole path.',
      );
    }
    const { root } = parse(path);
    return { disk: new HostBackupDisk(root), folder: path.slice(root.length).replaceAll(sep, '/') };
  }

  async makeNewFolder(folder: string): Promise<boolean> {
    await this.makeFolder(dirname(folder));
    const path = join(this.#root, folder);
    try {
      await mkdir(path, { mode: OWNER_ONLY });
    } catch (error) {
      if (errorCode(error) === 'EEXIST') return false;
      throw diskProblem(error, `make the folder ${path}`);
    }
    await this.syncFolder(dirname(folder));
    return true;
  }

  async removeFolder(folder: string): Promise<void> {
    const path = join(this.#root, folder);
    try {
      await rm(path, { recursive: true, force: true });
    } catch (error) {
      throw diskProblem(error, `remove the folder ${path}`);
    }
  }
}
