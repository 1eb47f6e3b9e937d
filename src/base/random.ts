/**
 * Randomness comes in from outside, like time: a seeded generator in the simulator and in tests, the machine's in
 * production. Whoever needs an unguessable value asks for `bytes`.
 */
export interface Random {
  /** A whole number in [0, bound). `bound` is at least 1 and at most 2^32. */
  below(bound: number): number;
  bytes(length: number): Buffer;
}

/** sfc32 (Chris Doty-Humphrey, PractRand): small, fast, passes the usual batteries; replays exactly from its seed. */
export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / 0x1_0000_0000) >>> 0;
    this.#c = 0x9e3779b9;
    for (let round = 0; round < 15; round++) this.#next();
  }

  #next(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + result;
    return result >>> 0;
  }

  below(bound: number): number {
    return Math.floor((this.#next() / 0x1_0000_0000) * bound);
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let index = 0; index < length; index++) bytes[index] = this.#next() & 0xff;
    return bytes;
  }
}
