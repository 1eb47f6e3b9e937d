/** The ports of log and store on a simulated disk, as one process of the machine uses them, inside one folder. */
import { Problem } from '../base/problem.ts';
import { type Disk, folderOf, type LogDevice } from '../log/disk.ts';
import type { PackDevice } from '../store/packs.ts';
import type { SimulatedDisk } from './simulated-disk.ts';
import type { SimulatedProcess } from './simulated-process.ts';

export interface Place {
  readonly disk: SimulatedDisk;
  readonly process: SimulatedProcess;
  /** Folder of the disk that is the root of the port. */
  readonly root: string;
}

export class PortDisk implements Disk {
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  list(folder: string): Promise<string[]> {
    return this.#access(() => this.#place.disk.list(this.#path(folder)));
  }

  size(name: string): Promise<number | undefined> {
    return this.#access(() => this.#place.disk.size(this.#path(name)));
  }

  read(name: string, position: number, length: number): Promise<Buffer> {
    return this.#access(() => this.#place.disk.read(this.#path(name), position, length));
  }

  async writeAtomically(name: string, bytes: Uint8Array): Promise<void> {
    const { disk } = this.#place;
    const path = this.#path(name);
    const copy = Buffer.from(bytes);
    await this.#access(() => disk.create(`${path}.new`, copy));
    await this.#sync(() => disk.sync(`${path}.new`));
    await this.#access(() => disk.rename(`${path}.new`, path));
    await this.#sync(() => disk.syncFolder(folderOf(path)));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#access(() => this.#place.disk.rename(this.#path(from), this.#path(to)));
  }

  remove(name: string): Promise<void> {
    return this.#access(() => this.#place.disk.remove(this.#path(name)));
  }

  syncFolder(folder: string): Promise<void> {
    return this.#sync(() => this.#place.disk.syncFolder(this.#path(folder)));
  }

  makeFolder(): Promise<void> {
    return this.#access(() => undefined);
  }

  async truncate(name: string, lengthBytes: number): Promise<void> {
    await this.#access(() => this.#place.disk.truncate(this.#path(name), lengthBytes));
    await this.#sync(() => this.#place.disk.sync(this.#path(name)));
  }

  async write(name: string, position: number, bytes: Uint8Array): Promise<void> {
    const { disk } = this.#place;
    const path = this.#path(name);
    const copy = Buffer.from(bytes);
    await this.#access(() => {
      if (!disk.has(path)) disk.create(path, Buffer.alloc(0));
      disk.write(path, position, copy);
    });
  }

  async sync(name: string): Promise<void> {
    await this.#sync(() => this.#place.disk.sync(this.#path(name)));
  }

  #access<T>(work: () => T): Promise<T> {
    const { disk, process } = this.#place;
    return disk.operation(process, disk.accessMs(), work);
  }

  #sync(work: () => void): Promise<void> {
    const { disk, process } = this.#place;
    return disk.operation(process, disk.syncMs(), work);
  }

  #path(name: string): string {
    return name === '' ? this.#place.root : `${this.#place.root}/${name}`;
  }
}

/** The log writer: strictly in order, and for ever silent about success after its first error. */
export class PortLogDevice implements LogDevice {
  readonly #place: Place;
  #tail: Promise<void> = Promise.resolve();
  #failure: Error | undefined;

  constructor(place: Place) {
    this.#place = place;
  }

