/**
 * Walks through a pack as it streams by and holds every body against its checksum (packs.ts has the layout), so that
 * damage is found while a backup is made and not when it is needed.
 */
import { crc32 } from '../base/checksum.ts';
import { Problem } from '../base/problem.ts';
import { PACK_HEAD_BYTES, PACK_MAGIC } from '../store/packs.ts';

export class PackCheck {
  readonly #name: string;
  #head = Buffer.alloc(0);
  #position = 0;
  #leftBytes = 0;
  #expected = 0;
  #crc = 0;

  /** `name`: for the message. */
  constructor(name: string) {
    this.#name = name;
  }

  /** The next bytes of the pack. Problem('BackupSourceDamaged') */
  add(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; )
      at += this.#leftBytes > 0 ? this.#addBody(chunk, at) : this.#addHead(chunk, at);
    this.#position += chunk.length;
  }

  finish(): void {
    if (this.#leftBytes > 0 || this.#head.length > 0) throw this.#damaged('it ends inside a message');
  }

  #addHead(chunk: Buffer, at: number): number {
    const part = chunk.subarray(at, at + PACK_HEAD_BYTES - this.#head.length);
    this.#head = Buffer.concat([this.#head, part]);
    if (this.#head.length < PACK_HEAD_BYTES) return part.length;
    if (this.#head.readUInt32LE(0) !== PACK_MAGIC) throw this.#damaged('a message does not begin where it should');
    this.#leftBytes = this.#head.readUInt32LE(12);
    this.#expected = this.#head.readUInt32LE(16);
    this.#crc = 0;
    this.#head = Buffer.alloc(0);
    if (this.#leftBytes === 0) this.#endBody();
    return part.length;
  }

  #addBody(chunk: Buffer, at: number): number {
    const part = chunk.subarray(at, at + this.#leftBytes);
    this.#crc = crc32(part, this.#crc);
    this.#leftBytes -= part.length;
    if (this.#leftBytes === 0) this.#endBody();
    return part.length;
  }

  #endBody(): void {
    if (this.#crc !== this.#expected) throw this.#damaged('a message has another checksum');
  }

  #damaged(why: string): Problem {
    return new Problem(
      'BackupSourceDamaged',
      `Cannot back up ${this.#name}: ${why}, near byte ${this.#position}. Back up the other copy, and seed this one.`,
    );
  }
}
