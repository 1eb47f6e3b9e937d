/** Lets writers through one step at a time, holds them all at once, and ends them all at once. */

export class Gate {
  #isOpen = true;
  #isEnded = false;
  #inside = 0;
  #waiting: (() => void)[] = [];

  /** Runs `step` again and again until the gate ends. An error in it ends this writer and is the caller's. */
  async repeat(step: () => Promise<void>): Promise<void> {
    for (;;) {
      await this.#until(() => this.#isOpen || this.#isEnded);
      if (this.#isEnded) return;
      this.#inside += 1;
      try {
        await step();
      } finally {
        this.#inside -= 1;
        this.#wake();
      }
    }
  }

  /** Resolves when nobody is within a step; from then on the history stands still. */
  async hold(): Promise<void> {
    this.#isOpen = false;
    await this.#until(() => this.#inside === 0);
  }

  open(): void {
    this.#isOpen = true;
    this.#wake();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  async #until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
