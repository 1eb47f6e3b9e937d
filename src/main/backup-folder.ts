/**
 * Backups in a folder: `FOLDER/ID/` for each, the manifest last. A folder without a manifest is what an interrupted
 * backup left; nobody reads it, and it may be deleted. What was written is read back through the file system and
 * compared: that finds a full disk, a wrong share, a bad cable; what the disk does to it later the checksums find.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { Problem } from '../base/problem.ts';
import { diskProblem, errorCode } from '../host/disk-problem.ts';
import { makeFolderOnPool, syncFolderOnPool } from '../host/folders.ts';
import type { BackupPlace } from '../replication/backup.ts';
import {
  type BackupFile,
  type BackupManifest,
  type BackupType,
  decodeManifest,
  encodeManifest,
  MANIFEST_NAME,
} from '../replication/backup-manifest.ts';

const READ_BYTES = 1024 * 1024;
const MAX_NAMESAKES = 1_000;

export class BackupFolder implements BackupPlace {
  readonly #root: string;
  readonly #clock: Pick<Clock, 'wallMs'>;

  /** Problem('PathInvalid') */
  constructor(root: string, clock: Pick<Clock, 'wallMs'>) {
    if (!isAbsolute(root)) {
      throw new Problem(
        'PathInvalid',
        'Cannot use that folder for backups: its path is not absolute. Write the whole path.',
      );
    }
    this.#root = root;
    this.#clock = clock;
  }

  async manifests(): Promise<readonly BackupManifest[]> {
    const found: BackupManifest[] = [];
    for (const name of await namesIn(this.#root)) {
      const path = join(this.#root, name);
      const bytes = await readIfThere(join(path, MANIFEST_NAME));
      if (bytes !== undefined) found.push(decodeManifest(bytes, path));
    }
    return found.sort((one, other) => one.takenMs - other.takenMs);
  }

  async begin(type: BackupType): Promise<string> {
    const time = new Date(this.#clock.wallMs()).toISOString().replace(/[-:]|\.\d+/g, '');
    try {
      await makeFolderOnPool(this.#root);
      for (let namesake = 1; namesake < MAX_NAMESAKES; namesake++) {
        const id = `${time}-${type.toLowerCase()}${namesake === 1 ? '' : `-${namesake}`}`;
        if (await makeFolder(join(this.#root, id))) return id;
      }
    } catch (error) {
      throw diskProblem(error, `begin a backup in the folder ${this.#root}`);
    }
    throw new Problem('BackupNotPossible', 'Cannot begin a backup: too many carry the same time. Try again.');
  }

  async write(id: string, name: string, chunks: AsyncIterable<Buffer>): Promise<BackupFile> {
    const path = join(this.#root, id, name);
    const hash = createHash('sha256');
    let sizeBytes = 0;
    try {
      await makeFolderOnPool(dirname(path));
      const file = await open(path, 'wx', 0o600);
      try {
        for await (const chunk of chunks) {
          hash.update(chunk);
          sizeBytes += chunk.length;
          await file.writeFile(chunk);
        }
        await file.sync();
      } finally {
        await file.close();
      }
    } catch (error) {
      throw error instanceof Problem ? error : diskProblem(error, `write ${path}`);
    }
    const entry = { name, sizeBytes, sha256: hash.digest('hex') };
    await checkBackupFile(join(this.#root, id), entry);
    return entry;
  }

  async finish(manifest: BackupManifest): Promise<void> {
    const folder = join(this.#root, manifest.id);
    try {
      for (const name of new Set(manifest.files.map((file) => dirname(file.name))))
        await syncFolderOnPool(join(folder, name));
      const temporary = join(folder, `${MANIFEST_NAME}.new`);
      const file = await open(temporary, 'wx', 0o600);
      try {
        await file.writeFile(encodeManifest(manifest));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, join(folder, MANIFEST_NAME));
      await syncFolderOnPool(folder);
      await syncFolderOnPool(this.#root);
    } catch (error) {
      throw diskProblem(error, `finish the backup in the folder ${folder}`);
    }
  }

  async abandon(id: string): Promise<void> {
    await rm(join(this.#root, id), { recursive: true, force: true });
  }
}

/** Reads the whole file. Problem('BackupDamaged') when it is missing or not what the manifest says. */
export async function checkBackupFile(folder: string, expected: BackupFile): Promise<void> {
  const path = join(folder, expected.name);
  const hash = createHash('sha256');
  let sizeBytes = 0;
  try {
    const file = await open(path, 'r');
    try {
      const chunk = Buffer.allocUnsafe(READ_BYTES);
      for (;;) {
        const { bytesRead } = await file.read(chunk, 0, chunk.length, sizeBytes);
        if (bytesRead === 0) break;
        hash.update(chunk.subarray(0, bytesRead));
        sizeBytes += bytesRead;
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw diskProblem(error, `read ${path}`);
  }
  if (sizeBytes === expected.sizeBytes && hash.digest('hex') === expected.sha256) return;
  throw new Problem('BackupDamaged', `Cannot use the backup: ${path} is not as it was written. Use another backup.`);
}

/**
 * Where the backups of one storage group lie: `path` itself, or the one folder in it that has some, as when it is the
 * folder that Backup-StorageGroup was given. Problem('BackupAmbiguous') when there are several and none is the `wanted`
 * storage group's.
 */
export async function folderOfBackups(path: string, clock: Pick<Clock, 'wallMs'>, wanted?: string): Promise<string> {
  const hasBackups = async (folder: string): Promise<boolean> =>
    (await new BackupFolder(folder, clock).manifests()).length > 0;
  if (await hasBackups(path)) return path;
  const found: string[] = [];
  for (const name of await foldersIn(path)) if (await hasBackups(join(path, name))) found.push(name);
  if (wanted !== undefined && found.includes(wanted)) return join(path, wanted);
  if (found.length > 1) {
    throw new Problem(
      'BackupAmbiguous',
      `Cannot restore from ${path}: it has backups of ${found.join(', ')}. Name the folder of one of them.`,
    );
  }
  return join(path, found[0] ?? '');
}

async function foldersIn(path: string): Promise<string[]> {
  const names = await namesIn(path);
  const facts = await Promise.all(names.map((name) => stat(join(path, name))));
  return names.filter((_, index) => facts[index]?.isDirectory() === true);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw diskProblem(error, `list ${folder}`);
  }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return undefined;
    throw diskProblem(error, `read ${path}`);
  }
}

/** False when there is one of that name. */
async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}
