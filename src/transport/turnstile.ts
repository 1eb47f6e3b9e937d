/** Lets a bounded number of tasks run at a time; the others wait in the order of their coming. */
export class Turnstile {
  readonly #maxInside: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(maxInside: number) {
    this.#maxInside = maxInside;
  }

  get inside(): number {
    return this.#inside;
  }

  async pass<T>(task: () => Promise<T>): Promise<T> {
    if (this.#inside >= this.#maxInside) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#inside += 1;
    try {
      return await task();
    } finally {
      this.#leave();
    }
  }

  /** The place goes straight to the next in line: nobody who comes now may slip in between. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#inside -= 1;
    else next();
  }
}
