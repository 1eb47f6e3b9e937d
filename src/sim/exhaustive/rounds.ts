/**
 * The register's rounds as steps: what CasPaxosRegister does between two awaits, over the production acceptors' rules
 * and values. It is the one part that is written down a second time, because a search cannot save and restore a
 * promise that is half-way. rounds.test.ts holds the two against each other.
 *
 * A round ends as soon as a majority said yes or no longer can, or its proposer gives up waiting. What was asked and not
 * answered by then goes astray: an accept may still arrive, at any time (a prepare that arrives late only refuses
 * somebody, so it counts as lost). That a reply is under way for long is the delay before `learn`.
 */
import { assert, present } from '../../base/assert.ts';
import { type Accepted, type AcceptorIdentity, type AcceptorReply, compareBallots } from '../../cluster/acceptor.ts';
import { majorityOf } from '../../cluster/quorum-round.ts';
import { member, type RegisterDocument } from '../../cluster/register-document.ts';
import type { Rules } from './rules.ts';
import type { ValueTree } from './value-tree.ts';
import {
  type Answer,
  type Call,
  HOSTS,
  type HostIndex,
  proposerOf,
  type Round,
  type Stray,
  VOTE_INDICES,
  VOTES,
  type World,
  withHost,
  withViolation,
  withVote,
} from './world.ts';

export const IDENTITY: AcceptorIdentity = { clusterId: 'c', incarnation: 1 };
const MAJORITY = majorityOf(VOTES.length);
const NOT_ANSWERED: readonly Answer[] = ['?', '?', '?'];

export interface Decided {
  readonly document: RegisterDocument | undefined;
  /** The call, with what this attempt drew. */
  readonly call: Call;
}

/** `attempt` is a number that this run uses for this attempt only. */
export type DecideCall = (
  world: World,
  host: HostIndex,
  call: Call,
  document: RegisterDocument,
  attempt: number,
) => Decided;

/** How a call ended; `value` is the register's, where the outcome has a document. */
export type Outcome =
  | { readonly kind: 'changed' | 'unchanged'; readonly value: number }
  | { readonly kind: 'unknown' | 'unavailable' };

export interface Machine {
  readonly values: ValueTree;
  readonly rules: Rules;
  readonly decide: DecideCall;
  readonly finish: (world: World, host: HostIndex, outcome: Outcome) => World;
}

export function beginCall(world: World, host: HostIndex, call: Call): World {
  return beginAttempt(withHost(world, host, { call }), host);
}

export function beginAttempt(world: World, host: HostIndex): World {
  const counter = world.hosts[host].ballotCounter + 1;
  return withHost(world, host, {
    ballotCounter: counter,
    round: { phase: 'prepare', counter, answers: NOT_ANSWERED, promises: [] },
  });
}

/** One vote gets the request of the host's round, and the answer comes back. */
export function deliver(machine: Machine, world: World, host: HostIndex, vote: number): World {
  const { round } = world.hosts[host];
  if (round?.phase === 'prepare') return deliverPrepare(machine, world, host, round, vote);
  assert(round?.phase === 'accept', 'A round that waits is in one of its phases');
  const accept = { vote, value: round.value, counter: round.counter, proposer: proposerOf(world, host) };
  const { world: asked, reply } = arrive(machine, world, accept);
  const answers = answered(round.answers, vote, reply.kind === 'accepted' ? 'y' : 'n');
  const next = fastForward(withHost(asked, host, { round: { ...round, answers } }), host, reply);
  return isSettled(answers) ? goAstray(next, host) : next;
}

function deliverPrepare(
  machine: Machine,
  world: World,
  host: HostIndex,
  round: Extract<Round, { phase: 'prepare' }>,
  vote: number,
): World {
  const ballot = { counter: round.counter, proposer: proposerOf(world, host) };
  const { world: asked, reply } = ask(machine, world, vote, { kind: 'prepare', identity: IDENTITY, ballot });
  const isPromised = reply.kind === 'promised';
  const promises = isPromised ? [...round.promises, { accepted: reply.accepted }] : round.promises;
  const answers = answered(round.answers, vote, isPromised ? 'y' : 'n');
  const next = withHost(asked, host, { round: { ...round, answers, promises } });
  if (promises.length >= MAJORITY) return propose(machine, next, host, round.counter, promises);
  return isSettled(answers)
    ? giveUpRound(machine, fastForward(next, host, reply), host)
    : fastForward(next, host, reply);
}

/** A majority has promised: what is to be accepted? */
function propose(
  machine: Machine,
  world: World,
  host: HostIndex,
  counter: number,
  promises: readonly { readonly accepted: Accepted | undefined }[],
): World {
  const call = present(world.hosts[host].call, 'A round belongs to a call');
  const current = Number(highestOf(promises.map(({ accepted }) => accepted)).value);
  const value = machine.values.value(current);
  const lastWrite = member(value.writes, HOSTS[host]);
  if (lastWrite !== undefined && call.writes.includes(lastWrite))
    return write(world, host, counter, current, 'changed');
  const decided = machine.decide(world, host, call, value.document, counter);
  const drawn = withHost(world, host, { call: decided.call });
  if (decided.document === undefined) {
    if (!machine.rules.writesBack) return machine.finish(drawn, host, { kind: 'unchanged', value: current });
    return write(drawn, host, counter, current, 'unchanged');
  }
  const id = `${world.hosts[host].run}-${counter}`;
  const writes = { ...value.writes, [HOSTS[host]]: id };
  const next = machine.values.add({ document: decided.document, writes }, current);
  const noted = withHost(drawn, host, { call: { ...decided.call, writes: [...decided.call.writes, id] } });
  return write(noted, host, counter, next, 'changed');
}

