/**
 * One vote as a pure function: (state, request) -> (state, reply). Every kind of acceptor runs this; what differs is
 * only where the state lies and how it is replaced atomically. Whoever calls it must make a changed state durable
 * before the reply leaves, and must not let two steps interleave.
 *
 * A prepare is granted only to a ballot above every promise, never twice for the same one: so two runs that should ever
 * share a proposer's name cannot both hold a majority of promises for one ballot.
 */
import {
  type Accepted,
  type AcceptorIdentity,
  type AcceptorReply,
  type AcceptorRequest,
  type Ballot,
  compareBallots,
  type NotAdmittedReason,
} from './acceptor.ts';

export interface AcceptorState {
  readonly identity: AcceptorIdentity;
  readonly promised: Ballot;
  readonly accepted: Accepted | undefined;
}

export interface AcceptorStep {
  /** The same object as before when nothing is to be stored. */
  readonly state: AcceptorState | undefined;
  readonly reply: AcceptorReply;
}

export function stepAcceptor(state: AcceptorState | undefined, request: AcceptorRequest): AcceptorStep {
  if (request.kind === 'initialise') return initialise(state, request);
  if (state === undefined) return { state, reply: { kind: 'not-admitted', why: 'empty' } };
  if (request.kind === 'advance') return advance(state, request.identity, request.ballot);
  const why = strangerTo(state.identity, request.identity);
  if (why !== undefined) return notAdmitted(state, why);
  if (request.kind === 'peek') {
    return { state, reply: { kind: 'state', promised: state.promised, accepted: state.accepted } };
  }
  return request.kind === 'prepare' ? prepare(state, request.ballot) : accept(state, request.ballot, request.value);
}

function prepare(state: AcceptorState, ballot: Ballot): AcceptorStep {
  if (compareBallots(ballot, state.promised) <= 0) return refuse(state);
  return { state: { ...state, promised: ballot }, reply: { kind: 'promised', accepted: state.accepted } };
}

function accept(state: AcceptorState, ballot: Ballot, value: string): AcceptorStep {
  if (compareBallots(ballot, state.promised) < 0) return refuse(state);
  const next = { ...state, promised: ballot, accepted: { ballot, value } };
  return { state: next, reply: { kind: 'accepted' } };
}

function initialise(
  state: AcceptorState | undefined,
  request: Extract<AcceptorRequest, { kind: 'initialise' }>,
): AcceptorStep {
  const { identity, promised, accepted } = request;
  if (state !== undefined) {
    const isSame = strangerTo(state.identity, identity) === undefined && compareBallots(state.promised, promised) === 0;
    return { state, reply: isSame ? { kind: 'initialised' } : { kind: 'not-admitted', why: 'not-empty' } };
  }
  return { state: { identity, promised, accepted }, reply: { kind: 'initialised' } };
}

/** From the incarnation before to `identity`; repeated after a half-done admission it is an ordinary prepare. */
function advance(state: AcceptorState, identity: AcceptorIdentity, ballot: Ballot): AcceptorStep {
  const isNextSet =
    state.identity.clusterId === identity.clusterId && state.identity.incarnation + 1 === identity.incarnation;
  const why = isNextSet ? undefined : strangerTo(state.identity, identity);
  if (why !== undefined) return notAdmitted(state, why);
  return prepare(isNextSet && compareBallots(ballot, state.promised) > 0 ? { ...state, identity } : state, ballot);
}

function refuse(state: AcceptorState): AcceptorStep {
  return { state, reply: { kind: 'refused', promised: state.promised } };
}

function notAdmitted(state: AcceptorState, why: NotAdmittedReason): AcceptorStep {
  const reply = { kind: 'not-admitted', why } as const;
  return { state, reply: why === 'other-cluster' ? reply : { ...reply, incarnation: state.identity.incarnation } };
}

function strangerTo(stored: AcceptorIdentity, asked: AcceptorIdentity): NotAdmittedReason | undefined {
  if (stored.clusterId !== asked.clusterId) return 'other-cluster';
  if (stored.incarnation < asked.incarnation) return 'older-incarnation';
  return stored.incarnation > asked.incarnation ? 'newer-incarnation' : undefined;
}
