/**
 * The rounds are written twice, in caspaxos-register.ts and here as steps. This holds the two against each other: the same
 * two proposers, the same fate of every request, and at the end of every call the same outcome and the same votes.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../../base/assert.ts';
import { Problem } from '../../base/problem.ts';
import { SeededRandom } from '../../base/random.ts';
import { type AcceptorReply, type AcceptorRequest, acceptorFrom } from '../../cluster/acceptor.ts';
import { type AcceptorState, stepAcceptor } from '../../cluster/acceptor-state.ts';
import { CasPaxosRegister } from '../../cluster/caspaxos-register.ts';
import { next } from '../../cluster/changes.ts';
import type { RegisterDocument } from '../../cluster/register-document.ts';
import { encodeRegisterValue, parseRegisterValue } from '../../cluster/register-value.ts';
import { ManualClock } from '../../cluster/testing/manual-clock.ts';
import { initialWorld } from './model.ts';
import { beginAttempt, beginCall, deliver, giveUpRound, IDENTITY, isSettled, learn, type Machine } from './rounds.ts';
import { productionRules } from './rules.ts';
import { ValueTree } from './value-tree.ts';
import {
  HOST_INDICES,
  HOSTS,
  type HostIndex,
  proposerOf,
  type Round,
  VOTE_INDICES,
  VOTES,
  type World,
  withHost,
  withVote,
} from './world.ts';

const SEEDS = 200;
const CALLS = 6;

type Fate = 'answered' | 'lost' | 'reply lost';

/** One for each request, by who asks for what under which ballot: the same for both. */
function fateOf(seed: number, host: string, phase: string, counter: number, vote: number): Fate {
  const random = new SeededRandom(
    seed * 1_000_003 + counter * 97 + vote * 7 + (phase === 'accept' ? 3 : 0) + host.charCodeAt(0),
  );
  const draw = random.below(10);
  return draw < 6 ? 'answered' : draw < 8 ? 'lost' : 'reply lost';
}

function changed(document: RegisterDocument | undefined): RegisterDocument | undefined {
  return document && next(document);
}

/** Written under a ballot of nobody's, so that it does not matter what the proposers' runs are called. */
function firstVote(values: ValueTree): AcceptorState {
  const [{ identity, accepted }] = initialWorld(values, true).votes;
  const ballot = { counter: 1, proposer: '' };
  return { identity, promised: ballot, accepted: accepted && { ...accepted, ballot } };
}

interface Ended {
  readonly kind: string;
  readonly votes: readonly { readonly promised: number; readonly accepted: number; readonly version: number }[];
}

// ── the register itself ────────────────────────────────────────────────────────────────────────────────────────────

async function inEarnest(seed: number, calls: readonly HostIndex[]): Promise<Ended[]> {
  const values = new ValueTree();
  const first = firstVote(values);
  const accepted = first.accepted && { ...first.accepted, value: encodeRegisterValue(values.value(0)) };
  const votes: AcceptorState[] = VOTES.map(() => ({ ...first, accepted }));
  const clock = new ManualClock();
  const registers = HOST_INDICES.map((host) => {
    const ask =
      (vote: number) =>
      (request: AcceptorRequest): Promise<AcceptorReply> => {
        const counter = 'ballot' in request ? request.ballot.counter : 0;
        const fate = fateOf(seed, HOSTS[host], request.kind, counter, vote);
        if (fate === 'lost') return Promise.reject(lost());
        const { state, reply } = stepAcceptor(votes[vote], request);
        votes[vote] = present(state, 'The vote has a state');
        return fate === 'reply lost' ? Promise.reject(lost()) : Promise.resolve(reply);
      };
    const acceptors = VOTES.map((name, vote) => acceptorFrom(name, IDENTITY, ask(vote)));
    return new CasPaxosRegister({ acceptors, proposer: HOSTS[host], clock, random: new SeededRandom(seed) });
  });
  const ended: Ended[] = [];
  for (const host of calls) {
    const register = present(registers[host], 'Each host has a register');
    const { kind } = await clock.until(register.change(changed, { timeoutMs: 60_000 }));
    ended.push({ kind, votes: votes.map((vote) => summary(vote, (value) => parseRegisterValue(value).document)) });
  }
  return ended;
}