function write(world: World, host: HostIndex, counter: number, value: number, kind: 'changed' | 'unchanged'): World {
  return withHost(world, host, { round: { phase: 'accept', counter, answers: NOT_ANSWERED, value, kind } });
}

/** The proposer hears how its accept went. */
export function learn(machine: Machine, world: World, host: HostIndex): World {
  const { round } = world.hosts[host];
  assert(round?.phase === 'accept' && isSettled(round.answers), 'Only what has been settled is learnt');
  if (count(round.answers, 'y') < MAJORITY) return giveUpRound(machine, world, host);
  return machine.finish(world, host, { kind: round.kind, value: round.value });
}

/** Nothing more is waited for in this round. A ballot that lost to a higher one is tried again; else the call ends. */
export function giveUpRound(machine: Machine, world: World, host: HostIndex): World {
  const { round } = world.hosts[host];
  assert(round !== undefined && round.phase !== 'pause', 'A round that waits is in one of its phases');
  const astray = round.phase === 'accept' ? goAstray(world, host) : world;
  if (round.answers.includes('n')) return withHost(astray, host, { round: { phase: 'pause' } });
  return endUndecided(machine, astray, host);
}

export function endUndecided(machine: Machine, world: World, host: HostIndex): World {
  const hasWritten = (world.hosts[host].call?.writes.length ?? 0) > 0;
  return machine.finish(world, host, { kind: hasWritten ? 'unknown' : 'unavailable' });
}

/** The accepts that are not answered yet are nobody's from now on. */
export function goAstray(world: World, host: HostIndex): World {
  const { round } = world.hosts[host];
  if (round?.phase !== 'accept') return world;
  const { value, answers, counter } = round;
  const silent = VOTE_INDICES.filter((vote) => answers[vote] === '?');
  const proposer = proposerOf(world, host);
  const strays = silent.map((vote) => ({ vote, counter, proposer, value }));
  const waiting = withHost(world, host, {
    round: { ...round, answers: answers.map((one) => (one === '?' ? 'n' : one)) },
  });
  return { ...waiting, strays: [...world.strays, ...strays] };
}

/** An accept reaches its vote, whoever still waits for it. */
export function arrive(machine: Machine, world: World, { vote, value, counter, proposer }: Stray): Asked {
  const ballot = { counter, proposer };
  const asked = ask(machine, world, vote, { kind: 'accept', identity: IDENTITY, ballot, value: String(value) });
  if (asked.reply.kind !== 'accepted') return asked;
  return { ...asked, world: noteAccepted(machine, asked.world, `${counter} ${proposer}`, value, vote) };
}

// ── votes ──────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Asked {
  readonly world: World;
  readonly reply: AcceptorReply;
}

function ask({ rules }: Machine, world: World, vote: number, request: Parameters<Rules['stepAcceptor']>[1]): Asked {
  const before = world.votes[vote];
  const { state, reply } = rules.stepAcceptor(before, request);
  return { world: state === undefined || state === before ? world : withVote(world, vote, state), reply };
}

export function highestOf(accepted: readonly (Accepted | undefined)[]): Accepted {
  let highest: Accepted | undefined;
  for (const candidate of accepted) {
    if (candidate === undefined) continue;
    if (highest === undefined || compareBallots(candidate.ballot, highest.ballot) > 0) highest = candidate;
  }
  return present(highest, 'The cluster was formed before the search began');
}

/** The observer counts votes: a value is chosen once a majority has accepted it under one ballot. */
function noteAccepted({ values }: Machine, world: World, ballot: string, value: number, vote: number): World {
  const { observed } = world;
  const votes = (observed.accepted.find((one) => one.ballot === ballot)?.votes ?? 0) | (1 << vote);
  const others = observed.accepted.filter((one) => one.ballot !== ballot);
  const isChosen = VOTE_INDICES.filter((index) => (votes & (1 << index)) !== 0).length >= MAJORITY;
  const accepted = [...others, { ballot, value, votes }];
  if (!isChosen) return { ...world, observed: { ...observed, accepted } };
  if (values.descendsFrom(observed.chosen, value)) return { ...world, observed: { ...observed, accepted } };
  const chosen = { ...world, observed: { ...observed, accepted, chosen: value } };
  return values.descendsFrom(value, observed.chosen)
    ? chosen
    : withViolation(chosen, 'the register has two histories: a chosen value was not built on the one chosen before');
}

function fastForward(world: World, host: HostIndex, reply: AcceptorReply): World {
  if (reply.kind !== 'refused') return world;
  const ballotCounter = Math.max(world.hosts[host].ballotCounter, reply.promised.counter);
  return withHost(world, host, { ballotCounter });
}

function answered(answers: readonly Answer[], vote: number, answer: Answer): readonly Answer[] {
  return answers.map((before, index) => (index === vote ? answer : before));
}

function count(answers: readonly Answer[], wanted: Answer): number {
  return answers.filter((answer) => answer === wanted).length;
}

export function isSettled(answers: readonly Answer[]): boolean {
  return count(answers, 'y') >= MAJORITY || count(answers, 'n') > VOTES.length - MAJORITY;
}
