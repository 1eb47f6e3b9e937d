/**
 * Backups in a folder: `FOLDER/ID/` for each, the manifest last. A folder without a manifest is what an interrupted
 * backup left; nobody reads it, and it may be deleted. What was written is read back and compared: that finds a full
 * disk, a wrong share, a bad cable; what the disk does to it later the checksums find.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { isProblem, Problem } from '../base/problem.ts';
import { type Disk, folderOf, joinName } from '../log/disk.ts';
import type { BackupPlace } from './backup.ts';
import {
  type BackupFile,
  type BackupManifest,
  type BackupType,
  decodeManifest,
  encodeManifest,
  MANIFEST_NAME,
} from './backup-manifest.ts';
import { replicationLimits } from './limits.ts';

/** Where backups lie: perhaps on a share that other hosts write to. */
export interface BackupDisk extends Disk {
  /** Makes `folder`, durably, with its parents; false when there is one of that name, whoever made it. */
  makeNewFolder(folder: string): Promise<boolean>;
  /** With everything in it. */
  removeFolder(folder: string): Promise<void>;
}

const MAX_NAMESAKES = 1_000;

export class BackupFolder implements BackupPlace {
  readonly #disk: BackupDisk;
  readonly #folder: string;
  readonly #clock: Pick<Clock, 'wallMs'>;

  constructor(disk: BackupDisk, folder: string, clock: Pick<Clock, 'wallMs'>) {
    this.#disk = disk;
    this.#folder = folder;
    this.#clock = clock;
  }

  async manifests(): Promise<readonly BackupManifest[]> {
    const found: BackupManifest[] = [];
    for (const name of (await this.#disk.list(this.#folder)).sort()) {
      const path = this.#path(name);
      const bytes = await readIfThere(this.#disk, joinName(path, MANIFEST_NAME));
      if (bytes !== undefined) found.push(decodeManifest(bytes, path));
    }
    return found.sort((one, other) => one.takenMs - other.takenMs);
  }

  async begin(type: BackupType): Promise<string> {
    const time = new Date(this.#clock.wallMs()).toISOString().replace(/[-:]|\.\d+/g, '');
    for (let namesake = 1; namesake < MAX_NAMESAKES; namesake++) {
      const id = `${time}-${type.toLowerCase()}${namesake === 1 ? '' : `-${namesake}`}`;
      if (await this.#disk.makeNewFolder(this.#path(id))) return id;
    }
    throw new Problem('BackupNotPossible', 'Cannot begin a backup: too many carry the same time. Try again.');
  }

  async write(id: string, name: string, chunks: AsyncIterable<Buffer>): Promise<BackupFile> {
    const disk = this.#disk;
    const path = joinName(this.#path(id), name);
    await disk.makeFolder(folderOf(path));
    const hash = createHash('sha256');
    let sizeBytes = 0;
    for await (const piece of gathered(chunks)) {
      hash.update(piece);
      await disk.write(path, sizeBytes, piece);
      sizeBytes += piece.length;
    }
    await disk.sync(path);
    const entry = { name, sizeBytes, sha256: hash.digest('hex') };
    await this.check(id, entry);
    return entry;
  }

  async finish(manifest: BackupManifest): Promise<void> {
    const folder = this.#path(manifest.id);
    for (const path of new Set(manifest.files.map(({ name }) => folderOf(joinName(folder, name))))) {
      await this.#disk.syncFolder(path);
    }
    await this.#disk.writeAtomically(joinName(folder, MANIFEST_NAME), encodeManifest(manifest));
  }

  async abandon(id: string): Promise<void> {
    await this.#disk.removeFolder(this.#path(id));
  }

  /** Reads the whole file. Problem('BackupDamaged') when it is missing or not what the manifest says. */
  async check(id: string, expected: BackupFile): Promise<void> {
    const path = joinName(this.#path(id), expected.name);
    const hash = createHash('sha256');
    const sizeBytes = (await this.#disk.size(path)) ?? 0;
    for (let position = 0; position < sizeBytes; position += replicationLimits.seedChunkBytes) {
      hash.update(await this.#disk.read(path, position, replicationLimits.seedChunkBytes));
    }
    if (sizeBytes === expected.sizeBytes && hash.digest('hex') === expected.sha256) return;
    throw new Problem('BackupDamaged', `Cannot use the backup: ${path} is not as it was written. Use another backup.`);
  }

  #path(name: string): string {
    return joinName(this.#folder, name);
  }
}

/** The same bytes in pieces that are worth a write each: records are short. A file without bytes is one, too. */
async function* gathered(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  for await (const chunk of chunks) {
    waiting.push(chunk);
    waitingBytes += chunk.length;
    if (waitingBytes < replicationLimits.seedChunkBytes) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    waitingBytes = 0;
  }
  yield Buffer.concat(waiting);
}

async function readIfThere(disk: Disk, name: string): Promise<Buffer | undefined> {
  const sizeBytes = await disk.size(name);
  if (sizeBytes === undefined) return undefined;
  try {
    return await disk.read(name, 0, sizeBytes);
  } catch (error) {
    if (isProblem(error, 'FileMissing')) return undefined; // somebody removes that backup
    throw error;
  }
}
