/** How far a seed is: numbers for the status, and lines for whoever waits for the command. */
import type { Clock } from '../base/clock.ts';

export interface SeedReport {
  readonly totalBytes: number;
  /** In place beside the old files: fetched, or found here. */
  readonly doneBytes: number;
  /** Came over the network. */
  readonly fetchedBytes: number;
  /** Of what came over the network. */
  readonly bytesPerSecond: number;
  /** Null before the first piece. */
  readonly secondsLeft: number | null;
}

const NOTHING: SeedReport = { totalBytes: 0, doneBytes: 0, fetchedBytes: 0, bytesPerSecond: 0, secondsLeft: null };

export class SeedProgress {
  readonly #clock: Clock;
  readonly #tell: (line: string) => void;
  #report = NOTHING;
  #startedMs = 0;
  #toldTenths = 0;

  constructor(clock: Clock, tell: (line: string) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  get report(): SeedReport {
    return this.#report;
  }

  /** Of one attempt; what was fetched counts on. */
  begin(totalBytes: number): void {
    this.#report = { ...NOTHING, totalBytes, fetchedBytes: this.#report.fetchedBytes };
    this.#startedMs = this.#clock.monotonicMs();
    this.#toldTenths = 0;
  }

  add(bytes: number, fetchedBytes: number): void {
    const doneBytes = this.#report.doneBytes + bytes;
    const { totalBytes } = this.#report;
    const seconds = Math.max(0.001, (this.#clock.monotonicMs() - this.#startedMs) / 1000);
    this.#report = {
      totalBytes,
      doneBytes,
      fetchedBytes: this.#report.fetchedBytes + fetchedBytes,
      bytesPerSecond: Math.round(doneBytes / seconds),
      secondsLeft: Math.ceil((totalBytes - doneBytes) / (doneBytes / seconds)),
    };
    this.#tellTenth();
  }

  /** A line for every tenth of the way. */
  #tellTenth(): void {
    const { totalBytes, doneBytes, bytesPerSecond, secondsLeft } = this.#report;
    const tenths = Math.floor((doneBytes * 10) / Math.max(1, totalBytes));
    if (tenths === this.#toldTenths) return;
    this.#toldTenths = tenths;
    const rate = `${mebibytes(bytesPerSecond)} MiB/s`;
    this.#tell(`${tenths * 10} % of ${mebibytes(totalBytes)} MiB, ${rate}, ${secondsLeft ?? 0} s left`);
  }
}

export function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}
