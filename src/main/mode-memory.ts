/**
 * How each storage group commits, as its active copy last told this hub, kept through restarts: a hub that comes back
 * while no copy answers must know whether it may queue. What was never told is taken for the strictest: nothing is
 * queued on a promise that nobody made.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Logger } from '../base/logger.ts';
import { messageOf } from '../base/problem.ts';
import type { CopyFinder } from '../directory/copy-finder.ts';
import type { CommitMode } from '../transport/queue.ts';
import { replaceFile } from './cluster-marker.ts';

const schema = z.record(z.string(), z.enum(['sync', 'sync-strict', 'async']));

export class ModeMemory {
  readonly #path: string;
  readonly #logger: Logger;
  readonly #modes: Map<string, CommitMode>;

  constructor(options: { path: string; logger: Logger }) {
    this.#path = options.path;
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
      return schema.parse(JSON.parse(readFileSync(this.#path, 'utf8')));
    } catch (error) {
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (!isMissing)
        this.#logger.warn({ path: this.#path, reason: messageOf(error) }, 'the remembered modes cannot be read');
      return {};
    }
  }

  #learn(storageGroup: string, mode: CommitMode): void {
    if (this.#modes.get(storageGroup) === mode) return;
    this.#modes.set(storageGroup, mode);
    try {
      replaceFile(this.#path, `${JSON.stringify(Object.fromEntries(this.#modes))}\n`);
    } catch (error) {
      // It is a help for the next start, not a promise.
      this.#logger.warn({ path: this.#path, reason: messageOf(error) }, 'the modes cannot be remembered');
    }
  }
}
