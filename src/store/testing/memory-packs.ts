/** Packs in memory that know what would survive a loss of power: what was appended since the last sync is torn away. */
import type { PackDevice } from '../packs.ts';

interface MemoryPack {
  memory: Buffer;
  length: number;
}

export class MemoryPacks implements PackDevice {
  readonly #packs = new Map<number, MemoryPack>();
  #synced = new Map<number, Buffer>();

  append(pack: number, position: number, bytes: Uint8Array): void {
    const entry = this.#packs.get(pack) ?? { memory: Buffer.alloc(0), length: 0 };
    const end = position + bytes.length;
    if (end > entry.memory.length) {
      const grown = Buffer.alloc(end * 2);
      entry.memory.copy(grown, 0, 0, entry.length);
      entry.memory = grown;
    }
    entry.memory.set(bytes, position);
    entry.length = Math.max(entry.length, end);
    this.#packs.set(pack, entry);
  }

  read(pack: number, position: number, length: number): Buffer {
    return Buffer.from(this.#contents(pack).subarray(position, position + length));
  }

  async sync(): Promise<void> {
    this.#synced = new Map([...this.#packs.keys()].map((pack) => [pack, Buffer.from(this.#contents(pack))]));
  }

  truncate(pack: number, length: number): void {
    const entry = this.#packs.get(pack);
    if (entry === undefined || entry.length <= length) return;
    entry.memory.fill(0, length);
    entry.length = length;
  }

  remove(pack: number): void {
    this.#packs.delete(pack);
  }

  list(): readonly { readonly pack: number; readonly length: number }[] {
    return [...this.#packs].map(([pack, { length }]) => ({ pack, length }));
  }

  /** Nothing to let go of: the packs are still there for the next one who opens them. */
  close(): void {
    return;
  }

  /** As after a loss of power: only what was synced is left. */
  losePower(): void {
    this.#packs.clear();
    for (const [pack, bytes] of this.#synced) this.append(pack, 0, bytes);
  }

  /** Flips one bit. */
  damage(pack: number, position: number): void {
    const bytes = this.#contents(pack);
    bytes.writeUInt8(bytes.readUInt8(position) ^ 1, position);
  }

  #contents(pack: number): Buffer {
    const entry = this.#packs.get(pack);
    return entry === undefined ? Buffer.alloc(0) : entry.memory.subarray(0, entry.length);
  }
}
