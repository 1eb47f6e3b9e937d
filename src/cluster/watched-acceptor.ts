/**
 * An acceptor as one proposer sees it: bounded in time, and remembered. A vote that answers from a state older than
 * one it has confirmed to us came back older than it was (a restored backup, a share switched for a stale mirror): it
 * counts for nothing from then on, until it is admitted again (C10, case 13).
 *
 * Only confirmed replies prove that; a vote may lag as far behind the others as it likes. And a reply is held
 * against what was confirmed before its request was *sent*, because replies may overtake each other.
 */
import type { Clock } from '../base/clock.ts';
import {
  type Acceptor,
  type AcceptReply,
  type Ballot,
  compareBallots,
  NO_BALLOT,
  notAdmitted,
  type PeekReply,
  type PrepareReply,
} from './acceptor.ts';
import { withinTime } from './within-time.ts';

interface Confirmed {
  promised: Ballot;
  accepted: Ballot;
}

export class WatchedAcceptor {
  readonly acceptor: Acceptor;
  readonly #clock: Clock;
  readonly #confirmed: Confirmed = { promised: NO_BALLOT, accepted: NO_BALLOT };
  #hasGoneBack = false;

  constructor(acceptor: Acceptor, clock: Clock) {
    this.acceptor = acceptor;
    this.#clock = clock;
  }

  get name(): string {
    return this.acceptor.name;
  }

  async prepare(ballot: Ballot, deadlineMs: number): Promise<PrepareReply> {
    const before = this.#before();
    const reply = await this.#bounded(deadlineMs, this.acceptor.prepare(ballot));
    if (reply.kind === 'refused') this.#refused(before, reply.promised);
    else {
      // A ballot that this vote had confirmed before would have been refused: granting it means that it forgot.
      const promised = compareBallots(ballot, before.promised) > 0 ? ballot : NO_BALLOT;
      this.#check(before, promised, reply.accepted?.ballot ?? NO_BALLOT);
      this.#confirm(ballot, reply.accepted?.ballot);
    }
    return reply;
  }

  async accept(ballot: Ballot, value: string, deadlineMs: number): Promise<AcceptReply> {
    const before = this.#before();
    const reply = await this.#bounded(deadlineMs, this.acceptor.accept(ballot, value));
    if (reply.kind === 'refused') this.#refused(before, reply.promised);
    else this.#confirm(ballot, ballot);
    return reply;
  }

  async peek(deadlineMs: number): Promise<PeekReply> {
    const before = this.#before();
    const reply = await this.#bounded(deadlineMs, this.acceptor.peek());
    this.#check(before, reply.promised, reply.accepted?.ballot ?? NO_BALLOT);
    this.#confirm(reply.promised, reply.accepted?.ballot);
    return reply;
  }

  #before(): Confirmed {
    if (this.#hasGoneBack) throw notAdmitted(this.name, 'older-incarnation');
    return { ...this.#confirmed };
  }

  #bounded<T>(deadlineMs: number, work: Promise<T>): Promise<T> {
    return withinTime(this.#clock, deadlineMs, `reach acceptor ${this.name}`, work);
  }

  #refused(before: Confirmed, promised: Ballot): void {
    this.#check(before, promised, undefined);
    this.#confirm(promised, undefined);
  }

  #check(before: Confirmed, promised: Ballot, accepted: Ballot | undefined): void {
    const isOlder =
      compareBallots(promised, before.promised) < 0 ||
      (accepted !== undefined && compareBallots(accepted, before.accepted) < 0);
    if (!isOlder) return;
    this.#hasGoneBack = true;
    throw notAdmitted(this.name, 'older-incarnation');
  }

  #confirm(promised: Ballot, accepted: Ballot | undefined): void {
    const confirmed = this.#confirmed;
    if (compareBallots(promised, confirmed.promised) > 0) confirmed.promised = promised;
    if (accepted !== undefined && compareBallots(accepted, confirmed.accepted) > 0) confirmed.accepted = accepted;
  }
}
