/**
 * The content index of one copy: a thread that reads the copy's database and packs by itself (content-index-thread.ts),
 * and this end, which pokes it after a commit and asks it. No message's bytes pass through the serving thread, and when
 * the thread dies, hangs or loses its file, a search has to read messages: nothing else happens.
 */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { messageOf } from '../base/problem.ts';
import type { ContentIndex, ContentIndexStatus, FolderAnswer, TextQuestion } from '../store/content-index.ts';
import { DATABASE_NAME } from './seed-files.ts';

export const CONTENT_INDEX_NAME = 'content-index.sqlite';

/** Its work is a few messages at a time; SQLite's memory is not V8's. */
const INDEXER_HEAP = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 48 };
const ANSWER_LIMIT_MS = 2_000;
const CLOSE_LIMIT_MS = 5_000;
/** Doubled with every death without a success between: a message that kills the thread must not kill it all day. */
const RESTART_FIRST_MS = 5_000;
const RESTART_MAX_MS = 10 * 60_000;

export interface ContentIndexThreadSettings {
  readonly indexPath: string;
  readonly databasePath: string;
  readonly packsFolder: string;
  /** Hex. */
  readonly signature: string;
}

export type ToContentIndex =
  | { readonly type: 'committed' | 'rebuild' | 'close' }
  | {
      readonly type: 'search';
      readonly id: number;
      readonly folderId: number;
      readonly questions: readonly TextQuestion[];
    };

export type FromContentIndex =
  | { readonly type: 'status'; readonly status: ContentIndexStatus }
  | { readonly type: 'event'; readonly level: 'info' | 'error'; readonly event: string; readonly fields: object }
  | { readonly type: 'answer'; readonly id: number; readonly answer: FolderAnswer | undefined };

const NOT_RUNNING: ContentIndexStatus = {
  state: 'Disabled',
  backlog: 0,
  indexedLsn: 0,
  databaseLsn: 0,
  failure: null,
};

export interface ThreadContentIndexOptions {
  /** The copy's folder. */
  readonly root: string;
  /** Of content-index-thread.ts. */
  readonly thread: URL;
  readonly clock: Clock;
  readonly logger: Logger;
}

type Answered = (answer: FolderAnswer | undefined) => void;

export class ThreadContentIndex implements ContentIndex {
  readonly #options: ThreadContentIndexOptions;
  #signature: string | undefined;
  #worker: Worker | undefined;
  #status = NOT_RUNNING;
  readonly #asked = new Map<number, Answered>();
  #lastId = 0;
  #restartMs = RESTART_FIRST_MS;

  constructor(options: ThreadContentIndexOptions) {
    this.#options = options;
  }

  open(signature: Uint8Array): void {
    this.#signature = Buffer.from(signature).toString('hex');
    if (this.#worker === undefined) this.#start(this.#signature);
  }

  committed(): void {
    this.#send({ type: 'committed' });
  }

  rebuild(): void {
    if (this.#worker !== undefined) this.#status = { ...this.#status, state: 'Crawling' };
    this.#send({ type: 'rebuild' });
  }

  status(): ContentIndexStatus {
    return this.#status;
  }

  search(folderId: number, questions: readonly TextQuestion[]): Promise<FolderAnswer | undefined> {
    if (this.#worker === undefined) return Promise.resolve(undefined);
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(ANSWER_LIMIT_MS, () => this.#answer(id, undefined));
      this.#asked.set(id, (answer) => {
        cancel();
        resolve(answer);
      });
      this.#send({ type: 'search', id, folderId, questions });
    });
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#signature = undefined;
    if (worker === undefined) return;
    const ended = new Promise<void>((resolve) => {
      worker.once('exit', () => resolve());
    });
    this.#send({ type: 'close' });
    const cancel = this.#options.clock.after(CLOSE_LIMIT_MS, () => void worker.terminate());
    await ended;
    cancel();
  }

  #start(signature: string): void {
    const { root, thread, logger } = this.#options;
    const workerData: ContentIndexThreadSettings = {
      indexPath: join(root, CONTENT_INDEX_NAME),
      databasePath: join(root, DATABASE_NAME),
      packsFolder: join(root, 'packs'),
      signature,
    };
    const worker = new Worker(thread, { workerData, resourceLimits: INDEXER_HEAP });
    this.#worker = worker;
    this.#status = { ...NOT_RUNNING, state: 'Crawling' };
    worker.on('message', (message: FromContentIndex) => this.#onMessage(message));
    worker.on('error', (error) => {
      logger.error({ reason: messageOf(error) }, 'the content index stops');
      this.#status = { ...this.#status, state: 'Failed', failure: messageOf(error) };
    });
    worker.on('exit', () => this.#onExit(worker));
    worker.unref();
  }

  #onMessage(message: FromContentIndex): void {
    switch (message.type) {
      case 'status':
        this.#status = message.status;
        if (message.status.state === 'Healthy') this.#restartMs = RESTART_FIRST_MS;
        return;
      case 'answer':
        return this.#answer(message.id, message.answer);
      case 'event':
        return this.#options.logger[message.level](message.fields, message.event);
    }
  }

  #onExit(worker: Worker): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const id of this.#asked.keys()) this.#answer(id, undefined);
    if (this.#signature === undefined) {
      this.#status = NOT_RUNNING;
      return;
    }
    const delayMs = this.#restartMs;
    this.#restartMs = Math.min(delayMs * 2, RESTART_MAX_MS);
    this.#options.clock.after(delayMs, () => {
      if (this.#signature !== undefined && this.#worker === undefined) this.#start(this.#signature);
    });
  }

  #answer(id: number, answer: FolderAnswer | undefined): void {
    const answered = this.#asked.get(id);
    this.#asked.delete(id);
    answered?.(answer);
  }

  #send(message: ToContentIndex): void {
    this.#worker?.postMessage(message);
  }
}
