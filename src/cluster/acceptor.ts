/**
 * The port of one vote. An acceptor keeps three things durably: to which cluster it belongs, the highest ballot it has
 * promised, and the value it last accepted with its ballot. Whatever can keep a few KiB and change them atomically can
 * vote: a node's disk, a file share without any process behind it, a witness process, a quorum disk.
 *
 * All of them answer the same few requests by the same pure function (acceptor-state.ts); an implementation is an
 * `ask` that loads, steps, stores and only then answers. `AskedAcceptor` dresses it as the port.
 *
 * Identity (C10). Requests name the cluster and the incarnation of its set of acceptors, which is raised whenever a
 * vote is admitted anew. An acceptor without stored identity (a new disk, an emptied share), of another cluster, or of
 * an older incarnation (an old backup) has no vote, and nothing but an administrator's explicit act gives it one.
 */
import { Problem } from '../base/problem.ts';
import type { VoteSet } from './vote-set.ts';

/** Totally ordered by counter, then by proposer; a proposer's name is unique to one run of one process. */
export interface Ballot {
  readonly counter: number;
  readonly proposer: string;
}

export interface AcceptorIdentity {
  readonly clusterId: string;
  /** Of the set of acceptors: 1 when the cluster is formed, raised by every change of it; 0 in a vote that is only invited. */
  readonly incarnation: number;
}

/** `value` is the register's text; acceptors do not look into it. */
export interface Accepted {
  readonly ballot: Ballot;
  readonly value: string;
}

/** Into an invited vote, as a member of `set`. */
export interface Arrival {
  readonly set: VoteSet;
  readonly invitation: string;
}

export type AcceptorRequest = { readonly identity: AcceptorIdentity } & (
  | { readonly kind: 'prepare'; readonly ballot: Ballot }
  | { readonly kind: 'accept'; readonly ballot: Ballot; readonly value: string }
  | { readonly kind: 'peek' }
  /** Writes the first state, with an administrator's word that this vote is new. */
  | ({
      readonly kind: 'initialise';
      readonly promised: Ballot;
      readonly accepted: Accepted | undefined;
    } & Partial<Arrival>)
  /** Moves a vote from an incarnation before to `identity`, and promises `ballot`; with `invitation` only the vote that came by it. */
  | {
      readonly kind: 'advance';
      readonly ballot: Ballot;
      readonly set: VoteSet;
      readonly invitation?: string | undefined;
    }
  /** Prepares a vote that is in no set up to `identity` for the next one, by an administrator's word; what it held is forgotten. */
  | { readonly kind: 'invite'; readonly invitation: string }
);

export type AcceptorReply =
  | { readonly kind: 'promised'; readonly accepted: Accepted | undefined }
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly promised: Ballot }
  | { readonly kind: 'state'; readonly promised: Ballot; readonly accepted: Accepted | undefined }
  | { readonly kind: 'initialised' }
  /** `incarnation`: at which its state stands, where it holds one of this cluster; `set`: what it knows of that set. */
  | {
      readonly kind: 'not-admitted';
      readonly why: NotAdmittedReason;
      readonly incarnation?: number;
      readonly set?: VoteSet | undefined;
    };

export type NotAdmittedReason = 'empty' | 'other-cluster' | 'older-incarnation' | 'newer-incarnation' | 'not-empty';

export type PrepareReply = Extract<AcceptorReply, { kind: 'promised' | 'refused' }>;
export type AcceptReply = Extract<AcceptorReply, { kind: 'accepted' | 'refused' }>;
export type PeekReply = Extract<AcceptorReply, { kind: 'state' }>;

/** Every call may fail or never return; callers bound it. A failed call may still have happened. */
export interface Acceptor {
  readonly name: string;
  prepare(ballot: Ballot): Promise<PrepareReply>;
  accept(ballot: Ballot, value: string): Promise<AcceptReply>;
  peek(): Promise<PeekReply>;
  initialise(promised: Ballot, accepted: Accepted | undefined, arrival?: Arrival): Promise<void>;
  /** `promised` when the vote now stands at the identity of this acceptor, which is `set`'s, and has promised `ballot`. */
  advance(ballot: Ballot, set: VoteSet, invitation?: string): Promise<PrepareReply>;
  invite(invitation: string): Promise<void>;
}

