/**
 * The clocks of one machine, running at their own speed on top of true time. The wall clock jumps when somebody sets
 * it; the monotonic clock stands still while the machine is frozen (a suspended virtual machine), and does not while
 * only its processes are stopped. Each process gets its own view, whose timers end with it.
 */
import type { Cancel, Clock } from '../base/clock.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { SimulatedTime } from './simulated-time.ts';

const START_WALL_MS = Date.UTC(2026, 0, 1);
/** Timers may be late, never early; rounding must not make them. */
const ROUNDING_MS = 1e-6;

export class MachineClock {
  readonly #time: SimulatedTime;
  /** Monotonic milliseconds per true millisecond. */
  readonly #rate: number;
  readonly #startMs: number;
  #wallOffsetMs: number;
  #frozenMs = 0;
  readonly #freezes: { readonly fromMs: number; readonly toMs: number }[] = [];
  #frozenAtMs: number | undefined;

  /** `drift`: 0.01 runs one in a hundred too fast. */
  constructor(time: SimulatedTime, options: { drift: number; startMs: number }) {
    this.#time = time;
    this.#rate = 1 + options.drift;
    this.#startMs = options.startMs;
    this.#wallOffsetMs = START_WALL_MS - options.startMs;
  }

  monotonicMs(): number {
    const now = this.#frozenAtMs ?? this.#time.nowMs;
    return this.#startMs + (now - this.#frozenMs) * this.#rate;
  }

  wallMs(): number {
    return this.#startMs + this.#time.nowMs * this.#rate + this.#wallOffsetMs;
  }

  jumpWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  freeze(): void {
    this.#frozenAtMs ??= this.#time.nowMs;
  }

  thaw(): void {
    if (this.#frozenAtMs === undefined) return;
    this.#frozenMs += this.#time.nowMs - this.#frozenAtMs;
    this.#freezes.push({ fromMs: this.#frozenAtMs, toMs: this.#time.nowMs });
    this.#frozenAtMs = undefined;
  }

  /** How long the monotonic clock has stood still since the true time `sinceMs`. */
  frozenMsSince(sinceMs: number): number {
    return this.#freezes.reduce((sum, { fromMs, toMs }) => sum + Math.max(0, toMs - Math.max(fromMs, sinceMs)), 0);
  }

  of(process: SimulatedProcess): Clock {
    return {
      monotonicMs: () => this.monotonicMs(),
      wallMs: () => Math.floor(this.wallMs()),
      after: (delayMs, fire) => this.#after(process, delayMs, fire),
    };
  }

  #after(process: SimulatedProcess, delayMs: number, fire: () => void): Cancel {
    const dueMs = this.monotonicMs() + Math.max(0, delayMs);
    let isOver = false;
    let cancel: Cancel = () => undefined;
    const plan = (): void => {
      cancel = this.#time.after((dueMs - this.monotonicMs()) / this.#rate + ROUNDING_MS, () => {
        if (!process.isAlive) return;
        // The machine was frozen meanwhile: its timer has the rest still before it.
        if (this.#frozenAtMs === undefined && this.monotonicMs() < dueMs) return plan();
        process.run(() => {
          if (isOver) return;
          if (this.monotonicMs() < dueMs) return plan();
          isOver = true;
          fire();
        });
      });
    };
    plan();
    return () => {
      isOver = true;
      cancel();
    };
  }
}
