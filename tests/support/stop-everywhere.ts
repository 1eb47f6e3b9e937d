/** The machine stops at every step of a story, and comes up with every legal remainder of what was not synced. */
import { crashStates, markOf } from '../../src/log/testing/crash-states.ts';
import type { Promised } from '../../src/log/testing/crash-story.ts';
import type { MemoryDisk } from '../../src/log/testing/memory-disk.ts';

export interface Story {
  /** The disk before it. */
  readonly begin: () => MemoryDisk;
  /** Never returns when the machine stops in it. */
  readonly run: (disk: MemoryDisk, promised: Promised) => Promise<void>;
  readonly check: (state: MemoryDisk, promised: Promised, label: string) => Promise<void>;
}

export class StopEverywhere {
  /** States that differ in their bytes or in what had been promised, over all stories. */
  readonly #seen = new Set<string>();
  readonly #statesPerStop: number;

  /** `statesPerStop`: where each state takes long to be checked, about so many, evenly out of all. */
  constructor(statesPerStop = Number.POSITIVE_INFINITY) {
    this.#statesPerStop = statesPerStop;
  }

  get states(): number {
    return this.#seen.size;
  }

  async run({ begin, run, check }: Story): Promise<void> {
    const whole = begin();
    await run(whole, { lsn: 0, count: 0 });
    for (let stop = 0; stop <= whole.steps; stop++) {
      const disk = begin();
      disk.stopBefore(stop);
      const promised = { lsn: 0, count: 0 };
      await Promise.race([run(disk, promised), disk.stopped]);
      const states = [...crashStates(disk, stop)];
      const every = Math.max(1, Math.floor(states.length / this.#statesPerStop));
      for (const [number, state] of states.entries()) {
        const mark = `${markOf(state)} ${promised.lsn}`;
        if (number % every !== 0 || this.#seen.has(mark)) continue;
        this.#seen.add(mark);
        await check(state, promised, `stop ${stop} state ${number}`);
      }
    }
  }
}
