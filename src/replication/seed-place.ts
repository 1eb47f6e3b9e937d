/**
 * Where a seed is gathered, `seeding/` in the copy's folder, and how it takes the place of the old files.
 *
 * Nothing notes how far an attempt came. What lies in `seeding/` is believed block by block, when it has the checksum
 * that the source names; so a cut at any byte, a kill or a loss of power costs what was not on the disk yet, and the next
 * attempt may come from another source with a newer snapshot. Blocks of the copy's old files serve as well: packs are the
 * same on every copy.
 *
 * The exchange is written down first (`seeding/complete`): each file to be moved or removed by its name. From then on it
 * is finished by whoever opens the copy next, and every step may be repeated. A file that is not on the list stays.
 */
import { decodeNote, encodeNote } from '../base/checked-note.ts';
import { isProblem, Problem } from '../base/problem.ts';
import { type Disk, folderOf, joinName } from '../log/disk.ts';
import { noteTail, QUARANTINE } from './divergent-tails.ts';
import { replicationLimits } from './limits.ts';
import {
  DATABASE_FILE,
  SEED_BLOCK_BYTES,
  type SeedFile,
  type SeedManifest,
  SUM_BYTES,
  sumOfBlock,
  sumsOf,
} from './seed-manifest.ts';
import { SEEDED_FILE } from './seeded-note.ts';

const SEEDING = 'seeding';
const COMPLETE = 'seeding/complete';
const PACKS = 'packs';
const LOG = 'log';

/** A run of blocks that have to be fetched. */
export interface MissingRange {
  readonly position: number;
  readonly length: number;
}

/** What becomes of the log that the copy has. */
export interface OldLog {
  /** It stays: it holds the record that the seed stands at, with the same history. */
  readonly keep: boolean;
  /** Files with records that the source does not have; they are put aside. */
  readonly surplus: readonly string[];
  /** The last record that the source has too; undefined when there is none, or nobody knows. */
  readonly commonLsn?: number | undefined;
}

interface Exchange {
  readonly moves: readonly (readonly [from: string, to: string])[];
  readonly removes: readonly string[];
}

export class SeedPlace {
  readonly #disk: Disk;
  /** By file, the checksums of all its blocks, as the source gave them. */
  readonly #sums = new Map<string, Buffer[]>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** What an earlier attempt left is kept; files of it that no longer belong to the seed go. */
  async begin(manifest: SeedManifest): Promise<void> {
    const disk = this.#disk;
    this.#sums.clear();
    await disk.makeFolder(joinName(SEEDING, PACKS));
    await disk.remove(COMPLETE);
    await disk.syncFolder(SEEDING);
    const wanted = new Set(manifest.files.map(({ name }) => name));
    for (const name of await packNames(disk, joinName(SEEDING, PACKS))) {
      if (!wanted.has(joinName(PACKS, name))) await disk.remove(joinName(SEEDING, joinName(PACKS, name)));
    }
  }

  /** What of this range of `name` is neither here nor in the copy's old file. `sums` are the source's, of its blocks. */
  async missing(name: string, position: number, length: number, sums: Buffer): Promise<MissingRange[]> {
    if (sums.length !== Math.ceil(length / SEED_BLOCK_BYTES) * SUM_BYTES) {
      throw new Problem('Malformed', `Cannot seed this copy: the checksums of ${name} are not those of the range`);
    }
    this.#sums.set(name, [...(this.#sums.get(name) ?? []), sums]);
    const here = await this.#blocks(joinName(SEEDING, name), position, length);
    const old = here.sums.equals(sums) ? here : await this.#oldBlocks(name, position, length);
    const ranges: MissingRange[] = [];
    for (let block = 0; block * SEED_BLOCK_BYTES < length; block++) {
      const sum = sumOfBlock(sums, block);
      if (sumOfBlock(here.sums, block).equals(sum)) continue;
      const from = block * SEED_BLOCK_BYTES;
      const end = Math.min(from + SEED_BLOCK_BYTES, length);
      const isInOldFile = sumOfBlock(old.sums, block).equals(sum);
      if (isInOldFile) await this.write(name, position + from, old.bytes.subarray(from, end));
      else addBlock(ranges, position + from, end - from);
    }
    return ranges;
  }

