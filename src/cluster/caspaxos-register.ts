/**
 * The register by CASPaxos (Rystsov 2018, "CASPaxos: Replicated State Machines without logs"): Paxos for one value
 * that is rewritten for ever, so there is no log to compact, and three votes suffice, one of which may be a mere share.
 *
 *   prepare(b) -> majority promised; the accepted value of the highest ballot is the current one
 *   decide(current) -> next (or current again: a read must be written back before it is reported, because the value
 *                      read may so far lie with a minority, and a later reader could miss it)
 *   accept(b, next) -> majority accepted: chosen
 *
 * One register object makes its changes one after the other; several objects on several hosts duel by ballots, with
 * random pauses. Not taken: the paper's one-round-trip path (an accept that also promises the proposer's next ballot).
 * It would save one sync of three on every renewal, at the price of a second way into accept to prove right.
 *
 * An accept that did not reach a majority leaves the change undecided, not undone. The next round of the same call
 * finds out by the ids in the value (register-value.ts) whether it has become part of the register; only when the call
 * runs out of time or of acceptors in that state does it end as 'unknown'.
 */
import { assert } from '../base/assert.ts';
import { type Clock, sleep } from '../base/clock.ts';
import { isProblem, type Problem } from '../base/problem.ts';
import type { Random } from '../base/random.ts';
import { type Accepted, type Acceptor, type Ballot, compareBallots } from './acceptor.ts';
import {
  CONFLICT_BACKOFF_FIRST_MS,
  CONFLICT_BACKOFF_MAX_MS,
  MAX_ACCEPTORS,
  MAX_BALLOT_COUNTER,
  MAX_WAITING_CHANGES,
} from './limits.ts';
import { isPossibleName } from './possible-name.ts';
import { quorumRound } from './quorum-round.ts';
import type { ChangeOutcome, Decide, PeekedDocument, Register } from './register.ts';
import { member } from './register-document.ts';
import { encodeRegisterValue, parseRegisterValue, type RegisterValue } from './register-value.ts';
import { WatchedAcceptor } from './watched-acceptor.ts';

export interface CasPaxosOptions {
  readonly acceptors: readonly Acceptor[];
  /** Unique in the cluster among proposers that may run at the same time: the host's name, or an administrator's tool. */
  readonly proposer: string;
  readonly clock: Clock;
  /** Also names this run: must not repeat between runs of the same proposer. */
  readonly random: Random;
}

/** One call of change(). */
interface Call {
  readonly decide: Decide;
  readonly deadlineMs: number;
  /** Ids of this call's writes that some acceptor may have stored. */
  readonly writes: Set<string>;
  conflicts: number;
}

/** undefined: lost to a higher ballot; try again. */
type AttemptOutcome = ChangeOutcome | undefined;

const RUN_ID_BYTES = 8;

export class CasPaxosRegister implements Register {
  readonly #acceptors: readonly WatchedAcceptor[];
  readonly #proposer: string;
  readonly #run: string;
  readonly #clock: Clock;
  readonly #random: Random;
  #ballotCounter = 0;
  #writeCounter = 0;
  #waiting = 0;
  #lastParsed: { readonly text: string; readonly value: RegisterValue } | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: CasPaxosOptions) {
    const names = new Set(options.acceptors.map((acceptor) => acceptor.name));
    assert(names.size > 0 && names.size <= MAX_ACCEPTORS, 'A register has acceptors, and not too many');
    assert(names.size === options.acceptors.length, 'Two acceptors of one name would count as two votes');
    this.#acceptors = options.acceptors.map((acceptor) => new WatchedAcceptor(acceptor, options.clock));
    this.#run = options.random.bytes(RUN_ID_BYTES).toString('hex');
    this.#proposer = options.proposer;
    assert(isPossibleName(this.#ballotName), 'A proposer has a short printable name');
    this.#clock = options.clock;
    this.#random = options.random;
  }

  async change(decide: Decide, options: { timeoutMs: number }): Promise<ChangeOutcome> {
    if (this.#waiting >= MAX_WAITING_CHANGES) return { kind: 'unavailable', reason: 'too many changes are waiting' };
    const deadlineMs = this.#clock.monotonicMs() + options.timeoutMs;
    this.#waiting++;
    const turn = this.#last.then(() => this.#change({ decide, deadlineMs, writes: new Set(), conflicts: 0 }));
    this.#last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#waiting--;
    }
  }

  async peek(options: { timeoutMs: number }): Promise<PeekedDocument | undefined> {
    const deadlineMs = this.#clock.monotonicMs() + options.timeoutMs;
    const round = await quorumRound(this.#acceptors, async (acceptor) => {
      const reply = await acceptor.peek(deadlineMs);
      return { yes: reply.accepted };
    });
    const highest = round.hasMajority ? highestOf(round.yes) : undefined;
    return highest && { document: this.#parse(highest.value).document, ballot: highest.ballot };
  }

  async #change(call: Call): Promise<ChangeOutcome> {
    for (;;) {
      if (this.#clock.monotonicMs() >= call.deadlineMs) return undecided(call, 'it took too long');
      const outcome = await this.#attempt(call);
      if (outcome !== undefined) return outcome;
      await this.#backOff(call);
    }
  }

  async #attempt(call: Call): Promise<AttemptOutcome> {
    const ballot = this.#nextBallot();
    const round = await quorumRound(this.#acceptors, async (acceptor) => {
      const reply = await acceptor.prepare(ballot, call.deadlineMs);
      return reply.kind === 'promised' ? { yes: reply.accepted } : { no: reply.promised };
    });
    this.#fastForward(round.no);
    if (!round.hasMajority) return round.no.length > 0 ? undefined : undecided(call, round.failures.join('; '));
    const highest = highestOf(round.yes);
    const current = highest && this.#read(highest);
    if (isProblem(current)) return undecided(call, current.message);
    if (current !== undefined && this.#holdsWriteOf(call, current))
      return this.#write(call, ballot, current, 'changed');
    const decided = call.decide(current?.document);
    if (decided !== undefined) return this.#writeNew(call, ballot, current, decided);
    // Nothing was ever accepted by this majority, so there is nothing to write back: the cluster is not formed yet.
    if (current === undefined) return { kind: 'unchanged', document: undefined };
    return this.#write(call, ballot, current, 'unchanged');
  }

