/**
 * A process as the world sees it: it runs, it stands still, or it is gone. Everything that reaches code of the cluster
 * (timers, frames, finished disk operations) comes through `run` of the process that the code belongs to; so a pause
 * holds all of it back, in order, and after a kill nothing of that process ever happens again. What it had computed is
 * garbage; what it had handed to disk and network is theirs.
 */
export class SimulatedProcess {
  readonly name: string;
  #state: 'running' | 'paused' | 'dead' = 'running';
  #held: (() => void)[] = [];
  readonly #onDeath = new Set<() => void>();

  constructor(name: string) {
    this.name = name;
  }

  get isAlive(): boolean {
    return this.#state !== 'dead';
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  run(work: () => void): void {
    if (this.#state === 'running' && this.#held.length === 0) work();
    else if (this.#state !== 'dead') this.#held.push(work);
  }

  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
  }

  /** What was held back happens now, in order, each piece in a turn of its own; what comes meanwhile waits behind it. */
  resume(later: (work: () => void) => void): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    const next = (): void => {
      if (this.#state !== 'running') return;
      const work = this.#held[0];
      if (work === undefined) return;
      work();
      this.#held.shift();
      if (this.#held.length > 0) later(next);
    };
    later(next);
  }

  kill(): void {
    if (this.#state === 'dead') return;
    this.#state = 'dead';
    this.#held = [];
    for (const tell of this.#onDeath) tell();
    this.#onDeath.clear();
  }

  /** For the world's side of what it held: connections, half-written buffers. Returns how to be told no more. */
  onDeath(tell: () => void): () => void {
    this.#onDeath.add(tell);
    return () => {
      this.#onDeath.delete(tell);
    };
  }
}
