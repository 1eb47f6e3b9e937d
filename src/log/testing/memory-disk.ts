/**
 * A machine's storage in memory, with everything that a real one may do to us: what was written and not synced may be
 * there after a crash, or not, sector by sector and name by name, in any combination. Every primitive step is counted,
 * so that a test can stop the machine at each of them.
 *
 * A name and its bytes are two things, as on a file system: bytes become durable with their file's sync, names with the
 * sync of the folder that they are in. Names that are pending survive as a subset, applied in order.
 *
 * Thousands of states are made of one disk, so bytes are shared as long as nobody writes to them.
 */
import { present } from '../../base/assert.ts';
import { Problem } from '../../base/problem.ts';
import type { Random } from '../../base/random.ts';
import { type Disk, folderOf, type LogDevice } from '../disk.ts';

const SECTOR_BYTES = 512;

interface Inode {
  /** Never written to. */
  durable: Buffer;
  /** The same object as `durable` until it is written to. */
  current: Buffer;
  /** Sectors that differ from `durable` by writes not yet synced. */
  dirty: Set<number>;
}

type NameChange = { name: string; inode: Inode | undefined; from?: string };

export class MemoryDisk implements Disk {
  #names: Map<string, Inode>;
  #durableNames: Map<string, Inode>;
  #pending: NameChange[] = [];
  #steps = 0;
  #stopAt = Number.POSITIVE_INFINITY;
  #stopped = Promise.withResolvers<void>();
  /** What `prepare` may still take. */
  freeBytes = Number.POSITIVE_INFINITY;

  constructor(files: Map<string, Buffer> = new Map()) {
    const inodes = [...files].map(([name, bytes]) => [name, inodeOf(bytes)] as const);
    this.#names = new Map(inodes);
    this.#durableNames = new Map(inodes);
  }

  get steps(): number {
    return this.#steps;
  }

  /** Resolves when the machine has stopped. */
  get stopped(): Promise<void> {
    return this.#stopped.promise;
  }

  /** The machine stops right before this step; calls that have begun never come back. */
  stopBefore(step: number): void {
    this.#stopAt = step;
  }

  device(): MemoryLogDevice {
    return new MemoryLogDevice(this);
  }

