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
  NO_BALLOT,
  type NotAdmittedReason,
} from './acceptor.ts';
import { MAX_INVITATIONS } from './limits.ts';
import type { VoteSet } from './vote-set.ts';

export interface AcceptorState {
  readonly identity: AcceptorIdentity;
  readonly promised: Ballot;
  readonly accepted: Accepted | undefined;
  /** That of its incarnation, or the last one that an invited vote knew; a vote that is as the cluster was formed knows none. Told to hosts that know an older one. */
  readonly set?: VoteSet | undefined;
  /**
   * By which it may come into a set: each of somebody who may have had it decided. Or the one by which it came. They are lost with the
   * disk.
   */
  readonly invitations?: readonly string[] | undefined;
}

export interface AcceptorStep {
  /** The same object as before when nothing is to be stored. */
  readonly state: AcceptorState | undefined;
  readonly reply: AcceptorReply;
}

export function stepAcceptor(state: AcceptorState | undefined, request: AcceptorRequest): AcceptorStep {
  if (request.kind === 'initialise') return initialise(state, request);
  if (request.kind === 'invite') return invite(state, request.identity, request.invitation);
  if (state === undefined) return { state, reply: { kind: 'not-admitted', why: 'empty' } };
  if (request.kind === 'advance') return advance(state, request);
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

function initialise(state: AcceptorState | undefined, request: Initialisation): AcceptorStep {
  if (request.set !== undefined) return arrive(state, request, request.set);
  const { identity, promised, accepted } = request;
  if (state !== undefined) {
    const isSame = strangerTo(state.identity, identity) === undefined && compareBallots(state.promised, promised) === 0;
    return isSame ? { state, reply: { kind: 'initialised' } } : notAdmitted(state, 'not-empty');
  }
  return { state: { identity, promised, accepted }, reply: { kind: 'initialised' } };
}

type Initialisation = Extract<AcceptorRequest, { kind: 'initialise' }>;

/**
 * A newcomer begins with what it is told. One that has come by the same invitation already, into this set or one before, has
 * voted: it keeps what it knows and comes along.
 */
function arrive(state: AcceptorState | undefined, request: Initialisation, set: VoteSet): AcceptorStep {
  const { identity, promised, accepted, invitation } = request;
  if (state === undefined) return { state, reply: { kind: 'not-admitted', why: 'empty' } };
  const stranger = strangerTo(state.identity, identity);
  if (stranger !== undefined && stranger !== 'older-incarnation') return notAdmitted(state, stranger);
  if (!isInvitedBy(state, invitation)) return notAdmitted(state, 'not-empty');
  const reply = { kind: 'initialised' } as const;
  if (stranger === undefined) return { state, reply };
  const isNew = state.identity.incarnation === INVITED;
  const invitations = invitation === undefined ? [] : [invitation];
  return { state: isNew ? { identity, promised, accepted, set, invitations } : { ...state, identity, set }, reply };
}

function isInvitedBy(state: AcceptorState, invitation: string | undefined): boolean {
  return invitation !== undefined && (state.invitations?.includes(invitation) ?? false);
}

/** An invited vote stands at incarnation 0: it votes in no set. */
function invite(state: AcceptorState | undefined, identity: AcceptorIdentity, invitation: string): AcceptorStep {
  const why = state && strangerTo(state.identity, identity);
  if (state !== undefined && why !== undefined && why !== 'older-incarnation') return notAdmitted(state, why);
  const invited = { clusterId: identity.clusterId, incarnation: INVITED };
  const before = state?.identity.incarnation === INVITED ? (state.invitations ?? []) : [];
  const invitations = [...before, invitation].slice(-MAX_INVITATIONS);
  return {
    state: { identity: invited, promised: NO_BALLOT, accepted: undefined, invitations, set: state?.set },
    reply: { kind: 'initialised' },
  };
}

const INVITED = 0;

/** From an incarnation before to that of the request; repeated it is an ordinary prepare. */
function advance(state: AcceptorState, request: Extract<AcceptorRequest, { kind: 'advance' }>): AcceptorStep {
  const { identity, ballot, set, invitation } = request;
  const stranger = strangerTo(state.identity, identity);
  const isExpected = invitation === undefined || isInvitedBy(state, invitation);
  const mayMove = stranger === 'older-incarnation' && state.identity.incarnation !== INVITED && isExpected;
  if (stranger !== undefined && !mayMove) return notAdmitted(state, stranger);
  const moves = mayMove && compareBallots(ballot, state.promised) > 0;
  return prepare(moves ? { ...state, identity, set } : state, ballot);
}

function refuse(state: AcceptorState): AcceptorStep {
  return { state, reply: { kind: 'refused', promised: state.promised } };
}

function notAdmitted(state: AcceptorState, why: NotAdmittedReason): AcceptorStep {
  const reply = { kind: 'not-admitted', why } as const;
  if (why === 'other-cluster') return { state, reply };
  return { state, reply: { ...reply, incarnation: state.identity.incarnation, ...(state.set && { set: state.set }) } };
}

function strangerTo(stored: AcceptorIdentity, asked: AcceptorIdentity): NotAdmittedReason | undefined {
  if (stored.clusterId !== asked.clusterId) return 'other-cluster';
  if (stored.incarnation < asked.incarnation) return 'older-incarnation';
  return stored.incarnation > asked.incarnation ? 'newer-incarnation' : undefined;
}
