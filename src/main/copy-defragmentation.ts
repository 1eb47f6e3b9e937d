/** The defragmentation of a running copy: one run at a time, by an administrator's order or after the scrub. */
import type { Clock } from '../base/clock.ts';
import { sleep } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { Problem } from '../base/problem.ts';
import { FileSystemDisk } from '../host/disk.ts';
import {
  defragmentOnline,
  type OnlineDefragmentation,
  type OnlineStore,
} from '../store/maintenance/defragment-online.ts';
import { packName } from '../store/maintenance/pack-name.ts';
import type { MaintenanceJobs } from './maintenance-jobs.ts';

/** Work in turn with the changes of the copy (replication/copy-upkeep.ts). */
export type InTurn = <T>(work: (store: OnlineStore) => T) => Promise<T>;

export interface CopyDefragmentationOptions {
  readonly root: string;
  readonly storageGroup: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly jobs: MaintenanceJobs;
  readonly inTurn: InTurn;
}

export class CopyDefragmentation {
  readonly #options: CopyDefragmentationOptions;
  readonly #disk: FileSystemDisk;
  #progress: string | null = null;
  #lastMs: number | null = null;
  #isStopped = false;

  constructor(options: CopyDefragmentationOptions) {
    this.#options = options;
    this.#disk = new FileSystemDisk(options.root);
  }

  /** What it does now, or null; and when one was finished last. */
  report(): { readonly progress: string | null; readonly lastMs: number | null } {
    return { progress: this.#progress, lastMs: this.#lastMs };
  }

  /** Ends a run after its present step. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Problem('AlreadyRunning' | 'MaintenanceFailed' | ...): what was done before is kept. */
  async run(onProgress: (line: string) => void): Promise<OnlineDefragmentation> {
    const { storageGroup, clock, logger } = this.#options;
    if (this.#progress !== null) {
      throw new Problem('AlreadyRunning', `Cannot defragment ${storageGroup}: that is being done, ${this.#progress}.`, {
        temporary: true,
      });
    }
    const tell = (line: string): void => {
      this.#progress = line;
      onProgress(line);
    };
    tell('looking for packs with space to give back');
    try {
      const result = await this.#defragment(tell);
      this.#lastMs = clock.wallMs();
      logger.info({ ...result }, 'the copy was defragmented');
      return result;
    } finally {
      this.#progress = null;
    }
  }

  #defragment(onProgress: (line: string) => void): Promise<OnlineDefragmentation> {
    const { jobs, clock, inTurn } = this.#options;
    return defragmentOnline({
      fills: () => jobs.run({ job: 'fills' }),
      bodiesOf: (pack) => jobs.run({ job: 'bodies', pack }),
      warm: async (pack, position, length) => {
        await this.#disk.read(packName(pack), position, length);
      },
      inTurn: (step) => {
        if (this.#isStopped) throw new Problem('Stopped', 'Cannot defragment this copy: it is being closed.');
        return inTurn(step);
      },
      monotonicMs: () => clock.monotonicMs(),
      rest: (ms) => sleep(clock, ms),
      onProgress,
    });
  }
}
