/**
 * A client that does the same small thing over and over and writes down when it was served: the clock by which failovers
 * and interruptions are measured. It gives up nothing and hides nothing; a failed attempt is followed by the next.
 */
import { setTimeout as pause } from 'node:timers/promises';

const BETWEEN_ATTEMPTS_MS = 20;

interface Attempt {
  readonly startMs: number;
  readonly endMs: number;
  /** Why it was not served; undefined when it was. */
  readonly fault: string | undefined;
}

export class Probe {
  readonly name: string;
  readonly #attempt: () => Promise<string | undefined>;
  readonly #attempts: Attempt[] = [];

  /** `attempt` resolves with why it was not served. */
  constructor(name: string, attempt: () => Promise<string | undefined>) {
    this.name = name;
    this.#attempt = attempt;
  }

  async step(): Promise<void> {
    const startMs = performance.now();
    const fault = await this.#attempt();
    this.#attempts.push({ startMs, endMs: performance.now(), fault });
    await pause(BETWEEN_ATTEMPTS_MS);
  }

  /** From `sinceMs` to the end of the first attempt that began after it and was served; undefined while there is none. */
  firstServedAfter(sinceMs: number): number | undefined {
    const first = this.#attempts.find((attempt) => attempt.fault === undefined && attempt.startMs >= sinceMs);
    return first === undefined ? undefined : first.endMs - sinceMs;
  }

  servedBetween(fromMs: number, toMs: number): number {
    return this.#between(fromMs, toMs).filter((attempt) => attempt.fault === undefined).length;
  }

  failedBetween(fromMs: number, toMs: number): number {
    return this.#between(fromMs, toMs).filter((attempt) => attempt.fault !== undefined).length;
  }

  /** The longest time without a served attempt that touches the interval, as a client with this probe's patience sees it. */
  longestGap(fromMs: number, toMs: number): number {
    const ends = this.#attempts.filter((attempt) => attempt.fault === undefined).map((attempt) => attempt.endMs);
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

  /** The end of what it went through, for a message. */
  last(count: number): string {
    const now = performance.now();
    const lines = this.#attempts.slice(-count).map(({ startMs, endMs, fault }) => {
      const when = `${((now - startMs) / 1000).toFixed(1)} s ago, for ${Math.round(endMs - startMs)} ms`;
      return `${when}: ${fault ?? 'served'}`;
    });
    return `${this.name}: ${lines.join('; ')}`;
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
