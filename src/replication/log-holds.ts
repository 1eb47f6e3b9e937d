/** Places behind which the log must stay for a while: seeds that are under way begin there. */
export class LogHolds {
  readonly #held = new Map<symbol, number>();

  get lsns(): readonly number[] {
    return [...this.#held.values()];
  }

  /** Returns the undo. */
  add(lsn: number): () => void {
    const hold = Symbol('held');
    this.#held.set(hold, lsn);
    return () => {
      this.#held.delete(hold);
    };
  }
}