export type AskAcceptor = (request: AcceptorRequest) => Promise<AcceptorReply>;

export const NO_BALLOT: Ballot = { counter: 0, proposer: '' };

/** Negative, zero or positive, like a comparison function. Proposers compare by code unit: the same on every host. */
export function compareBallots(left: Ballot, right: Ballot): number {
  if (left.counter !== right.counter) return left.counter - right.counter;
  if (left.proposer === right.proposer) return 0;
  return left.proposer < right.proposer ? -1 : 1;
}

/** The port over one `ask`. A vote that is not admitted throws Problem('AcceptorNotAdmitted'). */
export abstract class AskedAcceptor implements Acceptor {
  readonly name: string;
  readonly #identity: AcceptorIdentity;

  constructor(name: string, identity: AcceptorIdentity) {
    this.name = name;
    this.#identity = identity;
  }

  /** Loads, steps, stores, answers. Public for servers that pass requests of other hosts on; each names its identity. */
  abstract ask(request: AcceptorRequest): Promise<AcceptorReply>;

  prepare(ballot: Ballot): Promise<PrepareReply> {
    return this.#call({ kind: 'prepare', identity: this.#identity, ballot }, 'promised', 'refused');
  }

  accept(ballot: Ballot, value: string): Promise<AcceptReply> {
    return this.#call({ kind: 'accept', identity: this.#identity, ballot, value }, 'accepted', 'refused');
  }

  peek(): Promise<PeekReply> {
    return this.#call({ kind: 'peek', identity: this.#identity }, 'state');
  }

  advance(ballot: Ballot, set: VoteSet, invitation?: string): Promise<PrepareReply> {
    return this.#call({ kind: 'advance', identity: this.#identity, ballot, set, invitation }, 'promised', 'refused');
  }

  async initialise(promised: Ballot, accepted: Accepted | undefined, arrival?: Arrival): Promise<void> {
    await this.#call({ kind: 'initialise', identity: this.#identity, promised, accepted, ...arrival }, 'initialised');
  }

  async invite(invitation: string): Promise<void> {
    await this.#call({ kind: 'invite', identity: this.#identity, invitation }, 'initialised');
  }

  async #call<K extends AcceptorReply['kind']>(
    request: AcceptorRequest,
    ...expected: K[]
  ): Promise<Extract<AcceptorReply, { kind: K }>> {
    const reply = await this.ask(request);
    if (reply.kind === 'not-admitted') throw notAdmitted(this.name, reply.why);
    if (isOneOf(reply, expected)) return reply;
    throw new Problem(
      'AcceptorReplyInvalid',
      `Cannot use acceptor ${this.name}: it answered ${reply.kind}. Check its version.`,
    );
  }
}

function isOneOf<K extends AcceptorReply['kind']>(
  reply: AcceptorReply,
  kinds: readonly K[],
): reply is Extract<AcceptorReply, { kind: K }> {
  return (kinds as readonly string[]).includes(reply.kind);
}

class FunctionAcceptor extends AskedAcceptor {
  readonly #ask: AskAcceptor;

  constructor(name: string, identity: AcceptorIdentity, ask: AskAcceptor) {
    super(name, identity);
    this.#ask = ask;
  }

  ask(request: AcceptorRequest): Promise<AcceptorReply> {
    return this.#ask(request);
  }
}

/** For an `ask` that is no class of its own: another host's vote over a connection. */
export function acceptorFrom(name: string, identity: AcceptorIdentity, ask: AskAcceptor): Acceptor {
  return new FunctionAcceptor(name, identity, ask);
}

const states: Record<NotAdmittedReason, string> = {
  empty: 'it holds no state',
  'other-cluster': 'it belongs to another cluster',
  'older-incarnation': 'its state is older than the set of acceptors',
  'newer-incarnation': 'the set of acceptors has changed since this host learned it',
  'not-empty': 'it already holds a state',
};

export function notAdmitted(name: string, why: NotAdmittedReason): Problem {
  const next = why === 'newer-incarnation' ? 'This host learns it now' : `Restore-ClusterVote ${name} gives it back`;
  return new Problem('AcceptorNotAdmitted', `Cannot count the vote of ${name}: ${states[why]}. ${next}.`);
}
