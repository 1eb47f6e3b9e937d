/**
 * A pack read without its database, entry by entry from its beginning, as every entry's head allows. Behind a damaged
 * place it goes on at the next whole entry. A message may carry bytes that look like an entry; so behind damage only an
 * entry with the next higher body ids and a right checksum counts, and the search costs a bounded multiple of the bytes.
 */
import { crc32 } from '../../base/checksum.ts';
import type { Disk } from '../../log/disk.ts';
import { MAX_MESSAGE_BYTES } from '../limits.ts';
import { PACK_MAGIC } from '../packs.ts';
import type { Finding, Pace } from './finding.ts';
import { MAX_SEARCH_FACTOR, READ_BYTES } from './limits.ts';
import { ENTRY_HEAD_BYTES } from './pack-name.ts';

export interface PackEntry {
  readonly bodyId: number;
  /** Of its head. */
  readonly position: number;
  readonly sizeBytes: number;
  readonly crc32: number;
}

export interface PackWalk {
  readonly entries: readonly PackEntry[];
  readonly findings: readonly Finding[];
}

const MAGIC_BYTES = Buffer.alloc(4);
MAGIC_BYTES.writeUInt32LE(PACK_MAGIC);

/** The entries of the file `name` up to `endByte`. */
export async function walkPack(
  disk: Disk,
  name: string,
  endByte: number,
  pace: Pace = () => undefined,
): Promise<PackWalk> {
  const walk = new Walk(disk, name, endByte, pace);
  await walk.run();
  return walk;
}

class Walk implements PackWalk {
  readonly entries: PackEntry[] = [];
  readonly findings: Finding[] = [];
  readonly #disk: Disk;
  readonly #name: string;
  readonly #endByte: number;
  readonly #pace: Pace;
  #window: Buffer = Buffer.alloc(0);
  #windowStart = 0;
  #searchBudget: number;

  constructor(disk: Disk, name: string, endByte: number, pace: Pace) {
    this.#disk = disk;
    this.#name = name;
    this.#endByte = endByte;
    this.#pace = pace;
    this.#searchBudget = endByte * MAX_SEARCH_FACTOR;
  }

  async run(): Promise<void> {
    let position = 0;
    while (position < this.#endByte) {
      const entry = await this.#entryAt(position);
      if (entry !== undefined) {
        this.entries.push(entry);
        position += ENTRY_HEAD_BYTES + entry.sizeBytes;
        continue;
      }
      const next = await this.#nextEntry(position + 1);
      this.findings.push({
        file: this.#name,
        fromByte: position,
        toByte: next,
        what: 'no whole message body is there',
      });
      position = next;
    }
  }

  /** A whole entry, or undefined. */
  async #entryAt(position: number): Promise<PackEntry | undefined> {
    const head = await this.#bytes(position, ENTRY_HEAD_BYTES);
    if (head.length < ENTRY_HEAD_BYTES || head.readUInt32LE(0) !== PACK_MAGIC) return undefined;
    const bodyId = head.readUInt32LE(8) * 0x1_0000_0000 + head.readUInt32LE(4);
    const sizeBytes = head.readUInt32LE(12);
    const checksum = head.readUInt32LE(16);
    const isPlausible = sizeBytes <= MAX_MESSAGE_BYTES && position + ENTRY_HEAD_BYTES + sizeBytes <= this.#endByte;
    if (!isPlausible || bodyId <= (this.entries.at(-1)?.bodyId ?? 0)) return undefined;
    if ((await this.#checksum(position + ENTRY_HEAD_BYTES, sizeBytes)) !== checksum) return undefined;
    return { bodyId, position, sizeBytes, crc32: checksum };
  }

  async #nextEntry(from: number): Promise<number> {
    let position = from;
    while (position < this.#endByte && this.#searchBudget > 0) {
      const bytes = await this.#bytes(position, READ_BYTES);
      const found = bytes.indexOf(MAGIC_BYTES);
      if (found < 0) {
        // A magic number may lie across the end of what was read.
        if (position + bytes.length >= this.#endByte || bytes.length < MAGIC_BYTES.length) break;
        position += bytes.length - MAGIC_BYTES.length + 1;
        continue;
      }
      position += found;
      const entry = await this.#entryAt(position);
      if (entry !== undefined) return position;
      this.#searchBudget -= (await this.#bytes(position, ENTRY_HEAD_BYTES)).length + this.#statedBytes(position);
      position += 1;
    }
    return this.#endByte;
  }

  #statedBytes(position: number): number {
    const at = position - this.#windowStart + 12;
    return at + 4 <= this.#window.length ? Math.min(this.#window.readUInt32LE(at), MAX_MESSAGE_BYTES) : 0;
  }

  async #checksum(position: number, length: number): Promise<number> {
    let checksum = 0;
    for (let done = 0; done < length; ) {
      const piece = await this.#bytes(position + done, Math.min(READ_BYTES, length - done));
      if (piece.length === 0) return -1;
      checksum = crc32(piece, checksum);
      done += piece.length;
    }
    return checksum;
  }

  /** Up to `length` (at most READ_BYTES) bytes; fewer only at the end. */
  async #bytes(position: number, length: number): Promise<Buffer> {
    const wanted = Math.min(length, this.#endByte - position);
    let start = position - this.#windowStart;
    if (start < 0 || start + wanted > this.#window.length) {
      this.#window = await this.#disk.read(this.#name, position, Math.min(READ_BYTES, this.#endByte - position));
      this.#windowStart = position;
      start = 0;
      await this.#pace(this.#window.length);
    }
    return this.#window.subarray(start, start + wanted);
  }
}