  /** Of the copy's own file; none where the disk does not give them, which may be why the copy is made anew. */
  async #oldBlocks(name: string, position: number, length: number): Promise<{ bytes: Buffer; sums: Buffer }> {
    try {
      return await this.#blocks(name, position, length);
    } catch (error) {
      if (!isProblem(error, 'DiskFailed')) throw error;
      return { bytes: Buffer.alloc(0), sums: Buffer.alloc(0) };
    }
  }

  async #blocks(path: string, position: number, length: number): Promise<{ bytes: Buffer; sums: Buffer }> {
    const sizeBytes = (await this.#disk.size(path)) ?? 0;
    const bytes = sizeBytes <= position ? Buffer.alloc(0) : await this.#disk.read(path, position, length);
    return { bytes, sums: sumsOf(bytes) };
  }

  /** Bytes that were checked. */
  async write(name: string, position: number, bytes: Uint8Array): Promise<void> {
    await this.#disk.write(joinName(SEEDING, name), position, bytes);
  }

  /** All of `file` has been written: it gets its length, and is durable. */
  async finish({ name, sizeBytes }: SeedFile): Promise<void> {
    const path = joinName(SEEDING, name);
    const present = await this.#disk.size(path);
    if (present === undefined) await this.#disk.write(path, 0, Buffer.alloc(0));
    else if (present > sizeBytes) await this.#disk.truncate(path, sizeBytes);
    await this.#disk.sync(path);
  }

  /** Reads everything back before anything is replaced. Problem('SeedDamaged'): the disk does not give what it was given. */
  async verify(files: readonly SeedFile[], onWindow: () => void): Promise<void> {
    for (const { name, sizeBytes } of files) {
      const windows = this.#sums.get(name) ?? [];
      for (let index = 0; index * replicationLimits.seedSumsBytes < sizeBytes; index++) {
        const position = index * replicationLimits.seedSumsBytes;
        const length = Math.min(replicationLimits.seedSumsBytes, sizeBytes - position);
        const { sums } = await this.#blocks(joinName(SEEDING, name), position, length);
        if (windows[index]?.equals(sums) !== true) throw damagedAt(name, position);
        onWindow();
      }
    }
  }

  /** Everything is here, synced and verified. Resolves when it has taken the old files' place; tells what was put aside. */
  async install(manifest: SeedManifest, oldLog: OldLog): Promise<string | undefined> {
    const disk = this.#disk;
    const { lsn, signature } = manifest;
    if (!oldLog.keep) await disk.writeAtomically(joinName(SEEDING, SEEDED_FILE), encodeNote({ lsn, signature }));
    await disk.syncFolder(joinName(SEEDING, PACKS));
    await disk.syncFolder(SEEDING);
    const aside = oldLog.surplus.length === 0 ? undefined : await freshQuarantine(disk, `before-seed-at-${lsn}`);
    const { commonLsn: behindLsn } = oldLog;
    if (aside !== undefined && behindLsn !== undefined)
      await noteTail(disk, aside, { behindLsn, isDamaged: false, returns: false });
    const { moves, removes } = await this.#plan(manifest, oldLog, aside);
    await disk.writeAtomically(COMPLETE, encodeNote({ moves, removes }));
    await finishSeed(disk);
    return aside;
  }

  async #plan(manifest: SeedManifest, oldLog: OldLog, aside: string | undefined): Promise<Exchange> {
    const disk = this.#disk;
    const names = manifest.files.map(({ name }) => name);
    const oldPacks = (await packNames(disk, PACKS)).map((name) => joinName(PACKS, name));
    const surplus = new Set(oldLog.surplus);
    const logNames = oldLog.keep ? [] : await logFileNames(disk);
    const gathered = oldLog.keep ? names : [...names, SEEDED_FILE];
    return {
      moves: [
        ...logNames
          .filter((name) => surplus.has(name))
          .map((name) => [joinName(LOG, name), `${aside}/${name}`] as const),
        ...gathered.map((name) => [joinName(SEEDING, name), name] as const),
      ],
      removes: [
        ...logNames.filter((name) => !surplus.has(name)).map((name) => joinName(LOG, name)),
        ...oldPacks.filter((name) => !names.includes(name)),
        `${DATABASE_FILE}-wal`,
        `${DATABASE_FILE}-shm`,
      ],
    };
  }
}

/** Finishes an exchange that was decided. Call it before a copy is opened. Problem('SeedDamaged') */
export async function finishSeed(disk: Disk): Promise<void> {
  const size = await disk.size(COMPLETE);
  if (size === undefined) return;
  const { moves, removes } = parseExchange(await disk.read(COMPLETE, 0, size));
  const folders = new Set(['', SEEDING, joinName(SEEDING, PACKS)]);
  for (const path of [...moves.map(([, to]) => to), ...moves.map(([from]) => from), ...removes])
    folders.add(folderOf(path));
  for (const folder of folders) if (folder !== '') await disk.makeFolder(folder);
  for (const name of removes) await disk.remove(name);
  for (const [from, to] of moves) {
    if ((await disk.size(from)) !== undefined) await disk.rename(from, to); // otherwise it was moved before an interruption
  }
  for (const folder of folders) await disk.syncFolder(folder);
  await disk.remove(COMPLETE);
  await disk.syncFolder(SEEDING);
}

function parseExchange(bytes: Buffer): Exchange {
  const { moves, removes } = (decodeNote(bytes) ?? {}) as Partial<Exchange>;
  if (Array.isArray(moves) && Array.isArray(removes)) return { moves, removes };
  throw new Problem(
    'SeedDamaged',
    `Cannot open this copy: ${COMPLETE}, the note of a seed to be finished, is damaged. Seed this copy again with Update-StorageGroupCopy.`,
  );
}

/** Adjoining blocks are fetched together, up to a chunk. */
function addBlock(ranges: MissingRange[], position: number, length: number): void {
  const last = ranges.at(-1);
  const isNext = last !== undefined && last.position + last.length === position;
  if (isNext && last.length + length <= replicationLimits.seedChunkBytes) {
    ranges[ranges.length - 1] = { position: last.position, length: last.length + length };
  } else ranges.push({ position, length });
}

async function packNames(disk: Disk, folder: string): Promise<string[]> {
  return (await disk.list(folder)).filter((name) => /^\d{8,16}\.pack$/.test(name));
}

/** What a log consists of; whatever else somebody put there is not ours. */
export async function logFileNames(disk: Disk): Promise<string[]> {
  return (await disk.list(LOG)).filter((name) => /^E00.*\.(log|jrs|note)$/.test(name));
}

/** A folder that nothing was ever put into. */
export async function freshQuarantine(disk: Disk, wanted: string): Promise<string> {
  const taken = new Set(await disk.list(QUARANTINE));
  let name = wanted;
  for (let next = 2; taken.has(name); next++) name = `${wanted}-${next}`;
  return joinName(QUARANTINE, name);
}

function damagedAt(name: string, position: number): Problem {
  return new Problem(
    'SeedDamaged',
    `Cannot seed this copy: ${name} reads back damaged from byte ${position}. Look at the disk, then run the command again.`,
    { temporary: true },
  );
}
