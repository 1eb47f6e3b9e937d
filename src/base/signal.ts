/**
 * "Something may have changed, look again." A loop that waits on a signal sees every raise that came since it last
 * looked, but never more than once: many raises in one turn wake it once.
 */
export class Signal {
  #raised = false;
  #wake: (() => void) | undefined;

  raise(): void {
    this.#raised = true;
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** Resolves at the next raise, or at once if there was one since the last wait. One waiter at a time. */
  async wait(): Promise<void> {
    if (!this.#raised) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#raised = false;
  }
}