function lost(): Problem {
  return new Problem('Unreachable', 'Cannot reach the vote: the message is lost. Try again.', { temporary: true });
}

function summary(
  { promised, accepted }: AcceptorState,
  read: (value: string) => RegisterDocument,
): Ended['votes'][number] {
  return {
    promised: promised.counter,
    accepted: accepted?.ballot.counter ?? 0,
    version: accepted === undefined ? 0 : read(accepted.value).version,
  };
}

// ── the same as steps ──────────────────────────────────────────────────────────────────────────────────────────────

function asSteps(seed: number, calls: readonly HostIndex[]): Ended[] {
  const values = new ValueTree();
  let kind = '';
  const machine: Machine = {
    values,
    rules: productionRules,
    decide: (_world, _host, call, current) => ({ document: changed(current), call }),
    finish: (world, host, outcome) => {
      kind = outcome.kind;
      return withHost(world, host, { call: undefined, round: undefined });
    },
  };
  const first = firstVote(values);
  let world: World = { ...initialWorld(values, true), votes: [first, first, first] };
  for (const host of HOST_INDICES) world = withHost(world, host, { ballotCounter: 0 });
  const ended: Ended[] = [];
  for (const host of calls) {
    world = beginCall(world, host, { kind: 'renew', epoch: 1, writes: [], drawn: [] });
    while (world.hosts[host].round !== undefined) world = oneRound(machine, world, host, seed);
    const read = (value: string) => values.document(Number(value));
    ended.push({ kind, votes: world.votes.map((vote) => summary(vote, read)) });
  }
  return ended;
}

/** The votes are asked in their order; a round ends as soon as it can, and what comes after has its effect unheard. */
function oneRound(machine: Machine, before: World, host: HostIndex, seed: number): World {
  const { round } = before.hosts[host];
  if (round === undefined || round.phase === 'pause') return beginAttempt(before, host);
  let world = before;
  let failures = 0;
  let hasEnded = false;
  for (const vote of VOTE_INDICES) {
    const fate = fateOf(seed, HOSTS[host], round.phase, round.counter, vote);
    if (fate === 'answered' && !hasEnded) world = deliver(machine, world, host, vote);
    else if (fate !== 'lost') world = unheard(world, host, round, vote);
    if (fate !== 'answered') failures++;
    if (hasEnded) continue;
    const { round: now } = world.hosts[host];
    if (now?.phase !== round.phase) hasEnded = true;
    else if (isSettled(now.answers)) {
      hasEnded = true;
      world = learn(machine, world, host);
    } else if (failures + now.answers.filter((answer) => answer === 'n').length > 1) {
      hasEnded = true;
      world = giveUpRound(machine, world, host);
    }
  }
  return { ...world, strays: [] };
}

function unheard(world: World, host: HostIndex, round: Exclude<Round, { phase: 'pause' }>, vote: number): World {
  const ballot = { counter: round.counter, proposer: proposerOf(world, host) };
  const request: AcceptorRequest =
    round.phase === 'prepare'
      ? { kind: 'prepare', identity: IDENTITY, ballot }
      : { kind: 'accept', identity: IDENTITY, ballot, value: String(round.value) };
  return withVote(world, vote, present(stepAcceptor(world.votes[vote], request).state, 'The vote has a state'));
}

test('exhaustive: rounds: the register and the steps, two proposers, lost requests and replies: go the same way', async () => {
  const kinds = new Set<string>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new SeededRandom(seed);
    const calls = Array.from({ length: CALLS }, () => (random.below(2) === 0 ? 0 : 1));
    const expected = await inEarnest(seed, calls);
    assert.deepEqual(asSteps(seed, calls), expected, `seed ${seed}`);
    for (const { kind } of expected) kinds.add(kind);
  }
  assert.deepEqual([...kinds].sort(), ['changed', 'unavailable', 'unknown']);
});
