/**
 * An administrator of a simulated cluster: changes its settings in the register, from where the clients are, over the
 * network. What cannot be changed now is tried again, for an administrator does not go home before it is done.
 */
import { assert } from '../base/assert.ts';
import { type Clock, sleep } from '../base/clock.ts';
import type { Register } from '../cluster/register.ts';
import type { RegisterDocument } from '../cluster/register-document.ts';
import type { Story } from './story.ts';

const ORDER_TIMEOUT_MS = 3_000;
const CHANGE_TIMEOUT_MS = 1_000;
const RETRY_MS = 400;

export class Administrator {
  readonly #register: Register;
  readonly #clock: Clock;
  readonly #story: Story;
  /** One after the other: what is undone was done before. */
  #last: Promise<void> = Promise.resolve();
  #wanted = 0;
  #lastInsisted: Promise<void> = Promise.resolve();

  constructor(options: { register: Register; clock: Clock; story: Story }) {
    this.#register = options.register;
    this.#clock = options.clock;
    this.#story = options.story;
  }

  /** Every change that was wanted is made. */
  get isDone(): boolean {
    return this.#wanted === 0;
  }

  /** What is tried until it is done; one thing of this kind after the other. */
  insist(what: string, isDone: () => Promise<boolean>): void {
    this.#wanted++;
    this.#lastInsisted = this.#lastInsisted.then(async () => {
      while (!(await isDone())) await sleep(this.#clock, RETRY_MS);
      this.#story.tell('admin', what);
      this.#wanted--;
    });
  }

  /** One change, now; a majority of the votes answers. */
  async order(change: (document: RegisterDocument) => RegisterDocument | undefined): Promise<void> {
    const outcome = await this.#register.change((document) => document && change(document), {
      timeoutMs: ORDER_TIMEOUT_MS,
    });
    assert(outcome.kind === 'changed', `An order is carried out while a majority answers, not ${outcome.kind}`);
  }

  /** Some day, as soon as it is possible; then `done`. `change` gives undefined where the document is so already, or may not be so. */
  change(
    what: string,
    change: (document: RegisterDocument) => RegisterDocument | undefined,
    done: () => void = () => undefined,
  ): void {
    this.#wanted++;
    this.#last = this.#last.then(async () => {
      for (;;) {
        const outcome = await this.#register.change((document) => document && change(document), {
          timeoutMs: CHANGE_TIMEOUT_MS,
        });
        if (outcome.kind === 'changed' || outcome.kind === 'unchanged') break;
        await sleep(this.#clock, RETRY_MS);
      }
      this.#story.tell('admin', what);
      done();
      this.#wanted--;
    });
  }
}
