/**
 * Sequence sets (RFC 3501 9) and sets of UIDs. Both are kept as ranges and worked on as ranges: `1:4294967295` is one
 * entry, never four billion. A command's set stays symbolic until `*` has a value.
 */
import { assert } from '../base/assert.ts';
import { MAX_SEQUENCE_RANGES, MAX_UID } from './limits.ts';

export interface SequenceRange {
  /** In any order, as written: `9:5` is `5:9`. */
  readonly first: number | '*';
  readonly last: number | '*';
}

export interface UidRange {
  readonly first: number;
  /** Included; not below `first`. */
  readonly last: number;
}

/** undefined for what is no sequence set, has a number outside 1..4294967295 or too many ranges. */
export function parseSequenceSet(text: string): SequenceRange[] | undefined {
  const ranges: SequenceRange[] = [];
  let position = 0;
  while (ranges.length < MAX_SEQUENCE_RANGES) {
    const comma = text.indexOf(',', position);
    const range = parseRange(text.slice(position, comma === -1 ? text.length : comma));
    if (range === undefined) return undefined;
    ranges.push(range);
    if (comma === -1) return ranges;
    position = comma + 1;
  }
  return undefined;
}

/** The numbers meant when `*` is `max`. In an empty folder (`max` 0) a range with `*` means nothing. */
export function resolve(ranges: readonly SequenceRange[], max: number): UidSet {
  const resolved: UidRange[] = [];
  for (const { first, last } of ranges) {
    const one = first === '*' ? max : first;
    const other = last === '*' ? max : last;
    if (one > 0 && other > 0) resolved.push({ first: Math.min(one, other), last: Math.max(one, other) });
  }
  return UidSet.fromRanges(resolved);
}

function parseRange(text: string): SequenceRange | undefined {
  const colon = text.indexOf(':');
  const first = parseNumber(colon === -1 ? text : text.slice(0, colon));
  const last = colon === -1 ? first : parseNumber(text.slice(colon + 1));
  return first === undefined || last === undefined ? undefined : { first, last };
}

function parseNumber(text: string): number | '*' | undefined {
  if (text === '*') return '*';
  if (!/^[1-9]\d{0,9}$/.test(text)) return undefined;
  const number = Number(text);
  return number <= MAX_UID ? number : undefined;
}

/** Sorted, disjoint ranges with a gap between each two. */
export class UidSet {
  readonly #ranges: { first: number; last: number }[] = [];

  static fromRanges(ranges: Iterable<UidRange>): UidSet {
    const set = new UidSet();
    for (const { first, last } of [...ranges].sort((a, b) => a.first - b.first)) set.add(first, last);
    return set;
  }

  static of(uids: Iterable<number>): UidSet {
    const set = new UidSet();
    for (const uid of [...uids].sort((a, b) => a - b)) set.add(uid);
    return set;
  }

  /** A set of plain numbers, without `*`: the form of `toString`. */
  static parse(text: string): UidSet | undefined {
    const ranges = parseSequenceSet(text);
    if (ranges === undefined || ranges.some(({ first, last }) => first === '*' || last === '*')) return undefined;
    return resolve(ranges, 0);
  }

  /** Cheap at the end of the set, where UIDs are born; elsewhere it costs a move of the ranges behind. */
  add(first: number, last = first): this {
    assert(first >= 1 && first <= last && last <= MAX_UID, `Not a range of UIDs: ${first}:${last}`);
    const ranges = this.#ranges;
    const from = this.#indexOfFirstEndingAt(first - 1);
    let merged = { first, last };
    let to = from;
    for (let range = ranges[to]; range !== undefined && range.first <= last + 1; range = ranges[to]) {
      merged = { first: Math.min(merged.first, range.first), last: Math.max(merged.last, range.last) };
      to += 1;
    }
    if (from === ranges.length) ranges.push(merged);
    else ranges.splice(from, to - from, merged);
    return this;
  }

  has(uid: number): boolean {
    const range = this.#ranges[this.#indexOfFirstEndingAt(uid)];
    return range !== undefined && range.first <= uid;
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  /** How many UIDs it has, which may be far more than anyone should list. */
  get size(): number {
    let size = 0;
    for (const { first, last } of this.#ranges) size += last - first + 1;
    return size;
  }

  ranges(): readonly UidRange[] {
    return this.#ranges;
  }

  /** Those of `uids`, which must ascend, that are in the set: as many steps as there are ranges and results. */
  select(uids: ArrayLike<number>): number[] {
    const selected: number[] = [];
    let index = 0;
    for (const { first, last } of this.#ranges) {
      index = lowerBound(uids, first, index);
      for (let uid = uids[index]; uid !== undefined && uid <= last; uid = uids[index]) {
        selected.push(uid);
        index += 1;
      }
      if (index >= uids.length) break;
    }
    return selected;
  }

  intersect(other: UidSet): UidSet {
    const result = new UidSet();
    const mine = this.#ranges;
    const theirs = other.#ranges;
    for (let i = 0, j = 0; i < mine.length && j < theirs.length; ) {
      const a = mine[i] as UidRange;
      const b = theirs[j] as UidRange;
      const first = Math.max(a.first, b.first);
      const last = Math.min(a.last, b.last);
      if (first <= last) result.add(first, last);
      if (a.last < b.last) i += 1;
      else j += 1;
    }
    return result;
  }

  /** RFC 4315's uid-set: `1:5,7`. '' when empty. */
  toString(): string {
    return this.#ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}:${last}`)).join(',');
  }

  /** Index of the first range with `last >= uid`. */
  #indexOfFirstEndingAt(uid: number): number {
    const ranges = this.#ranges;
    const final = ranges.at(-1);
    if (final === undefined || final.last < uid) return ranges.length;
    let low = 0;
    let high = ranges.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ranges[middle] as UidRange).last >= uid) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Index of the first number >= `wanted`, not before `from`. */
function lowerBound(numbers: ArrayLike<number>, wanted: number, from: number): number {
  let low = from;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] as number) >= wanted) high = middle;
    else low = middle + 1;
  }
  return low;
}
