/**
 * The disk of one machine: what its processes see, and what would be there after a loss of power. Between the two lie
 * the writes that were not synced yet; a loss of power keeps any of them or none, sector by sector and name by name. A
 * process that is killed takes nothing along: the machine keeps what it had written.
 *
 * Every operation begins and ends at two moments of simulated time, and the machine may stop in between.
 */
import { Problem } from '../base/problem.ts';
import type { Random } from '../base/random.ts';
import { folderOf } from '../log/disk.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { SimulatedTime } from './simulated-time.ts';

const SECTOR_BYTES = 512;

interface Inode {
  /** Another number for every state of its bytes, on this disk (`stampOf`). */
  stamp: number;
  bytes: Buffer;
  length: number;
  /** What is on the medium of each sector that was written and not synced; undefined behind the durable end. */
  readonly unsynced: Map<number, Buffer | undefined>;
  /** The same of sectors whose sync failed: the machine takes them for written, and no later sync writes them. */
  readonly forgotten: Map<number, Buffer | undefined>;
  durableLength: number;
}

interface NameChange {
  readonly name: string;
  readonly inode: Inode | undefined;
  readonly from: string | undefined;
}

export interface DiskTraits {
  /** A sync takes up to this long, usually. */
  readonly syncMs: number;
  /** For planted bugs: names are never made durable on purpose. */
  readonly forgetsFolderSyncs?: boolean;
  /** For planted bugs: files whose names begin so are never made durable on purpose. */
  readonly neverSynced?: string;
}

export class SimulatedDisk {
  readonly #time: SimulatedTime;
  readonly #random: Random;
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  #pending: NameChange[] = [];
  #lastStamp = 0;
  /** Of each folder, and of all together: names, bytes and what of them is durable have changed so often. */
  readonly #changes = new Map<string, number>();
  #changesOfAll = 0;
  /** Milliseconds added to every sync: a sick disk. */
  slowMs = 0;
  /** Every sync from now on fails, until the machine is looked after. */
  isFailing = false;
  isFull = false;
  /** There is room for what is under way, and for little more. */
  isNearlyFull = false;
  #hanging: (() => void)[] | undefined;
  readonly traits: DiskTraits;

  constructor(time: SimulatedTime, random: Random, traits: DiskTraits = { syncMs: 2 }) {
    this.#time = time;
    this.#random = random;
    this.traits = traits;
  }

  // ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** `work` happens after `delayMs` if `process` still lives, and comes back to it; it never comes back to a dead one. */
  operation<T>(process: SimulatedProcess, delayMs: number, work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = (): void => {
        if (this.#hanging !== undefined) return void this.#hanging.push(run);
        if (!process.isAlive) return;
        let result: T;
        try {
          result = work();
        } catch (error) {
          process.run(() => reject(error instanceof Error ? error : new Error(String(error))));
          return;
        }
        process.run(() => resolve(result));
      };
      this.#time.after(delayMs, run);
    });
  }

  /** Nothing comes back any more, no error either, until `release`: a controller that has lost its way. */
  hang(): void {
    this.#hanging ??= [];
  }

  release(): void {
    const waiting = this.#hanging ?? [];
    this.#hanging = undefined;
    for (const run of waiting) this.#time.after(0, run);
  }

  accessMs(): number {
    return (10 + this.#random.below(100)) / 1_000;
  }

  syncMs(): number {
    const usualMs = (100 + this.#random.below(this.traits.syncMs * 1_000)) / 1_000;
    return usualMs + (this.#random.below(200) === 0 ? this.#random.below(60) : 0) + this.slowMs;
  }

  checkHealth(action: string): void {
    if (this.isFailing) throw new Error(`EIO: i/o error, ${action}`);
  }

  // ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────

  list(folder: string): string[] {
    return namesIn(folder, this.#names.keys());
  }

  /** As it would be after a loss of power at this moment, if nothing survived that need not. */
  durableList(folder: string): string[] {
    return namesIn(folder, this.#durableNames.keys());
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  size(name: string): number | undefined {
    return this.#names.get(name)?.length;
  }

  /** Equal for two looks at a folder when nothing in it has changed meanwhile, nor what would be left of it. */
  changesOf(folder: string): number {
    return (this.#changes.get(folder) ?? 0) + this.#changesOfAll;
  }

  #changed(folder: string): void {
    this.#changes.set(folder, (this.#changes.get(folder) ?? 0) + 1);
  }

  /** Equal for two looks at a name when the file behind it had the same bytes, and the same of them durable. */
  stampOf(name: string): number {
    return this.#names.get(name)?.stamp ?? 0;
  }

  /** The same for `durable`. */
  durableStampOf(name: string): number {
    return this.#durableNames.get(name)?.stamp ?? 0;
  }

  create(name: string, bytes: Buffer): void {
    const inode: Inode = {
      stamp: ++this.#lastStamp,
      bytes: Buffer.alloc(0),
      length: 0,
      unsynced: new Map(),
      forgotten: new Map(),
      durableLength: 0,
    };
    this.#change({ name, inode, from: undefined });
    this.#write(inode, 0, bytes);
  }

  rename(from: string, to: string): void {
    const inode = this.#names.get(from);
    if (inode === undefined) throw missing(from);
    this.#change({ name: to, inode, from });
  }

  remove(name: string): void {
    if (this.#names.has(name)) this.#change({ name, inode: undefined, from: undefined });
  }

  syncFolder(folder: string): void {
    this.checkHealth('fsync');
    if (this.traits.forgetsFolderSyncs === true) return;
    const isInside = (name: string): boolean => folderOf(name) === folder;
    this.#changed(folder);
    this.#pending = this.#pending.filter((change) => {
      if (!isInside(change.name)) return true;
      applyChange(this.#durableNames, change);
      return false;
    });
  }

  #change(change: NameChange): void {
    applyChange(this.#names, change);
    this.#pending.push(change);
    this.#changed(folderOf(change.name));
    if (change.from !== undefined) this.#changed(folderOf(change.from));
  }

  // ── bytes ────────────────────────────────────────────────────────────────────────────────────────────────────────

  read(name: string, position: number, length: number): Buffer {
    const inode = this.#inode(name);
    return Buffer.from(
      inode.bytes.subarray(Math.min(position, inode.length), Math.min(position + length, inode.length)),
    );
  }

  write(name: string, position: number, bytes: Uint8Array): void {
    this.#write(this.#inodeToChange(name), position, bytes);
  }

  truncate(name: string, length: number): void {
    const inode = this.#inodeToChange(name);
    if (length > inode.length) return this.#write(inode, inode.length, Buffer.alloc(length - inode.length));
    this.#touch(inode, length, inode.length - length);
    inode.bytes.fill(0, length, inode.length);
    inode.length = length;
  }

  /** One that fails takes the written sectors for written nevertheless, as Linux does: a later one says nothing of them. */
  sync(name: string): void {
    const inode = this.#inodeToChange(name);
    if (this.traits.neverSynced !== undefined && name.startsWith(this.traits.neverSynced)) return;
    if (this.isFailing) for (const [sector, before] of inode.unsynced) inode.forgotten.set(sector, before);
    inode.unsynced.clear();
    this.checkHealth('fdatasync');
    inode.durableLength = inode.length;
  }

  /** What surely is there after a loss of power right now; undefined when that is no such file. */
  durable(name: string): Buffer | undefined {
    const inode = this.#durableNames.get(name);
    if (inode === undefined) return undefined;
    const bytes = Buffer.from(inode.bytes.subarray(0, inode.length));
    restore(bytes, [...inode.forgotten, ...inode.unsynced]);
    return bytes.subarray(0, inode.durableLength);
  }

  #inode(name: string): Inode {
    const inode = this.#names.get(name);
    if (inode === undefined) throw missing(name);
    return inode;
  }

  #inodeToChange(name: string): Inode {
    const inode = this.#inode(name);
    inode.stamp = ++this.#lastStamp;
    this.#changed(folderOf(name));
    return inode;
  }

  #write(inode: Inode, position: number, bytes: Uint8Array): void {
    const end = position + bytes.length;
    if (end > inode.bytes.length) {
      const grown = Buffer.alloc(Math.max(end, inode.bytes.length * 2));
      inode.bytes.copy(grown, 0, 0, inode.length);
      inode.bytes = grown;
    }
    this.#touch(inode, position, bytes.length);
    inode.bytes.set(bytes, position);
    inode.length = Math.max(inode.length, end);
  }

  #touch(inode: Inode, position: number, length: number): void {
    if (length === 0) return;
    const last = Math.floor((position + length - 1) / SECTOR_BYTES);
    for (let sector = Math.floor(position / SECTOR_BYTES); sector <= last; sector++) {
      if (inode.unsynced.has(sector)) continue;
      if (inode.forgotten.has(sector)) {
        inode.unsynced.set(sector, inode.forgotten.get(sector));
        inode.forgotten.delete(sector);
        continue;
      }
      const from = sector * SECTOR_BYTES;
      const isDurable = from < inode.durableLength;
      inode.unsynced.set(sector, isDurable ? Buffer.from(inode.bytes.subarray(from, from + SECTOR_BYTES)) : undefined);
    }
  }

  // ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The machine stops: of what was not synced, any part is there afterwards. */
  losePower(): void {
    this.#changesOfAll += 1;
    const random = this.#random;
    const kept = random.below(4);
    const survives = (): boolean => (kept === 0 ? false : kept === 1 ? true : random.below(2) === 1);
    for (const change of this.#pending) if (survives()) applyChange(this.#durableNames, change);
    this.#pending = [];
    this.#names = new Map(this.#durableNames);
    for (const inode of new Set(this.#names.values())) {
      tear(inode, survives);
      inode.stamp = ++this.#lastStamp;
    }
    this.isFailing = false;
  }

  /** Everything below `folder` is gone: what lay there was a disk of its own, and is a new one. */
  loseFolder(folder: string): void {
    this.#changesOfAll += 1;
    const isOutside = ([name]: readonly [string, unknown]): boolean => !name.startsWith(`${folder}/`);
    this.#names = new Map([...this.#names].filter(isOutside));
    this.#durableNames = new Map([...this.#durableNames].filter(isOutside));
    this.#pending = this.#pending.filter(({ name }) => isOutside([name, undefined]));
  }

  /** A file that is there, whole, before anybody uses the disk. */
  putDurably(name: string, bytes: Buffer): void {
    this.#changesOfAll += 1;
    const length = bytes.length;
    const stamp = ++this.#lastStamp;
    const inode = { stamp, bytes, length, unsynced: new Map(), forgotten: new Map(), durableLength: length };
    this.#names.set(name, inode);
    this.#durableNames.set(name, inode);
  }

  /** One bit of the medium turns over. */
  flipBit(name: string, position: number): void {
    const inode = this.#inodeToChange(name);
    inode.bytes[position] = (inode.bytes[position] ?? 0) ^ 1;
  }
}

function tear(inode: Inode, survives: () => boolean): void {
  let length = inode.durableLength;
  const lost = [...inode.forgotten];
  for (const [sector, before] of inode.unsynced) {
    if (!survives()) lost.push([sector, before]);
    else length = Math.max(length, Math.min((sector + 1) * SECTOR_BYTES, inode.length));
  }
  restore(inode.bytes, lost);
  if (length < inode.length) inode.bytes.fill(0, length, inode.length);
  inode.length = length;
  inode.durableLength = length;
  inode.unsynced.clear();
  inode.forgotten.clear();
}

function restore(bytes: Buffer, sectors: readonly (readonly [number, Buffer | undefined])[]): void {
  for (const [sector, before] of sectors) {
    const from = sector * SECTOR_BYTES;
    bytes.fill(0, Math.min(from, bytes.length), Math.min(from + SECTOR_BYTES, bytes.length));
    before?.copy(bytes, Math.min(from, bytes.length));
  }
}

function applyChange(names: Map<string, Inode>, { name, inode, from }: NameChange): void {
  if (from !== undefined && names.get(from) === inode) names.delete(from);
  if (inode === undefined) names.delete(name);
  else names.set(name, inode);
}

function missing(name: string): Problem {
  return new Problem('FileMissing', `Cannot open ${name}: there is no such file`);
}

function namesIn(folder: string, names: Iterable<string>): string[] {
  const prefix = folder === '' ? '' : `${folder}/`;
  const inside = [...names].filter((name) => name.startsWith(prefix));
  return [...new Set(inside.map((name) => name.slice(prefix.length).split('/')[0] ?? ''))];
}
