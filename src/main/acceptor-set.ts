/**
 * The set of acceptors as one host uses it: the register over it, under the incarnation that this host last learned.
 *
 * The set's incarnation rises whenever a lost vote is admitted again. No host has to be told: an acceptor that has
 * moved on refuses requests of the older incarnation and says at which one it stands; then this host makes a new
 * register under that one. Nothing is kept on disk for it: a host that starts again begins with the first incarnation
 * and learns the present one from the first refusal.
 *
 * The old register object is never carried over: it may hold promises of the vote that was lost. What it still has
 * under way ends by itself, because every acceptor of the new set refuses it, and the new set has a majority only when
 * all of them do.
 */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { isProblem, messageOf, Problem } from '../base/problem.ts';
import type { Random } from '../base/random.ts';
import { type Acceptor, type AcceptorReply, type AskAcceptor, acceptorFrom } from '../cluster/acceptor.ts';
import { admitAcceptor } from '../cluster/admit-acceptor.ts';
import { CasPaxosRegister } from '../cluster/caspaxos-register.ts';
import type { ChangeOutcome, Decide, PeekedDocument, Register } from '../cluster/register.ts';
import { withinTime } from '../cluster/within-time.ts';

const FIRST_INCARNATION = 1;
const ANSWER_TIMEOUT_MS = 3_000;
const RUN_ID_BYTES = 8;

/** One acceptor, without an incarnation: each request names its own. */
export interface Vote {
  readonly name: string;
  readonly ask: AskAcceptor;
}

export interface AcceptorSetOptions {
  readonly clusterId: string;
  readonly votes: readonly Vote[];
  /** As for a register. */
  readonly proposer: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

interface Present {
  readonly incarnation: number;
  readonly acceptors: readonly Acceptor[];
  readonly register: Register;
}

export class AcceptorSet implements Register {
  readonly #options: AcceptorSetOptions;
  #present: Present;

  constructor(options: AcceptorSetOptions) {
    this.#options = options;
    this.#present = this.#openAt(FIRST_INCARNATION);
  }

  get acceptors(): readonly Acceptor[] {
    return this.#present.acceptors;
  }

  /** Once more when the set turned out to be a newer one, and nothing was written. */
  async change(decide: Decide, options: { timeoutMs: number }): Promise<ChangeOutcome> {
    const used = this.#present;
    const outcome = await used.register.change(decide, options);
    return outcome.kind === 'unavailable' && used !== this.#present
      ? this.#present.register.change(decide, options)
      : outcome;
  }

  async peek(options: { timeoutMs: number }): Promise<PeekedDocument | undefined> {
    const used = this.#present;
    const peeked = await used.register.peek(options);
    return peeked === undefined && used !== this.#present ? this.#present.register.peek(options) : peeked;
  }

  /**
   * Gives its vote back to the acceptor `name`, which is empty. Every other one must answer. Interrupted, it may leave a
   * set without a majority; repeated, it finishes.
   * Problem('CannotAdmit' | 'AcceptorOutbid')
   */
  async admit(name: string): Promise<void> {
    const { votes, proposer, random } = this.#options;
    const newcomer = votes.find((vote) => vote.name === name);
    if (newcomer === undefined) throw cannotAdmit(name, 'there is no such acceptor');
    const others = votes.filter((vote) => vote !== newcomer);
    const incarnations = await Promise.all(others.map((vote) => this.#incarnationAt(name, vote)));
    await this.#mustBeEmpty(newcomer);
    const incarnation = nextIncarnation(name, incarnations);
    const open = (vote: Vote): Acceptor => this.#acceptor(vote, incarnation);
    try {
      await admitAcceptor({
        others: others.map(open),
        newcomer: open(newcomer),
        proposer: `admit-${proposer}#${random.bytes(RUN_ID_BYTES).toString('hex')}`,
      });
    } catch (error) {
      if (isProblem(error, 'AcceptorOutbid')) throw error;
      throw cannotAdmit(name, `${messageOf(error)} Nothing may be decided until this is finished; do it again`, error);
    }
    this.#learn(incarnation);
  }

  #openAt(incarnation: number): Present {
    const acceptors = this.#options.votes.map((vote) => this.#acceptor(vote, incarnation));
    return { incarnation, acceptors, register: new CasPaxosRegister({ ...this.#options, acceptors }) };
  }

  #acceptor(vote: Vote, incarnation: number): Acceptor {
    return acceptorFrom(vote.name, { clusterId: this.#options.clusterId, incarnation }, async (request) => {
      const reply = await this.#ask(vote, request);
      if (reply.kind === 'not-admitted' && reply.why === 'newer-incarnation') this.#learn(reply.incarnation ?? 0);
      return reply;
    });
  }

  #learn(incarnation: number): void {
    if (incarnation <= this.#present.incarnation) return;
    this.#options.logger.info({ incarnation }, 'the set of acceptors has changed');
    this.#present = this.#openAt(incarnation);
  }

  #ask(vote: Vote, request: Parameters<AskAcceptor>[0]): Promise<AcceptorReply> {
    const { clock } = this.#options;
    return withinTime(clock, clock.monotonicMs() + ANSWER_TIMEOUT_MS, `ask ${vote.name}`, vote.ask(request));
  }

  #peekRaw(vote: Vote): Promise<AcceptorReply> {
    const identity = { clusterId: this.#options.clusterId, incarnation: this.#present.incarnation };
    return this.#ask(vote, { kind: 'peek', identity });
  }

  /** Of the state that another acceptor holds. */
  async #incarnationAt(name: string, vote: Vote): Promise<number> {
    const reply = await this.#answerOf(name, vote);
    if (reply.kind === 'state') return this.#present.incarnation;
    if (reply.kind === 'not-admitted' && reply.incarnation !== undefined) return reply.incarnation;
    throw cannotAdmit(
      name,
      `${vote.name} has no vote either, and what was decided must be known from every other acceptor. Bring the state of one of them back`,
    );
  }

  async #mustBeEmpty(newcomer: Vote): Promise<void> {
    const reply = await this.#answerOf(newcomer.name, newcomer);
    if (reply.kind === 'not-admitted' && reply.why === 'empty') return;
    throw cannotAdmit(
      newcomer.name,
      reply.kind === 'state'
        ? 'it has it. Nothing is to be done'
        : 'it holds an old state. Stop its host, remove the file "acceptor" from the folder "acceptor" there (for the share: all files), start the host, do it again',
    );
  }

  async #answerOf(name: string, vote: Vote): Promise<AcceptorReply> {
    try {
      return await this.#peekRaw(vote);
    } catch (error) {
      throw cannotAdmit(name, `${vote.name} does not answer (${messageOf(error)}). Bring it back first`, error);
    }
  }
}

/** An admission that was interrupted has moved some of them on already: then it is finished, not begun anew. */
function nextIncarnation(name: string, incarnations: readonly number[]): number {
  const lowest = Math.min(...incarnations);
  const highest = Math.max(...incarnations);
  if (highest === lowest) return highest + 1;
  if (highest === lowest + 1) return highest;
  throw cannotAdmit(
    name,
    `the other acceptors stand at incarnations ${incarnations.join(', ')}. Bring the old one back`,
  );
}

function cannotAdmit(name: string, state: string, cause?: unknown): Problem {
  return new Problem('CannotAdmit', `Cannot give ${name} its vote back: ${state}.`, { cause });
}
