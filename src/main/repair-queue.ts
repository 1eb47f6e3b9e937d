/**
 * What was found damaged in a running copy and can be mended from another one, each until it is: tried one after the
 * other, again after a while. Whoever finds damage adds it and goes on.
 */
import { type Clock, sleep } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { messageOf } from '../base/problem.ts';

export interface Damage {
  /** What it is, for people. */
  readonly what: string;
  /** True when nothing is left to do for it. */
  readonly mend: () => Promise<boolean>;
}

export interface RepairQueueOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly retryMs: number;
  /** Further damage is not remembered. */
  readonly maxDamages: number;
}

export class RepairQueue {
  readonly #options: RepairQueueOptions;
  readonly #damages = new Map<string, Damage>();
  #isRunning = false;
  #isStopped = false;

  constructor(options: RepairQueueOptions) {
    this.#options = options;
  }

  /** What is not mended yet. */
  get whats(): readonly string[] {
    return [...this.#damages.values()].map(({ what }) => what);
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** `key`: the same damage is mended once, however often it is found. */
  add(key: string, damage: Damage): void {
    const { logger, maxDamages } = this.#options;
    if (this.#isStopped || (this.#damages.size >= maxDamages && !this.#damages.has(key))) return;
    if (!this.#damages.has(key)) logger.error({ what: damage.what }, 'damage was found');
    this.#damages.set(key, damage);
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#damages.size > 0 && !this.#isStopped) {
      for (const [key, damage] of this.#damages) if (await this.#try(damage)) this.#damages.delete(key);
      if (this.#damages.size > 0) await sleep(this.#options.clock, this.#options.retryMs);
    }
    this.#isRunning = false;
  }

  async #try({ what, mend }: Damage): Promise<boolean> {
    try {
      return await mend();
    } catch (error) {
      if (!this.#isStopped) this.#options.logger.warn({ what, reason: messageOf(error) }, 'damage could not be mended');
      return false;
    }
  }
}
