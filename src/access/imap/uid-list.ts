/**
 * The UIDs of a folder as one session knows them, ascending, four bytes each: a folder of a million messages costs its
 * sessions 4 MB, and a message that comes costs no copy of the others. Index + 1 is the sequence number.
 */
const LEAST_ROOM = 64;

export class UidList {
  #uids: Uint32Array;
  #length: number;

  constructor(uids: readonly number[]) {
    this.#uids = Uint32Array.from(uids);
    this.#length = uids.length;
  }

  get length(): number {
    return this.#length;
  }

  /** What is in it now; what comes later does not change it. */
  get all(): Uint32Array {
    return this.#uids.subarray(0, this.#length);
  }

  /** `undefined` when it is not in the list. */
  sequenceOf(uid: number): number | undefined {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#uids[middle] ?? 0) < uid) low = middle + 1;
      else high = middle;
    }
    return low < this.#length && this.#uids[low] === uid ? low + 1 : undefined;
  }

  /** `uids` ascend, behind all that are there. */
  append(uids: readonly number[]): void {
    const length = this.#length + uids.length;
    if (length > this.#uids.length) {
      const grown = new Uint32Array(Math.max(LEAST_ROOM, Math.ceil(length * 1.5)));
      grown.set(this.all);
      this.#uids = grown;
    }
    this.#uids.set(uids, this.#length);
    this.#length = length;
  }

  /** Returns the sequence numbers that they had, ascending. */
  remove(gone: ReadonlySet<number>): number[] {
    const sequences: number[] = [];
    const left = new Uint32Array(this.#length);
    let kept = 0;
    for (const [index, uid] of this.all.entries()) {
      if (gone.has(uid)) sequences.push(index + 1);
      else left[kept++] = uid;
    }
    this.#uids = left;
    this.#length = kept;
    return sequences;
  }
}
