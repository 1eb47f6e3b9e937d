/**
 * The searched world's steps: everything that may happen next, within bounds. Two nodes and a witness; crashes and
 * restarts, lost and late messages, lost replies, connections that break, records, changes of the in-sync set, takeovers.
 *
 * What the steps leave out must be no loss: an accept that would change nothing is forgotten, a promise below the epoch in
 * use says nothing, and a proposer that starts knows the ballot that its own vote has promised (the attempt that would
 * tell it so is skipped).
 */
import { assert } from '../../base/assert.ts';
import { compareBallots } from '../../cluster/acceptor.ts';
import { type AcceptorState, stepAcceptor } from '../../cluster/acceptor-state.ts';
import { formCluster, growInSync, startNode, takeOver } from '../../cluster/changes.ts';
import { addStorageGroup } from '../../cluster/configuration-changes.ts';
import { leaseMarkOf } from '../../cluster/lease.ts';
import type { RegisterDocument } from '../../cluster/register-document.ts';
import type { Bounds } from './bounds.ts';
import {
  acknowledge,
  activate,
  activeCopiesHoldAll,
  append,
  connect,
  disconnect,
  endLsn,
  inSyncHoldAll,
  nextRecord,
  receive,
  sync,
} from './copies.ts';
import {
  arrive,
  beginAttempt,
  deliver,
  endUndecided,
  giveUpRound,
  goAstray,
  highestOf,
  IDENTITY,
  isSettled,
  learn,
  type Machine,
} from './rounds.ts';
import { productionRules, type Rules } from './rules.ts';
import type { Graph, Step } from './search.ts';
import {
  beginGrow,
  beginJoin,
  beginRenewal,
  beginShrink,
  decideCall,
  FORMATS,
  finishCall,
  look,
  peekedDocument,
} from './service.ts';
import { GROUP, groupOf, ValueTree } from './value-tree.ts';
import {
  type Disk,
  describeLsn,
  HOST_INDICES,
  HOSTS,
  type Host,
  type HostIndex,
  isClientRecord,
  lsnOf,
  type Observed,
  otherHost,
  type Stray,
  VOTE_INDICES,
  VOTES,
  type World,
  WorldKeys,
  withHost,
  withVote,
} from './world.ts';

type WorldStep = Step<World>;

const EMPTY: Disk = { epochInUse: 0, epochPromised: 0, log: [], durable: 0 };

export function exhaustiveModel(bounds: Bounds, changed: Partial<Rules> = {}): Graph<World> {
  const rules = { ...productionRules, ...changed };
  const values = new ValueTree();
  const machine: Machine = { values, rules, decide: decideCall(rules), finish: finishCall({ values, rules }) };
  const keys = new WorldKeys();
  const both = initialWorld(values, true);
  const model = new Model(machine, bounds, both.votes);
  return {
    roots: [
      { label: 'A leads epoch 1, A and B are in sync', world: leading(both, HOSTS) },
      { label: 'A leads epoch 1 alone, B is not in sync', world: leading(initialWorld(values, false), ['A']) },
      { label: 'A owns epoch 1 and has just started, A and B are in sync', world: both },
    ],
    steps: (world) => model.steps(world),
    keyOf: (world) => keys.keyOf(world),
    violationIn: (world) =>
      world.observed.violation ??
      activeCopiesHoldAll(world) ??
      inSyncHoldAll(world, values.group(world.observed.chosen).inSync),
  };
}

class Model {
  readonly #machine: Machine;
  readonly #bounds: Bounds;
  readonly #firstVotes: readonly AcceptorState[];

  constructor(machine: Machine, bounds: Bounds, firstVotes: readonly AcceptorState[]) {
    this.#machine = machine;
    this.#bounds = bounds;
    this.#firstVotes = firstVotes;
  }