  /** Contents by name, as a process sees them; not to be written to. Nobody ever writes to those that are `fixed`. */
  *views(): Generator<{ readonly name: string; readonly bytes: Buffer; readonly fixed: boolean }, void, undefined> {
    for (const [name, { current, durable }] of this.#names) yield { name, bytes: current, fixed: current === durable };
  }

  /** The same, to keep. */
  files(): Map<string, Buffer> {
    return new Map([...this.#names].map(([name, { current }]) => [name, Buffer.from(current)]));
  }

  /** Things that a crash now may keep or lose: names that are pending, sectors that were written. */
  get unsynced(): number {
    const inodes = new Set([...this.#names.values(), ...this.#durableNames.values()]);
    return this.#pending.length + [...inodes].reduce((sum, { dirty }) => sum + dirty.size, 0);
  }

  /** The same machine, with what it had written and not synced, for a new process: the stopped one stays stopped. */
  forNewProcess(): MemoryDisk {
    const disk = new MemoryDisk();
    disk.#names = new Map(this.#names);
    disk.#durableNames = new Map(this.#durableNames);
    disk.#pending = [...this.#pending];
    return disk;
  }

  /** What a new start of the machine finds. `keep`: what becomes of each thing that was not synced. */
  afterCrash(random: Random, keep: 'all' | 'none' | 'some'): MemoryDisk {
    return this.afterCrashKeeping(() => keep === 'all' || (keep === 'some' && random.below(2) === 1));
  }

  /** The same, `survives` being asked for each thing that was not synced, at most `unsynced` times. */
  afterCrashKeeping(survives: () => boolean): MemoryDisk {
    const names = new Map(this.#durableNames);
    for (const change of this.#pending) if (survives()) applyChange(names, change);
    return new MemoryDisk(new Map([...names].map(([name, inode]) => [name, survivingBytes(inode, survives)])));
  }

  async step(): Promise<void> {
    await Promise.resolve();
    if (this.#steps >= this.#stopAt) {
      this.#stopped.resolve();
      await new Promise<never>(() => undefined);
    }
    this.#steps += 1;
  }

  /** Only what `list` tells by names: a folder is there as soon as something is in it. */
  async list(folder: string): Promise<string[]> {
    await this.step();
    const prefix = folder === '' ? '' : `${folder}/`;
    const inside = [...this.#names.keys()].filter((name) => name.startsWith(prefix));
    return [...new Set(inside.map((name) => present(name.slice(prefix.length).split('/')[0], 'A name has a part')))];
  }

  async size(name: string): Promise<number | undefined> {
    await this.step();
    return this.#names.get(name)?.current.length;
  }

  async read(name: string, position: number, length: number): Promise<Buffer> {
    await this.step();
    return Buffer.from(this.#inode(name).current.subarray(position, position + length));
  }

  async writeAtomically(name: string, bytes: Uint8Array): Promise<void> {
    await this.step();
    const inode = inodeOf(Buffer.from(bytes));
    this.#change({ name: `${name}.new`, inode });
    await this.step();
    this.#change({ name, inode, from: `${name}.new` });
    await this.step();
    this.syncNames(folderOf(name));
  }

  async rename(from: string, to: string): Promise<void> {
    await this.step();
    this.#change({ name: to, inode: this.#inode(from), from });
  }

  async remove(name: string): Promise<void> {
    await this.step();
    this.removeNow(name);
  }

  async syncFolder(folder: string): Promise<void> {
    await this.step();
    this.syncNames(folder === '.' ? '' : folder);
  }

  async makeFolder(): Promise<void> {
    await this.step();
  }

  /** As the disk of a backup has it. */
  async makeNewFolder(folder: string): Promise<boolean> {
    await this.step();
    return ![...this.#names.keys()].some((name) => name.startsWith(`${folder}/`));
  }

  async removeFolder(folder: string): Promise<void> {
    const inside = [...this.#names.keys()].filter((name) => name.startsWith(`${folder}/`));
    for (const name of inside) await this.remove(name);
  }

  async truncate(name: string, lengthBytes: number): Promise<void> {
    await this.step();
    const inode = this.#inode(name);
    const bytes = Buffer.alloc(lengthBytes);
    inode.current.copy(bytes);
    inode.current = bytes;
    syncInode(inode);
  }

  async write(name: string, position: number, bytes: Uint8Array): Promise<void> {
    await this.step();
    this.writeNow(name, position, bytes);
  }

  /** Nothing of a file that is not there. */
  readNow(name: string, position: number, length: number): Buffer {
    return Buffer.from((this.#names.get(name)?.current ?? Buffer.alloc(0)).subarray(position, position + length));
  }

  lengthsNow(): [name: string, lengthBytes: number][] {
    return [...this.#names].map(([name, { current }]) => [name, current.length]);
  }

  /** What a process does between two steps. */
  writeNow(name: string, position: number, bytes: Uint8Array): void {
    if (!this.#names.has(name)) this.#change({ name, inode: inodeOf(Buffer.alloc(0)) });
    write(this.#inode(name), position, Buffer.from(bytes));
  }

  /** The bytes are durable by themselves, the name is not: another one stands there, or this one. */
  replaceNow(name: string, bytes: Uint8Array): void {
    this.#change({ name, inode: inodeOf(Buffer.from(bytes)) });
  }

  /** A loss of power may bring the rest back. */
  truncateNow(name: string, lengthBytes: number): void {
    const inode = this.#names.get(name);
    if (inode !== undefined && inode.current.length > lengthBytes)
      inode.current = Buffer.from(inode.current.subarray(0, lengthBytes));
  }

  removeNow(name: string): void {
    if (this.#names.has(name)) this.#change({ name, inode: undefined });
  }

  async sync(name: string): Promise<void> {
    await this.step();
    syncInode(this.#inode(name));
  }

  /** For whoever writes to it: damages the bytes that a process sees. */
  inode(name: string): Inode {
    const inode = this.#inode(name);
    makeWritable(inode);
    return inode;
  }

  #inode(name: string): Inode {
    const inode = this.#names.get(name);
    if (inode === undefined) throw new Problem('FileMissing', `Cannot open ${name}: there is no such file`);
    return inode;
  }

  put(name: string, inode: Inode): void {
    this.#change({ name, inode });
  }

  /** One that was moved away stands in the folder where it is now. */
  syncNames(folder: string): void {
    const isInside = ({ name }: NameChange): boolean => folderOf(name) === folder;
    for (const change of this.#pending) if (isInside(change)) applyChange(this.#durableNames, change);
    this.#pending = this.#pending.filter((change) => !isInside(change));
  }

  #change(change: NameChange): void {
    applyChange(this.#names, change);
    this.#pending.push(change);
  }
}

/** The log writer of that machine. Fails for ever after `failNext`. */
export class MemoryLogDevice implements LogDevice {
  readonly #disk: MemoryDisk;
  #tail: Promise<void> = Promise.resolve();
  #failure: Error | undefined;
  #failNext: { operation: string; error: Error } | undefined;
  /** Sizes of the appends, for tests of the group commit. */
  readonly appendedChunks: number[] = [];
  /** Most appends that were handed over and not done at one time. */
  mostUnderWay = 0;
  #underWay = 0;
  /** How many files it has made. */
  preparedFiles = 0;

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
  }

  failNext(operation: 'append' | 'rename' | 'prepare', error: Error): void {
    this.#failNext = { operation, error };
  }

  async prepare(name: string, sizeBytes: number): Promise<void> {
    this.#checkHealth('prepare');
    await this.#disk.step();
    if (sizeBytes > this.#disk.freeBytes) {
      throw new Problem('DiskFull', `Cannot make ${name}: the disk is full`, { temporary: true });
    }
    this.#disk.freeBytes -= sizeBytes;
    const inode = { durable: Buffer.alloc(0), current: Buffer.alloc(sizeBytes), dirty: new Set<number>() };
    markDirty(inode, 0, sizeBytes);
    this.#disk.put(name, inode);
    this.preparedFiles += 1;
    await this.#disk.step();
    syncInode(inode);
    await this.#disk.syncFolder(folderOf(name));
  }

  append(name: string, position: number, chunks: Uint8Array[]): Promise<void> {
    this.#underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.#underWay);
    return this.#inOrder('append', async () => {
      await this.#disk.step();
      const inode = this.#disk.inode(name);
      this.appendedChunks.push(chunks.length);
      write(inode, position, Buffer.concat(chunks));
      await this.#disk.step();
      syncInode(inode);
      this.#underWay -= 1;
    });
  }

  rename(from: string, to: string, { lazy } = { lazy: false }): Promise<void> {
    return this.#inOrder('rename', async () => {
      await this.#disk.rename(from, to);
      if (!lazy) await this.#disk.syncFolder(folderOf(to));
    });
  }

  async close(): Promise<void> {
    await this.#tail;
  }

  #inOrder(operation: string, run: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(async () => {
      this.#checkHealth(operation);
      await run();
    });
    this.#tail = done.catch((error: unknown) => {
      if (error instanceof Error) this.#failure ??= error;
    });
    return done;
  }

  #checkHealth(operation: string): void {
    if (this.#failNext?.operation === operation) this.#failure ??= this.#failNext.error;
    if (this.#failure !== undefined) throw this.#failure;
  }
}

function inodeOf(bytes: Buffer): Inode {
  return { durable: bytes, current: bytes, dirty: new Set() };
}

function makeWritable(inode: Inode): void {
  if (inode.current === inode.durable) inode.current = Buffer.from(inode.durable);
}

function applyChange(names: Map<string, Inode>, { name, inode, from }: NameChange): void {
  if (from !== undefined && names.get(from) === inode) names.delete(from);
  if (inode === undefined) names.delete(name);
  else names.set(name, inode);
}

function write(inode: Inode, position: number, bytes: Buffer): void {
  if (position + bytes.length > inode.current.length) {
    const grown = Buffer.alloc(position + bytes.length);
    inode.current.copy(grown);
    inode.current = grown;
  } else makeWritable(inode);
  bytes.copy(inode.current, position);
  markDirty(inode, position, bytes.length);
}

function markDirty(inode: Inode, position: number, length: number): void {
  for (let at = position; at < position + length; at = (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES) {
    inode.dirty.add(Math.floor(at / SECTOR_BYTES));
  }
}

function syncInode(inode: Inode): void {
  inode.durable = inode.current;
  inode.dirty.clear();
}

/** The length survives if any byte behind the old one does. */
function survivingBytes(inode: Inode, survives: () => boolean): Buffer {
  if (inode.dirty.size === 0) return inode.durable;
  let bytes = Buffer.from(inode.durable);
  for (const sector of inode.dirty) {
    if (!survives()) continue;
    const from = sector * SECTOR_BYTES;
    const to = Math.min(from + SECTOR_BYTES, inode.current.length);
    if (to <= from) continue; // cut off since
    if (to > bytes.length) bytes = Buffer.concat([bytes, Buffer.alloc(to - bytes.length)]);
    inode.current.copy(bytes, from, from, to);
  }
  return bytes;
}