  #holdsWriteOf(call: Call, current: RegisterValue): boolean {
    const lastWrite = member(current.writes, this.#proposer);
    return lastWrite !== undefined && call.writes.has(lastWrite);
  }

  #writeNew(
    call: Call,
    ballot: Ballot,
    current: RegisterValue | undefined,
    document: RegisterValue['document'],
  ): Promise<AttemptOutcome> {
    assert(document.version === (current?.document.version ?? 0) + 1, 'Every change raises the version by one');
    const id = `${this.#run}-${++this.#writeCounter}`;
    call.writes.add(id);
    return this.#write(call, ballot, { document, writes: { ...current?.writes, [this.#proposer]: id } }, 'changed', id);
  }

  /** Asks for `value`; `newWrite` is the id that it carries for the first time. */
  async #write(
    call: Call,
    ballot: Ballot,
    value: RegisterValue,
    kind: 'changed' | 'unchanged',
    newWrite?: string,
  ): Promise<AttemptOutcome> {
    const text = encodeRegisterValue(value);
    const round = await quorumRound(this.#acceptors, async (acceptor) => {
      const reply = await acceptor.accept(ballot, text, call.deadlineMs);
      return reply.kind === 'accepted' ? { yes: true } : { no: reply.promised };
    });
    this.#fastForward(round.no);
    if (round.hasMajority) return { kind, document: value.document };
    if (newWrite !== undefined && round.yes.length + round.silent === 0) call.writes.delete(newWrite);
    return round.no.length > 0 ? undefined : undecided(call, round.failures.join('; '));
  }

  /** What others wrote may be unreadable here (a newer format): the world's fault, so a value and not a throw. */
  #read(accepted: Accepted): RegisterValue | Problem {
    try {
      return this.#parse(accepted.value);
    } catch (error) {
      if (isProblem(error)) return error;
      throw error;
    }
  }

  /** A watcher reads several times a second what has not changed since; the last reading is kept. */
  #parse(text: string): RegisterValue {
    if (this.#lastParsed?.text !== text) this.#lastParsed = { text, value: parseRegisterValue(text) };
    return this.#lastParsed.value;
  }

  get #ballotName(): string {
    return `${this.#proposer}#${this.#run}`;
  }

  #nextBallot(): Ballot {
    this.#ballotCounter++;
    assert(this.#ballotCounter <= MAX_BALLOT_COUNTER, 'Ballots are not used up');
    return { counter: this.#ballotCounter, proposer: this.#ballotName };
  }

  #fastForward(promised: readonly Ballot[]): void {
    for (const ballot of promised) this.#ballotCounter = Math.max(this.#ballotCounter, ballot.counter);
  }

  async #backOff(call: Call): Promise<void> {
    const boundMs = Math.min(CONFLICT_BACKOFF_FIRST_MS * 2 ** Math.min(call.conflicts, 10), CONFLICT_BACKOFF_MAX_MS);
    call.conflicts++;
    await sleep(this.#clock, this.#random.below(boundMs));
  }
}

function undecided(call: Call, reason: string): ChangeOutcome {
  return { kind: call.writes.size > 0 ? 'unknown' : 'unavailable', reason };
}

function highestOf(accepted: readonly (Accepted | undefined)[]): Accepted | undefined {
  let highest: Accepted | undefined;
  for (const candidate of accepted) {
    if (candidate === undefined) continue;
    if (highest === undefined || compareBallots(candidate.ballot, highest.ballot) > 0) highest = candidate;
  }
  return highest;
}
