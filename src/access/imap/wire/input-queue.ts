/** Bytes as they arrived, in order; taken line by line or by number. Every byte is looked at once, however it was cut. */
import { GrowingBytes } from './growing-bytes.ts';

const LINE_FEED = 0x0a;
/** Memory for lines that an idle connection keeps. */
const KEPT_LINE_BYTES = 4 * 1024;
/** Chunks that were taken stay in the array until there are this many, and more of them than of those to come. */
const KEPT_CHUNKS = 64;

export class InputQueue {
  #chunks: Buffer[] = [];
  #head = 0;
  #offset = 0;
  #pending = 0;
  readonly #line = new GrowingBytes();

  /** Bytes that arrived and were not taken yet, the beginning of an unfinished line among them. */
  get length(): number {
    return this.#pending + this.#line.length;
  }

  push(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#pending += bytes.length;
  }

  /**
   * The next line with its line feed, as a view that is good until the next call; `undefined` until it has all come;
   * 'tooLong' once it is longer than `maxBytes`.
   */
  line(maxBytes: number): Buffer | 'tooLong' | undefined {
    for (;;) {
      const chunk = this.#chunks[this.#head];
      if (chunk === undefined) return undefined;
      const found = chunk.indexOf(LINE_FEED, this.#offset);
      const end = found < 0 ? chunk.length : found + 1;
      if (this.#line.length + end - this.#offset > maxBytes) return 'tooLong';
      this.#line.append(chunk.subarray(this.#offset, end));
      this.#advance(chunk, end);
      if (found < 0) continue;
      if (this.#line.length > KEPT_LINE_BYTES) return this.#line.take();
      const line = this.#line.view();
      this.#line.clear();
      return line;
    }
  }

  /** At least one and at most `maxBytes` bytes as they came, or `undefined`. Not to be mixed with an unfinished line. */
  some(maxBytes: number): Buffer | undefined {
    const chunk = this.#chunks[this.#head];
    if (chunk === undefined || maxBytes === 0) return undefined;
    const end = Math.min(chunk.length, this.#offset + maxBytes);
    const taken = chunk.subarray(this.#offset, end);
    this.#advance(chunk, end);
    return taken;
  }

  /** Everything that is left, for whoever reads on. */
  drain(): Buffer {
    const rest = this.#chunks.slice(this.#head);
    if (rest[0] !== undefined) rest[0] = rest[0].subarray(this.#offset);
    const all = Buffer.concat([this.#line.view(), ...rest]);
    this.#line.clear();
    this.#chunks = [];
    this.#head = this.#offset = this.#pending = 0;
    return all;
  }

  #advance(chunk: Buffer, end: number): void {
    this.#pending -= end - this.#offset;
    this.#offset = end;
    if (end < chunk.length) return;
    this.#offset = 0;
    this.#head++;
    const left = this.#chunks.length - this.#head;
    if (left > 0 && (this.#head < KEPT_CHUNKS || this.#head < left)) return;
    this.#chunks = this.#chunks.slice(this.#head);
    this.#head = 0;
  }
}
