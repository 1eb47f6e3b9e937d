/**
 * The set of acceptors as one host uses it: the register over it, under the incarnation that this host last learned.
 *
 * No host has to be told that the set has changed: an acceptor that has moved on refuses requests of the older incarnation
 * and says which set it knows; then this host makes a new register over that one. `onLearned` lets it be kept on disk, for a
 * host that starts when every acceptor it knew of is gone.
 *
 * The old register object is never carried over: it may hold promises of a vote that was lost. What it still has
 * under way ends by itself, because a majority of its acceptors refuses it from then on.
 *
 * A change (vote-set.ts) is decided in the register and carried out (move-votes.ts) by whoever sees it first: the host that
 * was asked, or, if that died, any host that uses the register.
 */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { isProblem, messageOf, Problem } from '../base/problem.ts';
import type { Random } from '../base/random.ts';
import { type Acceptor, type AcceptorReply, type AskAcceptor, acceptorFrom } from './acceptor.ts';
import type { AcceptorPlace } from './acceptor-places.ts';
import { CasPaxosRegister } from './caspaxos-register.ts';
import { MAX_ACCEPTORS } from './limits.ts';
import { moveVotes } from './move-votes.ts';
import { majorityOf } from './quorum-round.ts';
import type { ChangeOutcome, Decide, PeekedDocument, Register } from './register.ts';
import type { RegisterDocument } from './register-document.ts';
import { areSamePlaces, decideVotes, isSamePlace, noteArrivals, stepTowards, type VoteSet } from './vote-set.ts';
import { withinTime } from './within-time.ts';

const ANSWER_TIMEOUT_MS = 3_000;
const REGISTER_TIMEOUT_MS = 3_000;
const RUN_ID_BYTES = 8;
/** Between two tries to complete a set on what this host sees by the way. */
const COMPLETE_PAUSE_MS = 1_000;

/** One acceptor, without an incarnation: each request names its own. */
export interface Vote {
  readonly name: string;
  readonly ask: AskAcceptor;
}

/** What is known of a set; a vote of the first one knows nothing more. */
export type KnownSet = Pick<VoteSet, 'incarnation' | 'places'> & Partial<VoteSet>;

export interface AcceptorSetOptions {
  readonly clusterId: string;
  /** As the cluster was formed, or as `onLearned` was told last. */
  readonly first: KnownSet;
  readonly openVote: (place: AcceptorPlace) => Vote;
  readonly onLearned?: (set: KnownSet) => void;
  /** As for a register. */
  readonly proposer: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

interface Present {
  readonly set: KnownSet;
  readonly acceptors: readonly Acceptor[];
  readonly register: Register;
}

export class AcceptorSet implements Register {
  readonly #options: AcceptorSetOptions;
  readonly #votes = new Map<string, Vote>();
  #present: Present;
  #completing: Promise<void> | undefined;
  #completeAfterMs = Number.NEGATIVE_INFINITY;

  constructor(options: AcceptorSetOptions) {
    this.#options = options;
    this.#present = this.#openAt(options.first);
  }

  get acceptors(): readonly Acceptor[] {
    return this.#present.acceptors;
  }

  get places(): readonly AcceptorPlace[] {
    return this.#present.set.places;
  }

  /** Once more when the set turned out to be a newer one, and nothing was written. */
  async change(decide: Decide, options: { timeoutMs: number }): Promise<ChangeOutcome> {
    const used = this.#present;
    const outcome = await used.register.change(decide, options);
    const last =
      outcome.kind === 'unavailable' && used !== this.#present
        ? await this.#present.register.change(decide, options)
        : outcome;
    this.#completeByTheWay(last);
    return last;
  }

  async peek(options: { timeoutMs: number }): Promise<PeekedDocument | undefined> {
    const used = this.#present;
    const peeked = await used.register.peek(options);
    if (peeked !== undefined) return peeked;
    // A host that serves nothing only looks: it must go on with a set that whoever decided it did not live to complete.
    this.#completeWhatWasBegun();
    return used === this.#present ? undefined : this.#present.register.peek(options);
  }

  /**
   * Gives its vote back to the acceptor `name`, which is empty; a majority of the others has to answer.
   * Problem('CannotAdmit' | 'VotesNotMoved' | 'AcceptorOutbid' | 'NoQuorum' | 'VotesChanged')
   */
  async admit(name: string): Promise<void> {
    await this.#readDocument();
    const newcomer = this.places.find((place) => place.name === name);
    if (newcomer === undefined) throw cannotAdmit(name, 'there is no such acceptor');
    await this.#mustBeEmpty(newcomer);
    await this.#changeTo(this.places, name);
  }

