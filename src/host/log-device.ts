/**
 * The `LogDevice` port: a thread of its own that does nothing but write and fdatasync, synchronously. libuv's pool has
 * four threads for everything; twelve password hashes in it pushed an fdatasync from 0.3 ms to 464 ms.
 *
 * Bytes cross in shared memory: the chunks of one operation are gathered in a staging area that both sides map, and a
 * small message says where they go. One operation with bytes is under way at a time, so the staging area has one user;
 * operations without bytes are told the thread at once behind it, which does not come back for each.
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

/** An operation with more bytes gets shared memory of its own. */
const STAGING_BYTES = 8 * 1024 * 1024;

/** The thread moves bytes that lie outside of its heap; V8 would reserve it as much as a main thread. */
const WRITER_HEAP = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 32 };

interface Operation {
  action: string;
  request: LogWriterRequest;
  chunks: Uint8Array[];
  done: Deferred<void>;
}

export class ThreadLogDevice implements LogDevice {
  readonly #root: string;
  readonly #worker: Worker;
  readonly #staging = new SharedArrayBuffer(STAGING_BYTES);
  readonly #ended = deferred<void>();
  #waiting: Operation[] = [];
  /** Oldest first: what the thread was told and has not answered. */
  #underWay: Operation[] = [];
  #failure: Error | undefined;
  #closing = false;

  /** `root`: the folder that names are relative to. */
  constructor(root: string) {
    this.#root = root;
    const workerData: LogWriterSettings = { root, staging: this.#staging };
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
      if (!isProblem(problem, 'DiskFull')) this.#fail(problem);
      throw problem;
    }
  }

  append(name: string, position: number, chunks: Uint8Array[]): Promise<void> {
    return this.#enqueue(`write ${name}`, { type: 'append', name, position, length: 0, memory: undefined }, chunks);
  }

  rename(from: string, to: string, { lazy } = { lazy: false }): Promise<void> {
    return this.#enqueue(`rename ${from} to ${to}`, { type: 'rename', from, to, lazy });
  }

  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      const operation = { action: 'close', request: { type: 'close' } as const, chunks: [], done: deferred<void>() };
      operation.done.promise.catch(() => this.#worker.terminate());
      this.#waiting.push(operation);
      this.#startNext();
    }
    await this.#ended.promise;
  }

  #enqueue(action: string, request: LogWriterRequest, chunks: Uint8Array[] = []): Promise<void> {
    assert(!this.#closing, 'This log device is closed');
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const done = deferred<void>();
    this.#waiting.push({ action, request, chunks, done });
    this.#startNext();
    return done.promise;
  }

  #startNext(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (next.request.type === 'append' && this.#underWay.length > 0) return;
      this.#waiting.shift();
      this.#underWay.push(next);
      if (next.request.type === 'append') this.#stage(next.request, next.chunks);
      this.#worker.postMessage(next.request);
    }
  }

  #stage(request: LogWriterRequest & { type: 'append' }, chunks: Uint8Array[]): void {
    for (const chunk of chunks) request.length += chunk.length;
    if (request.length > STAGING_BYTES) request.memory = new SharedArrayBuffer(request.length);
    const target = new Uint8Array(request.memory ?? this.#staging);
    let at = 0;
    for (const chunk of chunks) {
      target.set(chunk, at);
      at += chunk.length;
    }
  }

  #onReply(reply: LogWriterReply): void {
    const answered = this.#underWay.shift();
    if (answered === undefined) return; // the device has failed meanwhile
    const { action, done } = answered;
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

  /** Everything that waits, and everything that comes, gets the first error. */
  #fail(error: Error): void {
    this.#failure ??= error;
    const rejected = [...this.#underWay, ...this.#waiting];
    this.#underWay = [];
    this.#waiting = [];
    for (const { done } of rejected) done.reject(this.#failure);
    if (this.#closing) void this.#worker.terminate();
  }
}
