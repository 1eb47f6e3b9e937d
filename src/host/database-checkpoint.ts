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
  readonly failure: CheckpointFailure | undefined;
}

export interface CheckpointFailure {
  readonly reason: string;
  /** SQLite's primary result code; 0 when it was not SQLite. */
  readonly code: number;
}

/** Primary result codes of sqlite3.h for which there is something else to do than to look at the disk. */
const NEXT_STEPS: Readonly<Record<number, string>> = {
  13: 'Make room on the disk.',
  14: 'Check the disk, and how many files may be open (ulimit -n).',
};

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
    worker.on('error', (error) => this.#settle(failed(String(error))));
    worker.on('exit', () => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#settle(failed('its thread has ended'));
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

  #failed({ reason, code }: CheckpointFailure): Problem {
    return new Problem(
      'CheckpointFailed',
      `Cannot checkpoint the database (${basename(this.#path)}): ${reason}. ${NEXT_STEPS[code] ?? 'Check the disk.'}`,
    );
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }
}

function failed(reason: string): CheckpointReply {
  return { complete: false, failure: { reason, code: 0 } };
}
