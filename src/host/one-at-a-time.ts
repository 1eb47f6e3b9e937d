/**
 * Work on one file or one share, strictly one after the other, with a bound on how much may wait. A share that hangs then holds
 * one of libuv's few threads, and no more than one.
 */
import { Problem } from '../base/problem.ts';

export class OneAtATime {
  readonly #name: string;
  readonly #maxWaiting: number;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(name: string, maxWaiting: number) {
    this.#name = name;
    this.#maxWaiting = maxWaiting;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= this.#maxWaiting) {
      throw new Problem('AcceptorBusy', `Cannot use ${this.#name}: earlier requests hang. Check its disk or share.`, {
        temporary: true,
      });
    }
    this.#waiting++;
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#waiting--;
    }
  }
}
