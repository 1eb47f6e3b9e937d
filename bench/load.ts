/** The parent's end of the load generator. */
import { type ChildProcess, fork } from 'node:child_process';
import type { FirstSuccess, LoadOrder, LoadResult, LoadTask } from './load-generator.ts';

const GENERATOR = new URL('./load-generator.ts', import.meta.url);

export class Load {
  readonly #child: ChildProcess;
  readonly #result: Promise<LoadResult>;
  #onFirstSuccess: ((atMs: number) => void) | undefined;

  constructor(task: LoadTask) {
    const child = fork(GENERATOR, [JSON.stringify(task)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child = child;
    const { promise, resolve, reject } = Promise.withResolvers<LoadResult>();
    this.#result = promise;
    child.on('message', (message: LoadResult | FirstSuccess) => {
      if (message.type === 'result') resolve(message);
      else this.#onFirstSuccess?.(message.atMs);
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error('The load generator ended without a result')));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** When the first message that was begun after `sinceMs` (CLOCK_MONOTONIC) was acknowledged. */
  firstSuccess(sinceMs: number): Promise<number> {
    return new Promise((resolve) => {
      this.#onFirstSuccess = resolve;
      this.#order({ type: 'mark', sinceMs });
    });
  }

  /** Ends before its time. */
  stop(): Promise<LoadResult> {
    this.#order({ type: 'stop' });
    return this.#result;
  }

  /** At the end of the time that was agreed. */
  result(): Promise<LoadResult> {
    return this.#result;
  }

  #order(order: LoadOrder): void {
    this.#child.send(order);
  }
}
