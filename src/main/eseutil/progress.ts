/** How far a long command is: a line for every tenth of the way, with the rate, on standard error. */
import { machineClock } from '../../host/machine.ts';
import type { Pace } from '../../store/maintenance/finding.ts';

const MIB = 1024 * 1024;
/** Less work than this is done before anybody has read a line. */
const QUIET_BYTES = 8 * MIB;

export class Progress {
  readonly #startedMs = machineClock.monotonicMs();
  readonly #write: (text: string) => void;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  get elapsedSeconds(): number {
    return (machineClock.monotonicMs() - this.#startedMs) / 1000;
  }

  say(line: string): void {
    this.#write(`${line}\n`);
  }

  /** For a step that works through about `totalBytes`. */
  step(name: string, totalBytes: number): Pace {
    const startedMs = machineClock.monotonicMs();
    let doneBytes = 0;
    let toldTenths = 0;
    if (totalBytes >= QUIET_BYTES) this.say(`${name}: ${(totalBytes / MIB).toFixed(1)} MiB`);
    return (bytes) => {
      doneBytes += bytes;
      const tenths = Math.min(10, Math.floor((doneBytes * 10) / Math.max(1, totalBytes)));
      if (totalBytes < QUIET_BYTES || tenths === toldTenths) return;
      toldTenths = tenths;
      const seconds = Math.max(0.001, (machineClock.monotonicMs() - startedMs) / 1000);
      this.say(`${name}: ${tenths * 10} %, ${(doneBytes / MIB / seconds).toFixed(1)} MiB/s`);
    };
  }
}