  /**
   * Replaces, adds or removes votes, in as many steps as it takes; broken off, it leaves a set on the way, and may be given again.
   * Problem('VotesSame' | 'CannotAdmit' | 'VotesNotMoved' | 'AcceptorOutbid' | 'NoQuorum' | 'VotesChanged')
   */
  async changePlaces(target: readonly AcceptorPlace[]): Promise<void> {
    await this.#readDocument();
    if (areSamePlaces(target, this.places)) {
      throw new Problem('VotesSame', 'Cannot change the set of votes: it is so already. Nothing is to be done.');
    }
    for (let step = 0; step < MAX_ACCEPTORS && !areSamePlaces(target, this.places); step++) {
      await this.#changeTo(stepTowards(target, this.places), undefined);
    }
  }

  // ── a change of the set ──────────────────────────────────────────────────────────────────────────────────────────

  async #changeTo(places: readonly AcceptorPlace[], renewed: string | undefined): Promise<void> {
    const present = this.#present.set;
    const newcomers = places.filter(
      (place) => place.name === renewed || !present.places.some((other) => isSamePlace(other, place)),
    );
    await this.#mustHaveMajority(places, newcomers);
    const invitations = await this.#invite(newcomers);
    const change = { present, places, invitations };
    const outcome = await this.#present.register.change((document) => document && decideVotes(document, change), {
      timeoutMs: REGISTER_TIMEOUT_MS,
    });
    const decided = outcome.kind === 'changed' ? outcome.document.votes : undefined;
    if (decided === undefined || Object.entries(invitations).some(([name, text]) => decided.awaited[name] !== text)) {
      throw new Problem(
        'VotesChanged',
        'Cannot change the set of votes: somebody else changes it, or the register does not answer. Look at it, and try again.',
        { temporary: true },
      );
    }
    await this.#complete(decided, false);
  }

  /** Asked before anything is decided: afterwards there is no way back without them. */
  async #mustHaveMajority(places: readonly AcceptorPlace[], newcomers: readonly AcceptorPlace[]): Promise<void> {
    const kept = places.filter((place) => !newcomers.includes(place));
    const votes = await Promise.all(kept.map((place) => this.#doesVote(place)));
    const count = newcomers.length + votes.filter(Boolean).length;
    const needed = majorityOf(places.length);
    if (count >= needed) return;
    throw new Problem(
      'VotesNotMoved',
      `Cannot change the set of votes: ${count} of its ${places.length} votes would answer now, ${needed} are needed. Bring the others back first.`,
      { temporary: true },
    );
  }

  async #doesVote(place: AcceptorPlace): Promise<boolean> {
    try {
      return (await this.#peekRaw(place)).kind === 'state';
    } catch (error) {
      if (error instanceof Error) return false;
      throw error;
    }
  }

  async #invite(newcomers: readonly AcceptorPlace[]): Promise<Record<string, string>> {
    const invitations: Record<string, string> = {};
    for (const place of newcomers) {
      const invitation = `invitation-${this.#runId()}`;
      try {
        await this.#acceptor(place, this.#overwritten(place)).invite(invitation);
      } catch (error) {
        throw cannotAdmit(place.name, `it does not take part (${messageOf(error)}). Bring it up first`, error);
      }
      invitations[place.name] = invitation;
    }
    return invitations;
  }

  /**
   * Up to which incarnation what it holds may be forgotten. A vote that is in the present set may have come back since it was found empty:
   * then it has voted, and forgets nothing.
   */
  #overwritten(place: AcceptorPlace): number {
    return this.places.some((other) => isSamePlace(other, place)) ? 0 : this.#present.set.incarnation;
  }

  /** One at a time. Afterwards this host uses `set`, and what has arrived is noted. */
  async #complete(set: VoteSet, isInForce: boolean): Promise<void> {
    const move = {
      set,
      open: (place: AcceptorPlace) => this.#acceptor(place, set.incarnation),
      proposer: `move-${this.#options.proposer}#${this.#runId()}`,
    };
    const arrived = await moveVotes({ ...move, isInForce }).catch((error: unknown) => {
      // A majority of the new set does as well (vote-set.ts, `isCloseTo`), where votes of the old one are gone meanwhile.
      if (isInForce || !isProblem(error, 'VotesNotMoved')) throw error;
      return moveVotes({ ...move, isInForce: true });
    });
    this.#learn(set);
    if (arrived.length === 0) return;
    await this.#present.register.change((document) => document && noteArrivals(document, set.incarnation, arrived), {
      timeoutMs: REGISTER_TIMEOUT_MS,
    });
  }

  /** A change that somebody decided and nobody completed: found in the register, or by refusals that leave no majority. */
  #completeByTheWay(outcome: ChangeOutcome): void {
    const { set } = this.#present;
    const decided = 'document' in outcome ? outcome.document?.votes : undefined;
    if (decided !== undefined && Object.keys(decided.awaited).length > 0 && decided.incarnation >= set.incarnation) {
      this.#startCompleting(decided, decided.incarnation === set.incarnation);
    } else if (outcome.kind === 'unavailable') this.#completeWhatWasBegun();
  }

  #completeWhatWasBegun(): void {
    const { set } = this.#present;
    if (isWhole(set)) this.#startCompleting(set, false);
  }

  #startCompleting(set: VoteSet, isInForce: boolean): void {
    const { clock, logger } = this.#options;
    if (this.#completing !== undefined || clock.monotonicMs() < this.#completeAfterMs) return;
    this.#completing = this.#complete(set, isInForce)
      .catch((error: unknown) => {
        if (!isProblem(error)) throw error;
        logger.info(
          { incarnation: set.incarnation, reason: error.message },
          'the set of acceptors is not complete yet',
        );
      })
      .finally(() => {
        this.#completing = undefined;
        this.#completeAfterMs = clock.monotonicMs() + COMPLETE_PAUSE_MS;
      });
  }

  // ── what this host knows ─────────────────────────────────────────────────────────────────────────────────────────

  #openAt(set: KnownSet): Present {
    const acceptors = set.places.map((place) => this.#acceptor(place, set.incarnation));
    return { set, acceptors, register: new CasPaxosRegister({ ...this.#options, acceptors }) };
  }

  #acceptor(place: AcceptorPlace, incarnation: number): Acceptor {
    return acceptorFrom(place.name, { clusterId: this.#options.clusterId, incarnation }, async (request) => {
      const reply = await this.#ask(place, request);
      if (reply.kind === 'not-admitted') this.#learnFrom(reply);
      return reply;
    });
  }

  /** An invited vote stands in no set, and still knows the last one that it heard of. */
  #learnFrom(refusal: Extract<AcceptorReply, { kind: 'not-admitted' }>): void {
    const { why, incarnation = 0, set } = refusal;
    if (set !== undefined) this.#learn(set);
    else if (why === 'newer-incarnation') this.#learn({ places: this.places, incarnation });
  }

  #learn(set: KnownSet): void {
    if (set.incarnation <= this.#present.set.incarnation) return;
    const names = set.places.map((place) => place.name).join(', ');
    this.#options.logger.info({ incarnation: set.incarnation, acceptors: names }, 'the set of acceptors has changed');
    this.#present = this.#openAt(set);
    this.#options.onLearned?.(set);
  }

  /** One object for each place: it makes its requests take turns. */
  #voteAt(place: AcceptorPlace): Vote {
    const key = JSON.stringify([place.kind, place.name, 'path' in place ? place.path : '']);
    const vote = this.#votes.get(key) ?? this.#options.openVote(place);
    this.#votes.set(key, vote);
    return vote;
  }

  #ask(place: AcceptorPlace, request: Parameters<AskAcceptor>[0]): Promise<AcceptorReply> {
    const { clock } = this.#options;
    const answer = this.#voteAt(place).ask(request);
    return withinTime(clock, clock.monotonicMs() + ANSWER_TIMEOUT_MS, `ask ${place.name}`, answer);
  }

  #peekRaw(place: AcceptorPlace): Promise<AcceptorReply> {
    const identity = { clusterId: this.#options.clusterId, incarnation: this.#present.set.incarnation };
    return this.#ask(place, { kind: 'peek', identity });
  }

  /** Afterwards the present set is the one in force, and complete enough to decide. */
  async #readDocument(): Promise<RegisterDocument> {
    const outcome = await this.change(() => undefined, { timeoutMs: REGISTER_TIMEOUT_MS });
    await this.#completing;
    if (outcome.kind === 'unchanged' && outcome.document !== undefined) return outcome.document;
    throw new Problem(
      'NoQuorum',
      'Cannot change the set of votes: no majority of the present one answers. Start the hosts that are down, or bring the witness back.',
      { temporary: true },
    );
  }

  async #mustBeEmpty(newcomer: AcceptorPlace): Promise<void> {
    const reply = await this.#peekOf(newcomer);
    if (reply.kind === 'not-admitted' && (reply.why === 'empty' || reply.incarnation === 0)) return;
    throw cannotAdmit(
      newcomer.name,
      reply.kind === 'state'
        ? 'it has it. Nothing is to be done'
        : 'it holds an old state. Stop its host, remove the file "acceptor" from the folder "acceptor" there (for the share: all files), start the host, do it again',
    );
  }

  async #peekOf(place: AcceptorPlace): Promise<AcceptorReply> {
    try {
      return await this.#peekRaw(place);
    } catch (error) {
      throw cannotAdmit(place.name, `it does not answer (${messageOf(error)}). Bring it back first`, error);
    }
  }

  #runId(): string {
    return this.#options.random.bytes(RUN_ID_BYTES).toString('hex');
  }
}

function isWhole(set: KnownSet): set is VoteSet {
  return set.previous !== undefined && set.awaited !== undefined && Object.keys(set.awaited).length > 0;
}

function cannotAdmit(name: string, state: string, cause?: unknown): Problem {
  return new Problem('CannotAdmit', `Cannot give ${name} a vote: ${state}.`, { cause });
}
