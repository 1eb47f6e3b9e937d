/**
 * Lets a bounded number of tasks with a bounded number of bytes run at a time; the others wait in the order of their
 * coming. A task larger than the bound runs alone.
 */
export interface TurnstileLimits {
  readonly maxInside: number;
  readonly maxInsideBytes: number;
}

interface Waiting {
  readonly sizeBytes: number;
  readonly enter: () => void;
}

export class Turnstile {
  readonly #limits: TurnstileLimits;
  readonly #waiting: Waiting[] = [];
  #inside = 0;
  #insideBytes = 0;

  constructor(limits: TurnstileLimits) {
    this.#limits = limits;
  }

  async pass<T>(sizeBytes: number, task: () => Promise<T>): Promise<T> {
    if (this.#waiting.length > 0 || !this.#hasRoom(sizeBytes)) {
      await new Promise<void>((enter) => this.#waiting.push({ sizeBytes, enter }));
    } else {
      this.#count(sizeBytes);
    }
    try {
      return await task();
    } finally {
      this.#leave(sizeBytes);
    }
  }

  /** The place goes straight to the next in line: nobody who comes now may slip in between. */
  #leave(sizeBytes: number): void {
    this.#inside -= 1;
    this.#insideBytes -= sizeBytes;
    for (let next = this.#waiting[0]; next !== undefined && this.#hasRoom(next.sizeBytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#count(next.sizeBytes);
      next.enter();
    }
  }

  #count(sizeBytes: number): void {
    this.#inside += 1;
    this.#insideBytes += sizeBytes;
  }

  #hasRoom(sizeBytes: number): boolean {
    const { maxInside, maxInsideBytes } = this.#limits;
    return this.#inside === 0 || (this.#inside < maxInside && this.#insideBytes + sizeBytes <= maxInsideBytes);
  }
}
