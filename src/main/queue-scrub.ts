/**
 * Reads the logs of a hub's queues now and then, as each copy's scrub reads its own: a message that waits there for days
 * has no other place. What is found is told with file and range. There is nobody to mend it from; so the queue is opened
 * anew, which keeps what can be read (transport/queue-log.ts).
 */
import type { Cancel, Clock } from '../base/clock.ts';
import { deferred } from '../base/deferred.ts';
import type { Logger } from '../base/logger.ts';
import { isProblem } from '../base/problem.ts';
import type { Disk } from '../log/disk.ts';
import { checkLog } from '../store/maintenance/check-log.ts';
import { type MaintenanceLimits, maintenanceLimits } from './maintenance-limits.ts';

export interface ScrubbedQueue {
  readonly storageGroup: string;
  /** Its root is the folder of the log. */
  readonly disk: Disk;
}

export interface QueueScrubOptions {
  readonly queues: readonly ScrubbedQueue[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onDamaged: () => void;
  readonly limits?: Partial<MaintenanceLimits>;
}

export class QueueScrub {
  readonly #options: QueueScrubOptions;
  readonly #limits: MaintenanceLimits;
  #cancel: Cancel = () => undefined;
  #isStopped = false;

  constructor(options: QueueScrubOptions) {
    this.#options = options;
    this.#limits = { ...maintenanceLimits, ...options.limits };
    this.#plan(this.#limits.firstScrubMs);
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  #plan(delayMs: number): void {
    if (this.#isStopped) return;
    this.#cancel = this.#options.clock.after(delayMs, () => {
      void this.#pass().finally(() => this.#plan(this.#limits.scrubIntervalMs));
    });
  }

  async #pass(): Promise<void> {
    const { queues, logger, onDamaged } = this.#options;
    let isDamaged = false;
    for (const { storageGroup, disk } of queues) {
      try {
        const { findings, readBytes } = await checkLog(disk, '', { pace: (bytes) => this.#rest(bytes) });
        for (const finding of findings) logger.error({ storageGroup, ...finding }, 'the scrub found damage in a queue');
        logger.info({ storageGroup, readBytes, findings: findings.length }, 'the scrub of a queue has passed');
        isDamaged ||= findings.length > 0;
      } catch (error) {
        if (!isProblem(error)) throw error;
        logger.warn({ storageGroup, reason: error.message }, 'the scrub of a queue did not finish');
      }
    }
    if (isDamaged && !this.#isStopped) onDamaged();
  }

  async #rest(bytes: number): Promise<void> {
    const rested = deferred<void>();
    this.#cancel = this.#options.clock.after((bytes / this.#limits.scrubBytesPerSecond) * 1_000, () =>
      rested.resolve(),
    );
    await rested.promise;
  }
}
