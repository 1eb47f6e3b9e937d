/**
 * Takes a backup of one copy, active or passive, while it goes on with its work. Nothing is read that was not checked:
 * log records against checksum and chain, bodies against their checksums. What was written is read back and compared
 * before the manifest makes it a backup.
 *
 * It holds what is committed and nothing else. A passive copy's log may go further than what it has applied; that part
 * may yet be withdrawn.
 */
import { isProblem, Problem } from '../base/problem.ts';
import { closedName, decodeHeader } from '../log/log-file.ts';
import type { LogReader } from '../log/log-reader.ts';
import { formatLsn } from '../log/lsn.ts';
import { readFrame } from '../log/record.ts';
import { BACKUP_FORMAT, type BackupFile, type BackupManifest, type BackupType, baseFor } from './backup-manifest.ts';
import { replicationLimits } from './limits.ts';
import { PackCheck } from './pack-check.ts';
import type { SeedSnapshot } from './seed-manifest.ts';

/** A folder that keeps the backups of a storage group. */
export interface BackupPlace {
  /** Of all finished backups. */
  manifests(): Promise<readonly BackupManifest[]>;
  /** Makes room for a new backup; its name is new. */
  begin(type: BackupType): Promise<string>;
  /** Writes the file, makes it durable, reads it back and compares. Problem('BackupDamaged' | 'DiskFull' | …) */
  write(id: string, name: string, chunks: AsyncIterable<Buffer>): Promise<BackupFile>;
  /** From here on it is a backup. */
  finish(manifest: BackupManifest): Promise<void>;
  /** Removes what an attempt that failed has written. */
  abandon(id: string): Promise<void>;
}

/** The copy that is backed up. */
export interface BackupSource {
  readonly host: string;
  readonly storageGroup: string;
  readonly signature: string;
  readonly reader: LogReader;
  readonly firstGeneration: number;
  readonly firstReadableLsn: number;
  readonly circularLogging: boolean;
  /** The last LSN that is committed and applied here. */
  committedLsn(): number;
  takeSnapshot(): Promise<SeedSnapshot>;
  wallMs(): number;
  onProgress(line: string): void;
}

export async function takeBackup(source: BackupSource, place: BackupPlace, type: BackupType): Promise<BackupManifest> {
  const base = type === 'Full' ? undefined : await findBase(source, place);
  const id = await place.begin(type);
  try {
    const parts = base === undefined ? await copySnapshot(source, place, id) : { startLsn: base.endLsn, files: [] };
    source.onProgress(`copying the log from ${formatLsn(parts.startLsn)}`);
    const log = await copyLog(source, place, id, parts.startLsn);
    const manifest: BackupManifest = {
      format: BACKUP_FORMAT,
      id,
      type,
      storageGroup: source.storageGroup,
      signature: source.signature,
      host: source.host,
      takenMs: Math.floor(source.wallMs()),
      baseId: base?.id ?? null,
      startLsn: parts.startLsn,
      endLsn: log.endLsn,
      endChain: log.endChain,
      files: [...parts.files, ...log.files],
    };
    await place.finish(manifest);
    return manifest;
  } catch (error) {
    // Why it failed matters more than what it leaves: a folder without a manifest is nothing.
    await place.abandon(id).catch(() => undefined);
    throw error;
  }
}

async function findBase(source: BackupSource, place: BackupPlace): Promise<BackupManifest> {
  if (source.circularLogging) {
    throw noIncremental(source, 'circular logging is on, so the log between two backups is not kept');
  }
  const base = baseFor(source.signature, await place.manifests());
  if (base === undefined) throw noIncremental(source, 'there is no full backup of this log in that folder');
  if (base.endLsn > source.committedLsn()) {
    throw noIncremental(source, `the last backup ends at ${formatLsn(base.endLsn)}, behind the end of this copy`);
  }
  if (base.endLsn < source.firstReadableLsn) {
    throw noIncremental(source, `the log behind ${formatLsn(base.endLsn)} is not here any more`);
  }
  const chain = base.endLsn === source.firstReadableLsn ? base.endChain : await source.reader.chainAt(base.endLsn);
  if (chain !== base.endChain) throw noIncremental(source, 'this log has another history than the last backup');
  return base;
}

function noIncremental(source: BackupSource, why: string): Problem {
  return new Problem(
    'BackupNotPossible',
    `Cannot take an incremental backup of ${source.storageGroup}: ${why}. Take a full backup.`,
  );
}

