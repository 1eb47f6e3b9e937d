/**
 * SQLite's checkpoints, in a thread of their own with a connection of their own: in the serving thread one stalled it
 * for 150 ms. A passive checkpoint never makes the writer wait; it carries over what is committed and syncs it.
 */
import { basename } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type Deferred, deferred } from '../base/deferred.ts';
import { Problem } from '../base/problem.ts';

/** The work is SQLite's, whose memory is not V8's. */
const CHECKPOINT_HEAP = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 32 };

export interface CheckpointReply {
  /** True when everything that was committed at the start is in the main file, durably. */
  readonly complete: boolean;
  readonly failure: string | undefined;
}

export class DatabaseCheckpoint {
  readonly #path: string;
  #worker: Worker | undefined;
  #current: Deferred<boolean> | undefined;

  /** `path`: of a database in WAL mode; it need not exist before the first `run`. */
  constructor(path: string) {
    this.#path = path;
  }

  /** One at a time. Problem('CheckpointFailed') */
  run(): Promise<boolean> {
    if (this.#current !== undefined) return this.#current.promise;
    const current = deferred<boolean>();
    this.#current = current;
    // A thread for each run, every ten seconds or so: one that waited in between would hold 8 MB for nothing.
    this.#worker = this.#start();
    return current.promise;
  }

  #start(): Worker {
    const worker = new Worker(new URL('./database-checkpoint-thread.ts', import.meta.url), {
      workerData: this.#path,
      resourceLimits: CHECKPOINT_HEAP,
    });
    worker.on('message', (reply: CheckpointReply) => this.#settle(reply));
    worker.on('error', (error) => this.#settle({ complete: false, failure: String(error) }));
    worker.on('exit', () => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#settle({ complete: false, failure: 'its thread has ended' });
    });
    worker.unref();
    return worker;
  }

  #settle(reply: CheckpointReply): void {
    const current = this.#current;
    this.#current = undefined;
    if (reply.failure === undefined) current?.resolve(reply.complete);
    else current?.reject(this.#failed(reply.failure));
  }

  #failed(reason: string): Problem {
    return new Problem(
      'CheckpointFailed',
      `Cannot checkpoint the database (${basename(this.#path)}): ${reason}. Check the disk.`,
    );
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }
}
