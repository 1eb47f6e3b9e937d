/**
 * What was found damaged in a running copy and can be mended from another one, each until it is: tried one after the
 * other, again after a while. Whoever finds damage adds it and goes on.
 */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { messageOf } from '../base/problem.ts';
import { Signal } from '../base/signal.ts';

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

interface Entry {
  readonly damage: Damage;
  /** Not to be tried before. */
  dueMs: number;
}

export class RepairQueue {
  readonly #options: RepairQueueOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #wanted = new Signal();
  #isRunning = false;
  #isStopped = false;

  constructor(options: RepairQueueOptions) {
    this.#options = options;
  }

  /** What is not mended yet. */
  get whats(): readonly string[] {
    return [...this.#entries.values()].map(({ damage }) => damage.what);
  }

  stop(): void {
    this.#isStopped = true;
    this.#wanted.raise();
  }

  /** `key`: the same damage is mended once, however often it is found. */
  add(key: string, damage: Damage): void {
    const { clock, logger, maxDamages } = this.#options;
    const known = this.#entries.get(key);
    if (this.#isStopped || (known === undefined && this.#entries.size >= maxDamages)) return;
    if (known === undefined) logger.error({ what: damage.what }, 'damage was found');
    this.#entries.set(key, { damage, dueMs: known?.dueMs ?? clock.monotonicMs() });
    this.#wanted.raise();
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#entries.size > 0 && !this.#isStopped) {
      for (const [key, entry] of this.#entries) await this.#tryIfDue(key, entry);
      if (this.#entries.size > 0) await this.#rest();
    }
    this.#isRunning = false;
  }

  /** Until the next one is due, or another one was found: what cannot be mended holds nobody up. */
  async #rest(): Promise<void> {
    const { clock } = this.#options;
    const dueMs = Math.min(...[...this.#entries.values()].map((entry) => entry.dueMs));
    const cancel = clock.after(Math.max(0, dueMs - clock.monotonicMs()), () => this.#wanted.raise());
    await this.#wanted.wait();
    cancel();
  }

  async #tryIfDue(key: string, entry: Entry): Promise<void> {
    const { clock, retryMs } = this.#options;
    if (this.#isStopped || entry.dueMs > clock.monotonicMs()) return;
    if (await this.#isMended(entry.damage)) this.#entries.delete(key);
    else entry.dueMs = clock.monotonicMs() + retryMs;
  }

  async #isMended({ what, mend }: Damage): Promise<boolean> {
    try {
      return await mend();
    } catch (error) {
      if (!this.#isStopped) this.#options.logger.warn({ what, reason: messageOf(error) }, 'damage could not be mended');
      return false;
    }
  }
}