async function copySnapshot(
  source: BackupSource,
  place: BackupPlace,
  id: string,
): Promise<{ startLsn: number; files: readonly BackupFile[] }> {
  source.onProgress('taking a snapshot');
  const snapshot = await source.takeSnapshot();
  try {
    const files: BackupFile[] = [];
    for (const { name, sizeBytes } of snapshot.manifest.files) {
      source.onProgress(`copying ${name} (${(sizeBytes / 1024 / 1024).toFixed(1)} MiB)`);
      files.push(await place.write(id, name, readInChunks(snapshot, name, sizeBytes)));
    }
    return { startLsn: snapshot.manifest.lsn, files };
  } finally {
    await snapshot.release();
  }
}

async function* readInChunks(snapshot: SeedSnapshot, name: string, sizeBytes: number): AsyncGenerator<Buffer> {
  const check = name.startsWith('packs/') ? new PackCheck(name) : undefined;
  for (let position = 0; position < sizeBytes; position += replicationLimits.seedChunkBytes) {
    const length = Math.min(replicationLimits.seedChunkBytes, sizeBytes - position);
    const chunk = await snapshot.read(name, position, length);
    check?.add(chunk);
    yield chunk;
  }
  check?.finish();
}

interface CopiedLog {
  readonly files: readonly BackupFile[];
  readonly endLsn: number;
  readonly endChain: number;
}

/** The log files from the one that holds `startLsn` on, each as long as it was made, up to what is committed now. */
async function copyLog(source: BackupSource, place: BackupPlace, id: string, startLsn: number): Promise<CopiedLog> {
  const limitLsn = source.committedLsn();
  const first = await generationOf(source, startLsn);
  const items = new FileCutter(source.reader.readFile(first), limitLsn);
  const files: BackupFile[] = [];
  for (let file = await items.nextFile(); file !== undefined; file = await items.nextFile()) {
    files.push(await place.write(id, `log/${closedName(file.generation)}`, file.chunks));
  }
  // A record of the base's end is in the first file unless that file begins right behind it.
  const { endLsn, endChain } = items;
  if (endLsn < startLsn)
    throw new Problem('LogTruncated', `Cannot back up the log behind ${formatLsn(startLsn)}: it ends`);
  return { files, endLsn, endChain };
}

async function generationOf(source: BackupSource, lsn: number): Promise<number> {
  if (lsn === source.firstReadableLsn) return source.firstGeneration;
  const place = await source.reader.find(lsn);
  if (place !== undefined) return place.generation;
  throw new Problem(
    'LogTruncated',
    `Cannot back up the log from ${formatLsn(lsn)}: it is not here any more. Try again.`,
    { temporary: true },
  );
}

type Items = ReturnType<LogReader['readFile']>;
type Item = Awaited<ReturnType<Items['next']>>['value'];

/** The stream of the log, cut into its files again, and ended behind the record `limitLsn`. */
class FileCutter {
  readonly #items: Items;
  readonly #limitLsn: number;
  #next: Item | undefined;
  endLsn = 0;
  endChain = 0;

  constructor(items: Items, limitLsn: number) {
    this.#items = items;
    this.#limitLsn = limitLsn;
  }

  /** Its chunks are to be taken before the next one is asked for. */
  async nextFile(): Promise<{ generation: number; chunks: AsyncIterable<Buffer> } | undefined> {
    const item = this.#next ?? (await this.#advance());
    this.#next = undefined;
    if (item?.type !== 'file') return undefined;
    const header = decodeHeader(item.header);
    if (header === undefined) throw new Problem('LogDamaged', 'Cannot back up the log: a header is damaged');
    // A file without a record that is committed is not needed, except the very first, which says where the log begins.
    if (this.endLsn === 0) {
      this.endLsn = header.previousLsn;
      this.endChain = header.previousChain;
    } else if (header.previousLsn >= this.#limitLsn) return undefined;
    return { generation: item.generation, chunks: this.#chunks(item.header, header.sizeBytes) };
  }

  async *#chunks(header: Buffer, sizeBytes: number): AsyncGenerator<Buffer> {
    yield header;
    let written = header.length;
    for (let item = await this.#advance(); item !== undefined; item = await this.#advance()) {
      if (item.type === 'file') {
        this.#next = item;
        break;
      }
      if (item.lsn > this.#limitLsn) break;
      written += item.frame.length;
      this.endLsn = item.lsn;
      this.endChain = readFrame(item.frame).crc;
      yield item.frame;
    }
    yield Buffer.alloc(sizeBytes - written);
  }

  async #advance(): Promise<Item | undefined> {
    try {
      const { value, done } = await this.#items.next();
      return done === true ? undefined : value;
    } catch (error) {
      if (isProblem(error, 'LogDamaged')) {
        throw new Problem('BackupSourceDamaged', `${error.message} Back up the other copy, and seed this one.`, {
          cause: error,
        });
      }
      throw error;
    }
  }
}
