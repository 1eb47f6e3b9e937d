/**
 * A copy's home on this host's disk: the real side of the port `CopyStorage`.
 *
 *   FOLDER/log/         E00.log, closed files, reserve
 *   FOLDER/database.sqlite
 *   FOLDER/packs/       message bodies
 *   FOLDER/epoch.json   the highest epoch that this copy has promised
 *   FOLDER/quarantine/  records that were cut away
 *   FOLDER/content-index.sqlite  the full-text index; may be deleted at any time
 */
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogDevice } from '../log/disk.ts';
import type { CopyStorage, PackLengths } from '../replication/copy-storage.ts';
import type { SeedSnapshot } from '../replication/seed-manifest.ts';
import type { ContentIndex } from '../store/content-index.ts';
import type { PackDevice } from '../store/packs.ts';
import type { Snapshot } from '../store/snapshot.ts';
import { DatabaseCheckpoint } from './database-checkpoint.ts';
import { FileSystemDisk } from './disk.ts';
import { diskProblem } from './disk-problem.ts';
import { makeFolder } from './folders.ts';
import { ThreadLogDevice } from './log-device.ts';
import { FilePackDevice } from './pack-device.ts';
import { finishRebuild } from './rebuilt-files.ts';
import { DATABASE_NAME, forgetSnapshots, freshSnapshotPath, openSnapshot } from './seed-files.ts';

/** Copies the last committed database of `path`, and says how much of each pack belongs to it (store/snapshot.ts). */
export type CopyDatabase = (path: string, packs: PackLengths, targetPath: string) => Promise<Snapshot>;

export class CopyFolder implements CopyStorage {
  readonly #root: string;
  readonly #copyDatabase: CopyDatabase;
  readonly disk: FileSystemDisk;
  readonly databasePath: string;
  /** A read found this body damaged. */
  onBodyDamaged: (bodyId: number) => void = () => undefined;
  readonly contentIndex?: ContentIndex;
  readonly #checkpoint: DatabaseCheckpoint;

  /** `root`: absolute; made if it is not there. Problem('DiskFull' | 'DiskFailed' | ...) */
  constructor(root: string, copyDatabase: CopyDatabase, contentIndex?: ContentIndex) {
    try {
      makeFolder(root);
    } catch (error) {
      throw diskProblem(error, `make the folder ${root}`);
    }
    this.#root = root;
    this.#copyDatabase = copyDatabase;
    if (contentIndex !== undefined) this.contentIndex = contentIndex;
    this.disk = new FileSystemDisk(root);
    this.databasePath = join(root, DATABASE_NAME);
    this.#checkpoint = new DatabaseCheckpoint(this.databasePath);
  }

  async prepare(): Promise<void> {
    try {
      forgetSnapshots(this.#root);
      finishRebuild(this.#root);
      makeFolder(join(this.#root, 'packs'));
    } catch (error) {
      throw diskProblem(error, `prepare the folder ${this.#root}`);
    }
  }

  async takeSnapshot(packs: PackLengths, signature: string): Promise<SeedSnapshot> {
    const path = freshSnapshotPath(this.#root);
    const snapshot = await this.#copyDatabase(this.databasePath, packs, path);
    return openSnapshot(this.#root, path, snapshot, signature);
  }

  openDevice(): LogDevice {
    return new ThreadLogDevice(this.#root);
  }

  openPacks(): PackDevice {
    return new FilePackDevice(join(this.#root, 'packs'), (bodyId) => this.onBodyDamaged(bodyId));
  }

  async putDatabaseAside(): Promise<void> {
    const aside = `quarantine/damaged-database-${process.hrtime.bigint()}`;
    await this.disk.makeFolder(aside);
    for (const name of [DATABASE_NAME, `${DATABASE_NAME}-wal`, `${DATABASE_NAME}-shm`]) {
      if ((await this.disk.size(name)) !== undefined) await this.disk.rename(name, `${aside}/${name}`);
    }
    await this.disk.syncFolder(aside);
    await this.disk.syncFolder('');
  }

  /** Problem('DiskFailed') */
  async freeBytes(): Promise<number> {
    try {
      const { bavail, bsize } = await statfs(this.#root);
      return bavail * bsize;
    } catch (error) {
      throw diskProblem(error, `look for room in ${this.#root}`);
    }
  }

  checkpointDatabase(): Promise<boolean> {
    return this.#checkpoint.run();
  }

  close(): Promise<void> {
    return this.#checkpoint.close();
  }
}
