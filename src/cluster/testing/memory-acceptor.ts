/** A vote in memory, over a network that can lose, delay and cut. Its state survives `crash`, as a synced file would. */
import type { Clock } from '../../base/clock.ts';
import { sleep } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import {
  type Acceptor,
  type AcceptorIdentity,
  type AcceptorReply,
  type AcceptorRequest,
  acceptorFrom,
} from '../acceptor.ts';
import { decodeAcceptorState, encodeAcceptorState } from '../acceptor-codec.ts';
import { stepAcceptor } from '../acceptor-state.ts';

export class MemoryVote {
  readonly name: string;
  #stored: Buffer | undefined;
  isUp = true;

  constructor(name: string) {
    this.name = name;
  }

  get stored(): Buffer | undefined {
    return this.#stored;
  }

  /** A backup put back, or undefined for a lost disk. */
  restore(bytes: Buffer | undefined): void {
    this.#stored = bytes;
  }

  ask(request: AcceptorRequest): AcceptorReply {
    if (!this.isUp) throw new Error(`${this.name} is down`);
    const state = this.#stored && decodeAcceptorState(this.#stored);
    const step = stepAcceptor(state, request);
    if (step.state !== undefined && step.state !== state) this.#stored = encodeAcceptorState(step.state);
    return step.reply;
  }

  /** As one host reaches it over `link`. */
  reachedBy(identity: AcceptorIdentity, link: Link): Acceptor {
    return acceptorFrom(this.name, identity, (request) => link.carry(() => this.ask(request)));
  }
}

export interface Link {
  carry<T>(work: () => T): Promise<T>;
}

export const directLink: Link = { carry: async (work) => work() };

/** Loses requests and replies, and delays each on its own, so that they overtake one another. Deterministic by its seed. */
export class LossyLink implements Link {
  readonly #clock: Clock;
  readonly #random: Random;
  lossPercent: number;
  maxDelayMs: number;
  isCut = false;

  constructor(clock: Clock, random: Random, options: { lossPercent: number; maxDelayMs: number }) {
    this.#clock = clock;
    this.#random = random;
    this.lossPercent = options.lossPercent;
    this.maxDelayMs = options.maxDelayMs;
  }

  async carry<T>(work: () => T): Promise<T> {
    await this.#pass();
    const reply = work();
    await this.#pass();
    return reply;
  }

  async #pass(): Promise<void> {
    const isLost = this.isCut || this.#random.below(100) < this.lossPercent;
    await sleep(this.#clock, this.#random.below(this.maxDelayMs + 1));
    // What was under way when the link was cut is lost, too.
    if (isLost || this.isCut) await new Promise<never>(() => undefined);
  }
}
