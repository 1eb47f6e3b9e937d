/**
 * The `LogDevice` port: a thread of its own that does nothing but write and fdatasync, synchronously. libuv's pool has
 * four threads for everything; twelve password hashes in it pushed an fdatasync from 0.3 ms to 464 ms.
 *
 * Bytes cross in shared memory: the chunks of one operation are gathered in a staging area that both sides map, and a
 * small message says where they go. What fits into the area beside what the thread has not written yet is told it at once:
 * it begins with the next operation without coming back for it.
 */
import { Worker } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { type Deferred, deferred } from '../base/deferred.ts';
import { isProblem, messageOf } from '../base/problem.ts';
import type { LogDevice } from '../log/disk.ts';
import { pathInside } from './disk.ts';
import { diskProblem, problemFromCode } from './disk-problem.ts';
import type { LogWriterReply, LogWriterRequest, LogWriterSettings } from './log-writer-thread.ts';
import { makeZeros } from './make-zeros.ts';
import { StagingRing } from './staging-ring.ts';

/** Several log files of the usual size; an operation with more bytes gets shared memory of its own. */
const STAGING_BYTES = 4 * 1024 * 1024;

/** The thread moves bytes that lie outside of its heap; V8 would reserve it as much as a main thread. */
const WRITER_HEAP = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 32 };

interface Operation {
  action: string;
  request: LogWriterRequest;
  chunks: Uint8Array[];
  done: Deferred<void>;
  /** It has a place in the staging area. */
  isStaged: boolean;
}

export class ThreadLogDevice implements LogDevice {
  readonly #root: string;
  readonly #worker: Worker;
  readonly #staging = new Uint8Array(new SharedArrayBuffer(STAGING_BYTES));
  readonly #ring = new StagingRing(STAGING_BYTES);
  readonly #ended = deferred<void>();
  #waiting: Operation[] = [];
  /** Oldest first: what the thread was told and has not answered. */
  #underWay: Operation[] = [];
  #failure: Error | undefined;
  #closing = false;

  /** `root`: the folder that names are relative to. */
  constructor(root: string) {
    this.#root = root;
    const workerData: LogWriterSettings = { root, staging: this.#staging.buffer };
    this.#worker = new Worker(new URL('./log-writer-thread.ts', import.meta.url), {
      workerData,
      resourceLimits: WRITER_HEAP,
    });
    this.#worker.on('message', (reply: LogWriterReply) => this.#onReply(reply));
    this.#worker.on('error', (error: unknown) =>
      this.#fail(error instanceof Error ? error : new Error(messageOf(error))),
    );
    this.#worker.on('exit', () => this.#onExit());
  }

  async prepare(name: string, sizeBytes: number): Promise<void> {
    assert(!this.#closing, 'This log device is closed');
    if (this.#failure !== undefined) throw this.#failure;
    try {
      await makeZeros(pathInside(this.#root, name), sizeBytes);
    } catch (error) {
      const problem = diskProblem(error, `prepare ${name}`);
      // No byte that anybody depends on was touched: the next attempt may find room.
      if (!isProblem(problem, 'DiskFull')) this.#refuse(problem);
      throw problem;
    }
  }

  append(name: string, position: number, chunks: Uint8Array[]): Promise<void> {
    return this.#enqueue(
      `write ${name}`,
      { type: 'append', name, position, from: 0, length: 0, memory: undefined },
      chunks,
    );
  }

  rename(from: string, to: string, { lazy } = { lazy: false }): Promise<void> {
    return this.#enqueue(`rename ${from} to ${to}`, { type: 'rename', from, to, lazy });
  }

  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      const done = deferred<void>();
      done.promise.catch(() => this.#worker.terminate());
      this.#waiting.push({ action: 'close', request: { type: 'close' }, chunks: [], done, isStaged: false });
      this.#startNext();
    }
    await this.#ended.promise;
  }

  #enqueue(action: string, request: LogWriterRequest, chunks: Uint8Array[] = []): Promise<void> {
    assert(!this.#closing, 'This log device is closed');
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const done = deferred<void>();
    this.#waiting.push({ action, request, chunks, done, isStaged: false });
    this.#startNext();
    return done.promise;
  }

  #startNext(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (next.request.type === 'append' && !this.#stage(next, next.request)) return;
      this.#waiting.shift();
      this.#underWay.push(next);
      this.#worker.postMessage(next.request);
      next.chunks = [];
    }
  }

  /** False: there is no room until the thread has written something. */
  #stage(operation: Operation, request: LogWriterRequest & { type: 'append' }): boolean {
    const { chunks } = operation;
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    let target = this.#staging;
    if (length > STAGING_BYTES) {
      request.memory = new SharedArrayBuffer(length);
      target = new Uint8Array(request.memory);
    } else if (length > 0) {
      const from = this.#ring.take(length);
      if (from === undefined) return false;
      operation.isStaged = true;
      request.from = from;
    }
    request.length = length;
    let at = request.from;
    for (const chunk of chunks) {
      target.set(chunk, at);
      at += chunk.length;
    }
    return true;
  }

  #onReply(reply: LogWriterReply): void {
    const answered = this.#underWay.shift();
    if (answered === undefined) return; // the device has failed meanwhile
    const { action, done, isStaged } = answered;
    if (isStaged) this.#ring.giveBackOldest();
    if (reply.error === undefined) {
      done.resolve();
    } else {
      const problem = problemFromCode(reply.error.code, reply.error.message, action);
      this.#fail(problem);
      done.reject(problem);
    }
    this.#startNext();
  }

  #onExit(): void {
    this.#ended.resolve();
    if (!this.#closing) this.#fail(new Error('The log writer thread has ended'));
  }

  /** Everything that waits, and everything that comes, gets the first error. What the thread was told it does, and answers. */
  #refuse(error: Error): void {
    this.#failure ??= error;
    const rejected = this.#waiting;
    this.#waiting = [];
    for (const { done } of rejected) done.reject(this.#failure);
  }

  /** The thread has failed: what it was told behind that it does not do. */
  #fail(error: Error): void {
    this.#refuse(error);
    const rejected = this.#underWay;
    this.#underWay = [];
    for (const { done } of rejected) done.reject(this.#failure);
    if (this.#closing) void this.#worker.terminate();
  }
}