  async prepare(name: string, sizeBytes: number): Promise<void> {
    const { disk } = this.#place;
    const path = this.#path(name);
    try {
      if (this.#failure !== undefined) throw this.#failure;
      await this.#access(() => {
        if (disk.isFull) throw new Problem('DiskFull', `Cannot make ${name}: the disk is full`, { temporary: true });
        disk.create(path, Buffer.alloc(sizeBytes));
      });
      await this.#sync(() => disk.sync(path));
      await this.#sync(() => disk.syncFolder(folderOf(path)));
    } catch (error) {
      if (!(error instanceof Problem)) this.#note(error);
      throw error;
    }
  }

  append(name: string, position: number, chunks: Uint8Array[]): Promise<void> {
    const { disk } = this.#place;
    const path = this.#path(name);
    const bytes = Buffer.concat(chunks);
    return this.#inOrder(async () => {
      await this.#access(() => disk.write(path, position, bytes));
      await this.#sync(() => disk.sync(path));
    });
  }

  rename(from: string, to: string, { lazy } = { lazy: false }): Promise<void> {
    const { disk } = this.#place;
    return this.#inOrder(async () => {
      await this.#access(() => disk.rename(this.#path(from), this.#path(to)));
      if (!lazy) await this.#sync(() => disk.syncFolder(folderOf(this.#path(to))));
    });
  }

  async close(): Promise<void> {
    await this.#tail;
  }

  #inOrder(run: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(() => {
      if (this.#failure !== undefined) throw this.#failure;
      return run();
    });
    this.#tail = done.catch((error: unknown) => this.#note(error));
    return done;
  }

  #note(error: unknown): void {
    if (error instanceof Error) this.#failure ??= error;
  }

  #access<T>(work: () => T): Promise<T> {
    const { disk, process } = this.#place;
    return disk.operation(process, disk.accessMs(), work);
  }

  #sync(work: () => void): Promise<void> {
    const { disk, process } = this.#place;
    return disk.operation(process, disk.syncMs(), work);
  }

  #path(name: string): string {
    return `${this.#place.root}/${name}`;
  }
}

/** Message bodies. What was appended and not synced when its process is killed may be cut off: it stood in a buffer. */
export class PortPackDevice implements PackDevice {
  readonly #place: Place;
  /** Length of each pack that was synced since it was opened; the rest may still stand in the process's buffer. */
  readonly #written = new Map<number, number>();

  constructor(place: Place & { readonly keepOfBuffer: (bytes: number) => number }) {
    this.#place = place;
    place.process.onDeath(() => {
      for (const [pack, written] of this.#written) {
        const length = place.disk.size(this.#path(pack)) ?? 0;
        if (length > written) place.disk.truncate(this.#path(pack), written + place.keepOfBuffer(length - written));
      }
    });
  }

  append(pack: number, position: number, bytes: Uint8Array): void {
    const { disk } = this.#place;
    const path = this.#path(pack);
    if (!disk.has(path)) disk.create(path, Buffer.alloc(0));
    if (!this.#written.has(pack)) this.#written.set(pack, Math.min(position, disk.size(path) ?? 0));
    disk.write(path, position, bytes);
  }

  read(pack: number, position: number, length: number): Buffer {
    const path = this.#path(pack);
    return this.#place.disk.has(path) ? this.#place.disk.read(path, position, length) : Buffer.alloc(0);
  }

  async sync(): Promise<void> {
    const { disk, process, root } = this.#place;
    const lengths = new Map([...this.#written.keys()].map((pack) => [pack, disk.size(this.#path(pack)) ?? 0]));
    await disk.operation(process, disk.syncMs(), () => {
      for (const [pack, length] of lengths) {
        if (!disk.has(this.#path(pack))) continue;
        disk.sync(this.#path(pack));
        if (this.#written.has(pack)) this.#written.set(pack, length);
      }
      disk.syncFolder(root);
    });
  }

  truncate(pack: number, length: number): void {
    const { disk } = this.#place;
    const path = this.#path(pack);
    if ((disk.size(path) ?? 0) > length) disk.truncate(path, length);
    const written = this.#written.get(pack);
    if (written !== undefined) this.#written.set(pack, Math.min(written, length));
  }

  remove(pack: number): void {
    this.#written.delete(pack);
    this.#place.disk.remove(this.#path(pack));
  }

  list(): readonly { readonly pack: number; readonly length: number }[] {
    const { disk, root } = this.#place;
    return disk.list(root).map((name) => ({
      pack: Number(name.slice(0, 8)),
      length: disk.size(`${root}/${name}`) ?? 0,
    }));
  }

  close(): void {
    this.#written.clear();
  }

  #path(pack: number): string {
    return `${this.#place.root}/${String(pack).padStart(8, '0')}.pack`;
  }
}