  *steps(world: World): Generator<WorldStep> {
    for (const { label, world: next } of this.#allSteps(world)) yield { label, world: this.#tidy(next) };
  }

  *#allSteps(world: World): Generator<WorldStep> {
    for (const host of HOST_INDICES) {
      if (!world.hosts[host].isUp) {
        yield { label: `${HOSTS[host]} starts`, world: start(world, host) };
        continue;
      }
      if (world.hosts[host].call === undefined) yield* this.#beginnings(world, host);
      else yield* this.#roundSteps(world, host);
      yield* this.#copySteps(world, host);
      if (world.used.crashes < this.#bounds.crashes) {
        yield { label: `${HOSTS[host]} crashes`, world: this.#crash(world, host) };
      }
    }
    yield* this.#channelSteps(world);
    for (const stray of world.strays) {
      if (!isVoteUp(world, stray.vote)) continue;
      const rest = { ...world, strays: world.strays.filter((other) => other !== stray) };
      const label = `the accept of ${stray.proposer} under ballot ${stray.counter} arrives late at ${nameOf(stray.vote)}`;
      yield { label, world: arrive(this.#machine, rest, stray).world };
    }
  }

  *#roundSteps(world: World, host: HostIndex): Generator<WorldStep> {
    const { round, call, ballotCounter } = world.hosts[host];
    const what = `${HOSTS[host]}'s ${call?.kind ?? ''}`;
    if (round === undefined) return;
    if (round.phase === 'pause') {
      if (ballotCounter < this.#bounds.ballots)
        yield { label: `${what} is tried again`, world: beginAttempt(world, host) };
      yield { label: `${what} runs out of time`, world: endUndecided(this.#machine, world, host) };
      return;
    }
    if (isSettled(round.answers)) {
      yield { label: `${what} ends: ${HOSTS[host]} hears how`, world: learn(this.#machine, world, host) };
      return;
    }
    if (round.phase === 'prepare' && this.#bounds.isPrepareWhole && !round.answers.some((answer) => answer !== '?')) {
      yield* this.#wholePrepares(world, host, what);
      return;
    }
    for (const vote of VOTE_INDICES) {
      if (round.answers[vote] !== '?' || !isVoteUp(world, vote)) continue;
      const label = `${what}: ${round.phase} under ballot ${round.counter} reaches ${nameOf(vote)} and is answered`;
      yield { label, world: deliver(this.#machine, world, host, vote) };
    }
    yield { label: `${what}: no further answer to its ${round.phase}`, world: giveUpRound(this.#machine, world, host) };
  }

  *#wholePrepares(world: World, host: HostIndex, what: string): Generator<WorldStep> {
    for (const absent of VOTE_INDICES) {
      const [first, second] = VOTE_INDICES.filter((vote) => vote !== absent && isVoteUp(world, vote));
      if (first === undefined || second === undefined) continue;
      const label = `${what}: prepare reaches ${nameOf(first)} and ${nameOf(second)} and is answered`;
      yield { label, world: deliver(this.#machine, deliver(this.#machine, world, host, first), host, second) };
    }
    yield { label: `${what}: no answer to its prepare`, world: giveUpRound(this.#machine, world, host) };
  }

  *#beginnings(world: World, host: HostIndex): Generator<WorldStep> {
    const { incarnation, active, ballotCounter } = world.hosts[host];
    const name = HOSTS[host];
    if (ballotCounter >= this.#bounds.ballots) return;
    if (incarnation === 0) yield { label: `${name} asks to join`, world: beginJoin(world, host) };
    else if (active === undefined) yield* this.#looks(world, host);
    else {
      const { rules } = this.#machine;
      if (isHeldBack(world, host)) {
        yield { label: `${name} asks to go on alone`, world: beginShrink(world, host, rules) };
      }
      if (mayGrow(world, host))
        yield { label: `${name} asks to let the other in`, world: beginGrow(world, host, rules) };
      if (world.used.renewals < this.#bounds.renewals) {
        yield { label: `${name} asks to renew its lease`, world: beginRenewal(world, host) };
      }
    }
  }

  /** Whatever a majority of votes would show to somebody who reads without a ballot. */
  *#looks(world: World, host: HostIndex): Generator<WorldStep> {
    const seen = new Set<string>();
    for (const absent of VOTE_INDICES) {
      const asked = VOTE_INDICES.filter((vote) => vote !== absent && isVoteUp(world, vote));
      if (asked.length + 1 < VOTES.length) continue;
      seen.add(highestOf(asked.map((vote) => world.votes[vote].accepted)).value);
    }
    for (const value of seen) {
      const document = peekedDocument(this.#machine.values, value);
      const taken = look(world, host, document, this.#machine.rules);
      if (taken === undefined || taken.epoch > this.#bounds.epochs) continue;
      const what = taken.does === 'take' ? 'asks to take over under' : 'asks what became of';
      const group = groupOf(document);
      const label = `${HOSTS[host]} sees ${group.active ?? 'nobody'} lead epoch ${group.epoch} and ${what} epoch ${taken.epoch}`;
      yield { label, world: taken.world };
    }
  }

  *#copySteps(world: World, host: HostIndex): Generator<WorldStep> {
    const { active, disk } = world.hosts[host];
    const name = HOSTS[host];
    const { rules } = this.#machine;
    if (active === undefined) {
      const source = world.hosts[otherHost(host)];
      if (world.channel !== undefined || !source.isUp || source.active === undefined) return;
      yield { label: `${name} connects to ${HOSTS[otherHost(host)]}`, world: connect(world, host, rules) };
      return;
    }
    if (world.used.records < this.#bounds.records) {
      yield { label: `${name} appends record ${describeLsn(endLsn(disk) + 1)}`, world: this.#append(world, host) };
    }
    if (disk.durable < disk.log.length) yield { label: `${name} has synced its log`, world: sync(world, host) };
  }

  #append(world: World, host: HostIndex): World {
    const appended = append(world, host, this.#machine.rules);
    return this.#bounds.isSyncSlow ? appended : sync(appended, host);
  }

  *#channelSteps(world: World): Generator<WorldStep> {
    const { channel } = world;
    if (channel === undefined) return;
    const target = otherHost(channel.source);
    const lsn = nextRecord(world, target);
    if (lsn !== undefined) {
      const label = `${HOSTS[target]} receives record ${describeLsn(lsn)}`;
      yield { label, world: receive(world, target, lsn, this.#machine.rules) };
    }
    if (channel.acknowledging > 0) {
      const label = `${HOSTS[target]}'s acknowledgement of ${describeLsn(channel.acknowledging)} reaches ${HOSTS[channel.source]}`;
      yield { label, world: acknowledge(world) };
    }
    // Otherwise a broken connection is one on which nothing arrives.
    if (world.hosts[channel.source].active?.isJoining === true) {
      yield { label: 'the connection of the copies breaks', world: disconnect(world) };
    }
  }

  #crash(world: World, host: HostIndex): World {
    const used = { ...world.used, crashes: world.used.crashes + 1 };
    const astray = goAstray({ ...world, used }, host);
    const apart = world.channel?.source === host ? { ...astray, channel: undefined } : disconnect(astray);
    const { run, disk } = apart.hosts[host];
    const log = disk.log.slice(0, disk.durable);
    const down = withHost(apart, host, { ...hostWith({ ...disk, log }), isUp: false, run });
    const forgotten = this.#machine.rules.remembersVotes ? undefined : this.#firstVotes[host];
    return forgotten === undefined ? down : withVote(down, host, forgotten);
  }

  /** Forgets what cannot matter any more, and gives the rest one order. */
  #tidy(world: World): World {
    const strays = world.strays.length === 0 ? world.strays : this.#tidyStrays(world);
    const observed = tidyObserved(world, strays);
    const tidied = { ...world, strays, observed };
    return tidyPromise(tidyPromise(tidied, 0), 1);
  }

  #tidyStrays(world: World): readonly Stray[] {
    const live = world.strays.filter((stray) => {
      const { counter, proposer } = stray;
      const state = world.votes[stray.vote];
      if (state === undefined) return false;
      const ballot = { counter, proposer };
      const request = { kind: 'accept', identity: IDENTITY, ballot, value: String(stray.value) } as const;
      const hasIt = state.accepted !== undefined && compareBallots(state.accepted.ballot, ballot) === 0;
      return !hasIt && this.#machine.rules.stepAcceptor(state, request).state !== state;
    });
    const kept = HOSTS.flatMap((host) =>
      live.filter(({ proposer }) => proposer.startsWith(`${host}#`)).slice(-this.#bounds.strays),
    );
    return kept.sort((left, right) => left.counter - right.counter || left.vote - right.vote);
  }
}

/** Accepts that no vote can get any more make nothing chosen. */
function tidyObserved(world: World, strays: readonly Stray[]): Observed {
  const { observed } = world;
  if (observed.accepted.length === 0) return observed;
  const accepted = observed.accepted.filter(({ ballot }) => isUnderWay(world, strays, ballot));
  accepted.sort((left, right) => (left.ballot < right.ballot ? -1 : 1));
  return { ...observed, accepted };
}

function isUnderWay(world: World, strays: readonly Stray[], ballot: string): boolean {
  if (strays.some(({ counter, proposer }) => ballot === `${counter} ${proposer}`)) return true;
  return HOST_INDICES.some((host) => {
    const { round, run } = world.hosts[host];
    return (
      round?.phase === 'accept' && !isSettled(round.answers) && ballot === `${round.counter} ${HOSTS[host]}#${run}`
    );
  });
}

function tidyPromise(world: World, host: HostIndex): World {
  const { disk } = world.hosts[host];
  if (disk.epochPromised === 0 || disk.epochPromised > disk.epochInUse) return world;
  return withHost(world, host, { disk: { ...disk, epochPromised: 0 } });
}

function nameOf(vote: number): string {
  return VOTES[vote] ?? '';
}

function isVoteUp(world: World, vote: number): boolean {
  return vote === 2 || world.hosts[vote === 0 ? 0 : 1].isUp;
}

/** A client waits for a record that the other copy has not acknowledged. */
function isHeldBack(world: World, host: HostIndex): boolean {
  const { active, disk } = world.hosts[host];
  if (active === undefined) return false;
  const other = HOSTS[otherHost(host)];
  const isRequired = active.inSync.includes(other) || active.isUndecided;
  return isRequired && isClientRecord(endLsn(disk)) && active.otherDurable < endLsn(disk);
}

/** The other copy acknowledged everything on the connection that it has now. */
function mayGrow(world: World, host: HostIndex): boolean {
  const { active, disk } = world.hosts[host];
  const { channel } = world;
  if (active === undefined || channel?.source !== host) return false;
  return !active.inSync.includes(HOSTS[otherHost(host)]) && channel.acknowledged >= endLsn(disk);
}

function start(world: World, host: HostIndex): World {
  const ballotCounter = world.votes[host].promised.counter;
  return withHost(world, host, { isUp: true, run: world.hosts[host].run + 1, ballotCounter });
}

function hostWith(disk: Disk): Host {
  return {
    isUp: true,
    run: 1,
    incarnation: 0,
    ballotCounter: 0,
    call: undefined,
    round: undefined,
    seat: { unsettledEpoch: 0, settledEpoch: 0, activeEpoch: 0, activeInSync: [] },
    disk,
    active: undefined,
  };
}

// ── how it begins ──────────────────────────────────────────────────────────────────────────────────────────────────

/** An earlier run of A led epoch 1 and ended. */
export function initialWorld(values: ValueTree, isBothInSync: boolean): World {
  const document = initialDocument(isBothInSync);
  const chosen = values.add({ document, writes: {} });
  const written = { counter: 1, proposer: 'A#1' };
  const accepted = { ballot: written, value: String(chosen) };
  const { state } = stepAcceptor(undefined, { kind: 'initialise', identity: IDENTITY, promised: written, accepted });
  assert(state !== undefined, 'A vote without state can be initialised');
  const idle = { incarnation: 1, ballotCounter: 1 };
  const begun = { epochInUse: 1, epochPromised: 0, log: [lsnOf(1, 1)], durable: 1 };
  return {
    votes: [state, state, state],
    hosts: [
      { ...hostWith(begun), ...idle },
      { ...hostWith(isBothInSync ? begun : EMPTY), ...idle },
    ],
    channel: undefined,
    strays: [],
    observed: { acknowledged: [], chosen, accepted: [], owners: [[1, 'A#0']] },
    used: { records: 0, crashes: 0, renewals: 0 },
  };
}

/** A in the middle of its epoch, B connected to it. */
function leading(world: World, inSync: readonly string[]): World {
  const began = withHost({ ...world, observed: { ...world.observed, owners: [] } }, 0, { disk: EMPTY });
  return { ...activate(began, 0, 1, inSync), channel: { source: 0, acknowledging: 0, acknowledged: 0 } };
}

function initialDocument(isBothInSync: boolean): RegisterDocument {
  const claim = { storageGroup: GROUP, host: 'A', epoch: 1 };
  const added = (document: RegisterDocument): RegisterDocument | undefined =>
    addStorageGroup(document, {
      name: GROUP,
      copies: HOSTS,
      mode: 'sync',
      sharedStorage: false,
      circularLogging: false,
    });
  const changes = [
    (document: RegisterDocument) => startNode(document, 'A', FORMATS),
    (document: RegisterDocument) => startNode(document, 'B', FORMATS),
    added,
    (document: RegisterDocument) => {
      const expected = leaseMarkOf(document, GROUP);
      const node = { incarnation: 1, lease: 1 };
      return expected && takeOver(document, { ...claim, ...node, expected, inSync: ['A'], lossy: null });
    },
    (document: RegisterDocument) => (isBothInSync ? growInSync(document, { ...claim, joiner: 'B' }) : document),
  ];
  let document = formCluster(IDENTITY.clusterId)(undefined);
  for (const change of changes) document = document && change(document);
  assert(document !== undefined, 'The production changes make the first document');
  return document;
}
