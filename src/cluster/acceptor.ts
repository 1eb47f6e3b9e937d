/**
 * The port of one vote. An acceptor keeps three things durably: to which cluster it belongs, the highest ballot it has
 * promised, and the value it last accepted with its ballot. Whatever can keep a few KiB and change them atomically can
 * vote: a node's disk, a file share without any process behind it, a witness process, a quorum disk.
 *
 * All of them answer the same few requests by the same pure function (acceptor-state.ts); an implementation is an
 * `ask` that loads, steps, stores and only then answers. `acceptorFrom` dresses it as the port.
 *
 * Identity (C10). Requests name the cluster and the incarnation of its set of acceptors, which is raised whenever a
 * vote is admitted anew. An acceptor without stored identity (a new disk, an emptied share), of another cluster, or of
 * an older incarnation (an old backup) has no vote, and nothing but an administrator's explicit act gives it one.
 */
import { Problem } from '../base/problem.ts';

/** Totally ordered by counter, then by proposer; a proposer's name is unique to one run of one process. */
export interface Ballot {
  readonly counter: number;
  readonly proposer: string;
}

export interface AcceptorIdentity {
  readonly clusterId: string;
  /** Of the set of acceptors: 1 when the cluster is formed, raised by every admission. */
  readonly incarnation: number;
}

/** `value` is the register's text; acceptors do not look into it. */
export interface Accepted {
  readonly ballot: Ballot;
  readonly value: string;
}

export type AcceptorRequest = { readonly identity: AcceptorIdentity } & (
  | { readonly kind: 'prepare'; readonly ballot: Ballot }
  | { readonly kind: 'accept'; readonly ballot: Ballot; readonly value: string }
  | { readonly kind: 'peek' }
  /** Writes the first state, with an administrator's word that this vote is new. */
  | { readonly kind: 'initialise'; readonly promised: Ballot; readonly accepted: Accepted | undefined }
  /** Moves a vote from the incarnation before to `identity`, and promises `ballot`. */
  | { readonly kind: 'advance'; readonly ballot: Ballot }
);

export type AcceptorReply =
  | { readonly kind: 'promised'; readonly accepted: Accepted | undefined }
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly promised: Ballot }
  | { readonly kind: 'state'; readonly promised: Ballot; readonly accepted: Accepted | undefined }
  | { readonly kind: 'initialised' }
  | { readonly kind: 'not-admitted'; readonly why: NotAdmittedReason };

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
  initialise(promised: Ballot, accepted: Accepted | undefined): Promise<void>;
  /** `promised` when the vote now stands at the identity of this acceptor and has promised `ballot`. */
  advance(ballot: Ballot): Promise<PrepareReply>;
}

export type AskAcceptor = (request: AcceptorRequest) => Promise<AcceptorReply>;

export const NO_BALLOT: Ballot = { counter: 0, proposer: '' };

/** Negative, zero or positive, like a comparison function. Proposers compare by code unit: the same on every host. */
export function compareBallots(left: Ballot, right: Ballot): number {
  if (left.counter !== right.counter) return left.counter - right.counter;
  if (left.proposer === right.proposer) return 0;
  return left.proposer < right.proposer ? -1 : 1;
}

/** The port over `ask`. A vote that is not admitted throws Problem('AcceptorNotAdmitted'). */
export function acceptorFrom(name: string, identity: AcceptorIdentity, ask: AskAcceptor): Acceptor {
  const call = async <K extends AcceptorReply['kind']>(request: AcceptorRequest, ...expected: K[]) => {
    const reply = await ask(request);
    if (reply.kind === 'not-admitted') throw notAdmitted(name, reply.why);
    if (!(expected as string[]).includes(reply.kind)) {
      throw new Problem(
        'AcceptorReplyInvalid',
        `Cannot use acceptor ${name}: it answered ${reply.kind}. Check its version.`,
      );
    }
    return reply as Extract<AcceptorReply, { kind: K }>;
  };
  return {
    name,
    prepare: (ballot) => call({ kind: 'prepare', identity, ballot }, 'promised', 'refused'),
    accept: (ballot, value) => call({ kind: 'accept', identity, ballot, value }, 'accepted', 'refused'),
    peek: () => call({ kind: 'peek', identity }, 'state'),
    advance: (ballot) => call({ kind: 'advance', identity, ballot }, 'promised', 'refused'),
    initialise: async (promised, accepted) => {
      await call({ kind: 'initialise', identity, promised, accepted }, 'initialised');
    },
  };
}

const states: Record<NotAdmittedReason, string> = {
  empty: 'it holds no state',
  'other-cluster': 'it belongs to another cluster',
  'older-incarnation': 'its state is older than the set of acceptors',
  'newer-incarnation': 'the set of acceptors has changed since this host learned it',
  'not-empty': 'it already holds a state',
};

export function notAdmitted(name: string, why: NotAdmittedReason): Problem {
  const next =
    why === 'newer-incarnation' ? "Read the cluster's configuration again" : 'Admit it again if it should vote';
  return new Problem('AcceptorNotAdmitted', `Cannot count the vote of ${name}: ${states[why]}. ${next}.`);
}
