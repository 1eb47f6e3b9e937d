/**
 * How each storage group commits, as its active copy last told this hub, kept through restarts: a hub that comes back
 * while no copy answers must know whether it may queue. What was never told is taken for the strictest: nothing is
 * queued on a promise that nobody made.
 */
import type { Logger } from '../base/logger.ts';
import { messageOf, Problem } from '../base/problem.ts';
import type { CopyFinder } from '../directory/copy-finder.ts';
import type { CommitMode } from './queue.ts';

/** Where the modes outlive a restart. `save` replaces the whole atomically. */
export interface ModeFile {
  load(): string | undefined;
  save(text: string): void;
}

const MODES: readonly unknown[] = ['sync', 'sync-strict', 'async'] satisfies CommitMode[];

export class ModeMemory {
  readonly #file: ModeFile;
  readonly #logger: Logger;
  readonly #modes: Map<string, CommitMode>;

  constructor(options: { file: ModeFile; logger: Logger }) {
    this.#file = options.file;
    this.#logger = options.logger;
    this.#modes = new Map(Object.entries(this.#load()));
  }

  /** Learns from `finder` from now on, and says what is known. */
  modeOf(finder: CopyFinder): () => CommitMode {
    finder.onChange((active) => {
      if (active !== undefined) this.#learn(finder.storageGroup, active.mode);
    });
    return () => finder.active()?.mode ?? this.#modes.get(finder.storageGroup) ?? 'sync-strict';
  }

  #load(): Record<string, CommitMode> {
    try {
      const text = this.#file.load();
      return text === undefined ? {} : parseModes(JSON.parse(text));
    } catch (error) {
      this.#logger.warn({ reason: messageOf(error) }, 'the remembered modes cannot be read');
      return {};
    }
  }

  #learn(storageGroup: string, mode: CommitMode): void {
    if (this.#modes.get(storageGroup) === mode) return;
    this.#modes.set(storageGroup, mode);
    try {
      this.#file.save(`${JSON.stringify(Object.fromEntries(this.#modes))}\n`);
    } catch (error) {
      // It is a help for the next start, not a promise.
      this.#logger.warn({ reason: messageOf(error) }, 'the modes cannot be remembered');
    }
  }
}

function parseModes(value: unknown): Record<string, CommitMode> {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isRecord || !Object.values(value).every((mode) => MODES.includes(mode)))
    throw new Problem('Malformed', 'Cannot use the remembered modes: they are not a list of modes');
  return value as Record<string, CommitMode>;
}
