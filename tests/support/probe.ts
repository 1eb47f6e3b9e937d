/**
 * A client that does the same small thing over and over and writes down when it was served: the clock by which failovers
 * and interruptions are measured. It gives up nothing and hides nothing; a failed attempt is followed by the next.
 */
import { setTimeout as pause } from 'node:timers/promises';

const BETWEEN_ATTEMPTS_MS = 20;
/** An attempt that has not begun before the fault can have been served before it. */
interface Attempt {
  readonly startMs: number;
  readonly endMs: number;
  readonly served: boolean;
}

export class Probe {
  readonly name: string;
  readonly #attempt: () => Promise<boolean>;
  readonly #attempts: Attempt[] = [];

  constructor(name: string, attempt: () => Promise<boolean>) {
    this.name = name;
    this.#attempt = attempt;
  }

  async step(): Promise<void> {
    const startMs = performance.now();
    const served = await this.#attempt();
    this.#attempts.push({ startMs, endMs: performance.now(), served });
    await pause(BETWEEN_ATTEMPTS_MS);
  }

  /** From `sinceMs` to the end of the first attempt that began after it and was served; undefined while there is none. */
  firstServedAfter(sinceMs: number): number | undefined {
    const first = this.#attempts.find((attempt) => attempt.served && attempt.startMs >= sinceMs);
    return first === undefined ? undefined : first.endMs - sinceMs;
  }

  servedBetween(fromMs: number, toMs: number): number {
    return this.#between(fromMs, toMs).filter((attempt) => attempt.served).length;
  }

  failedBetween(fromMs: number, toMs: number): number {
    return this.#between(fromMs, toMs).filter((attempt) => !attempt.served).length;
  }

  /** The longest time without a served attempt that touches the interval, as a client with this probe's patience sees it. */
  longestGap(fromMs: number, toMs: number): number {
    const ends = this.#attempts.filter((attempt) => attempt.served).map((attempt) => attempt.endMs);
    let longest = 0;
    let before = fromMs;
    for (const end of ends) {
      if (end < fromMs) continue;
      longest = Math.max(longest, Math.min(end, toMs) - before);
      before = end;
      if (end > toMs) break;
    }
    return before < toMs ? Math.max(longest, toMs - before) : longest;
  }

  #between(fromMs: number, toMs: number): readonly Attempt[] {
    return this.#attempts.filter(({ startMs, endMs }) => startMs >= fromMs && endMs <= toMs);
  }
}

/** p50, max and how many, in milliseconds, of a list that may be empty. */
export function summarise(times: readonly number[]): { count: number; p50: number; max: number } {
  const sorted = times.toSorted((a, b) => a - b);
  const p50 = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return { count: sorted.length, p50: Math.round(p50), max: Math.round(sorted.at(-1) ?? 0) };
}
