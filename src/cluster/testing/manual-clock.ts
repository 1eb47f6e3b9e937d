/**
 * Time for tests that drive promises. `run` lets every promise settle, then jumps to the next timer, as often as needed: a minute of the
 * cluster's life takes a millisecond, and two timers of one moment fire in the order in which they were set.
 */
import type { Cancel, Clock } from '../../base/clock.ts';

/** Enough for the longest chain of awaits in this part. */
const TURNS = 60;
/** Rounds without a timer before a wait counts as one for nothing. */
const IDLE_ROUNDS = 50;

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly fire: () => void;
}

export class ManualClock implements Clock {
  #nowMs: number;
  #wallOffsetMs = 1_700_000_000_000;
  #order = 0;
  #timers: Timer[] = [];

  readonly #turns: number;

  /** `turns` of the microtask queue between timers; fewer are faster and only shift what happens into later timers. */
  constructor(startMs = 1_000, turns = TURNS) {
    this.#nowMs = startMs;
    this.#turns = turns;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs + this.#wallOffsetMs;
  }

  after(delayMs: number, fire: () => void): Cancel {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, fire };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** What a frozen machine finds when it wakes: the wall clock went on, the monotonic one did not. */
  jumpWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** Lets `durationMs` pass. */
  async run(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs;
    await this.#settle();
    for (let next = this.#next(); next !== undefined && next.atMs <= endMs; next = this.#next()) {
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fire();
      await this.#settle();
    }
    this.#nowMs = endMs;
  }

  /** Runs until `work` settles, at most `limitMs`. */
  async until<T>(work: Promise<T>, limitMs = 60_000): Promise<T> {
    let isDone = false;
    const finished = work.finally(() => {
      isDone = true;
    });
    finished.catch(() => undefined);
    const endMs = this.#nowMs + limitMs;
    for (let idle = 0; !isDone && idle < IDLE_ROUNDS; idle++) {
      await this.#settle();
      const next = this.#next();
      if (next === undefined || next.atMs > endMs) continue;
      idle = 0;
      await this.run(Math.max(0, next.atMs - this.#nowMs));
    }
    if (!isDone) throw new Error(`Still not done after ${limitMs} ms of the manual clock, or waiting for no timer`);
    return finished;
  }

  #next(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (next === undefined || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.order < next.order))
        next = timer;
    }
    return next;
  }

  async #settle(): Promise<void> {
    for (let turn = 0; turn < this.#turns; turn++) await Promise.resolve();
  }
}

/**
 * The clock of one host that can be frozen: while it is, nothing of it runs, and what became due runs when it wakes. A
 * stopped process still sees the monotonic clock go on; a suspended machine does not, and finds the wall clock jumped.
 */
export class HostClock implements Clock {
  readonly #world: ManualClock;
  #frozenAtMs: number | undefined;
  #lostMs = 0;
  #due: (() => void)[] = [];

  constructor(world: ManualClock) {
    this.#world = world;
  }

  monotonicMs(): number {
    return (this.#frozenAtMs ?? this.#world.monotonicMs()) - this.#lostMs;
  }

  wallMs(): number {
    return this.#world.wallMs();
  }

  after(delayMs: number, fire: () => void): Cancel {
    let isCancelled = false;
    const run = () => {
      if (isCancelled) return;
      if (this.#frozenAtMs === undefined) fire();
      else this.#due.push(run);
    };
    const cancel = this.#world.after(delayMs, run);
    return () => {
      isCancelled = true;
      cancel();
    };
  }

  freeze(): void {
    this.#frozenAtMs = this.#world.monotonicMs();
  }

  wake(kind: 'stopped process' | 'suspended machine'): void {
    if (kind === 'suspended machine') this.#lostMs += this.#world.monotonicMs() - (this.#frozenAtMs ?? 0);
    this.#frozenAtMs = undefined;
    const due = this.#due;
    this.#due = [];
    for (const fire of due) fire();
  }
}
