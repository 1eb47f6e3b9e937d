/**
 * Memory that grows with what arrives, never with what was announced: a client that says `{52428800}` and falls silent
 * holds a few bytes here. Doubling keeps the work linear.
 */
const FIRST_BYTES = 256;

export class GrowingBytes {
  #buffer = Buffer.alloc(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(bytes: Uint8Array): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2, FIRST_BYTES));
      this.#buffer.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = needed;
  }

  /** What is in it, as a view that the next `append` after a `clear` overwrites. */
  view(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Keeps the memory for the next use. */
  clear(): void {
    this.#length = 0;
  }

  /** Gives its memory away and starts anew. */
  take(): Buffer {
    const taken = this.view();
    this.#buffer = Buffer.alloc(0);
    this.#length = 0;
    return taken;
  }
}
