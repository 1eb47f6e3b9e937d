/**
 * The hand-written binary codec's two ends. Little-endian fixed numbers, LEB128 `varint`s up to 2^53-1, and byte runs
 * and strings with a varint length in front. The reader checks every length before it touches a byte, so a hostile or
 * damaged payload ends in a `Problem('Malformed')`, never in a crash or a huge allocation.
 */
import { assert } from './assert.ts';
import { Problem } from './problem.ts';

export class ByteWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(capacity = 256) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Where the next bytes go. It may replace the memory, so it is called before `#buffer` is looked at. */
  #room(bytes: number): number {
    const start = this.#length;
    const needed = start + bytes;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, start);
      this.#buffer = grown;
    }
    this.#length = needed;
    return start;
  }

  u8(value: number): this {
    const at = this.#room(1);
    this.#buffer.writeUInt8(value, at);
    return this;
  }

  u32(value: number): this {
    const at = this.#room(4);
    this.#buffer.writeUInt32LE(value, at);
    return this;
  }

  /** A safe integer in eight bytes. */
  u64(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, `Not a safe unsigned integer: ${value}`);
    const at = this.#room(8);
    this.#buffer.writeUInt32LE(value % 0x1_0000_0000, at);
    this.#buffer.writeUInt32LE(Math.floor(value / 0x1_0000_0000), at + 4);
    return this;
  }

  varint(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, `Not a safe unsigned integer: ${value}`);
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest % 0x80) + 0x80);
      rest = Math.floor(rest / 0x80);
    }
    return this.u8(rest);
  }

  /** Bytes as they are, without a length. */
  raw(bytes: Uint8Array): this {
    const at = this.#room(bytes.length);
    this.#buffer.set(bytes, at);
    return this;
  }

  bytes(bytes: Uint8Array): this {
    return this.varint(bytes.length).raw(bytes);
  }

  string(text: string): this {
    const length = Buffer.byteLength(text);
    this.varint(length);
    const at = this.#room(length);
    this.#buffer.write(text, at, 'utf8');
    return this;
  }

  /** What was written, as a view of the writer's own memory: the writer must not be used again. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }
}

export class ByteReader {
  readonly #buffer: Buffer;
  #offset: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    assert(start >= 0 && start <= end && end <= bytes.length, 'A reader needs a range inside its bytes');
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#offset = start;
    this.#end = end;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#end - this.#offset;
  }

  #take(bytes: number): number {
    if (bytes > this.remaining) {
      throw new Problem('Malformed', `Cannot read ${bytes} bytes: only ${this.remaining} are left`);
    }
    const start = this.#offset;
    this.#offset += bytes;
    return start;
  }

  u8(): number {
    return this.#buffer.readUInt8(this.#take(1));
  }

  u32(): number {
    return this.#buffer.readUInt32LE(this.#take(4));
  }

  u64(): number {
    const at = this.#take(8);
    const value = this.#buffer.readUInt32LE(at + 4) * 0x1_0000_0000 + this.#buffer.readUInt32LE(at);
    if (!Number.isSafeInteger(value)) throw new Problem('Malformed', 'Cannot read a number: it is above 2^53-1');
    return value;
  }

  varint(): number {
    let value = 0;
    let unit = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * unit;
      if (!Number.isSafeInteger(value)) throw new Problem('Malformed', 'Cannot read a number: it is above 2^53-1');
      if (byte < 0x80) return value;
      unit *= 0x80;
      if (unit > Number.MAX_SAFE_INTEGER) throw new Problem('Malformed', 'Cannot read a number: it does not end');
    }
  }

  /** A count of items to follow, each at least one byte long: it cannot exceed what is left. */
  count(): number {
    const count = this.varint();
    if (count > this.remaining) throw new Problem('Malformed', `Cannot read ${count} items: the payload ends before`);
    return count;
  }

  raw(length: number): Buffer {
    const start = this.#take(length);
    return this.#buffer.subarray(start, start + length);
  }

  /** A view into the source's memory, not a copy. */
  bytes(): Buffer {
    return this.raw(this.varint());
  }

  string(): string {
    return this.bytes().toString('utf8');
  }

  /** Refuses what follows the last field. */
  end(): void {
    if (this.remaining !== 0)
      throw new Problem('Malformed', `Cannot accept a payload: ${this.remaining} bytes follow its end`);
  }
}
