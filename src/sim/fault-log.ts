/**
 * What went wrong in a run, counted: each kind of fault, and each pair of kinds of which one began while the other was
 * not over. Most failures that nobody thought of need two faults at once, so the pairs are what a campaign must cover.
 */
export class FaultLog {
  readonly #counts = new Map<string, number>();
  readonly #pairs = new Map<string, number>();
  readonly #open = new Map<string, number>();

  began(kind: string): void {
    raise(this.#counts, kind, 1);
    for (const [other, count] of this.#open) if (count > 0) raise(this.#pairs, pairOf(kind, other), 1);
    raise(this.#open, kind, 1);
  }

  ended(kind: string): void {
    raise(this.#open, kind, -1);
  }

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** By `one + other`, in the order of the alphabet. */
  get pairs(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#pairs);
  }
}

export function pairOf(one: string, other: string): string {
  return one < other ? `${one} + ${other}` : `${other} + ${one}`;
}

function raise(counts: Map<string, number>, key: string, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
