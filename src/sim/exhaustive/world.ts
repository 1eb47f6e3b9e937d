/**
 * One state of the searched world: two hosts with a vote, a copy and a cluster service each, a witness with a vote, and
 * what is under way between them. Plain immutable data; a step makes a new world that shares what did not change, and
 * that sharing is what makes a world's key cheap.
 *
 * Two things are worse here than they can be in earnest, so that what holds here holds without them. There is no
 * clock: the grace has always passed and a lease is always held (in sync mode nothing acknowledged rests on either).
 * And every record is acknowledged at the first moment at which it may be.
 */
import type { AcceptorState } from '../../cluster/acceptor-state.ts';
import type { LeaseMark } from '../../cluster/lease.ts';

export type HostIndex = 0 | 1;
export const HOSTS = ['A', 'B'] as const;
export const HOST_INDICES: readonly HostIndex[] = [0, 1];
export const VOTES = ['A', 'B', 'W'] as const;
export const VOTE_INDICES = [0, 1, 2] as const;

/** LSNs are epoch * RECORDS_PER_EPOCH + n here: as ordered as the real ones, and shorter. */
const RECORDS_PER_EPOCH = 100;
/** A number takes two characters of a key. */
const LOW_BITS_COUNT = 15;
const LOW_BITS = 2 ** LOW_BITS_COUNT - 1;

/** What one change of the register is for, and what its closure remembers between attempts. */
export interface Call {
  readonly kind: 'join' | 'take' | 'settle' | 'shrink' | 'grow' | 'renew';
  /** take: the epoch that was fenced; settle: the unsettled one; else the owner's. */
  readonly epoch: number;
  /** take: what the watcher saw. */
  readonly expected?: LeaseMark;
  /** Ids of this call's writes that some vote may have stored. */
  readonly writes: readonly string[];
  /** Lease numbers (join: incarnations) that its attempts drew. */
  readonly drawn: readonly number[];
}

export interface Promised {
  readonly accepted: AcceptorState['accepted'];
}

/** The round that a call is in. `pause`: its attempt lost to a higher ballot; it tries again, or runs out of time. */
export type Round =
  | {
      readonly phase: 'prepare';
      /** The ballot's. */
      readonly counter: number;
      readonly answers: readonly Answer[];
      readonly promises: readonly Promised[];
    }
  | {
      readonly phase: 'accept';
      readonly counter: number;
      readonly answers: readonly Answer[];
      readonly value: number;
      readonly kind: 'changed' | 'unchanged';
    }
  | { readonly phase: 'pause' };

/** One for each vote: not answered, said yes, said no. */
export type Answer = '?' | 'y' | 'n';

/** The cluster service's knowledge of its copy (seat.ts). 0 is no epoch. */
export interface SeatState {
  readonly unsettledEpoch: number;
  readonly settledEpoch: number;
  readonly activeEpoch: number;
  readonly activeInSync: readonly string[];
}

/** What a copy keeps through a crash. */
export interface Disk {
  readonly epochInUse: number;
  readonly epochPromised: number;
  readonly log: readonly number[];
  /** How many records of the log are synced. */
  readonly durable: number;
}

/** The active copy's commit point, as commit-point.ts keeps it; `other` is the one other copy. */
export interface ActiveState {
  readonly epoch: number;
  readonly inSync: readonly string[];
  readonly isJoining: boolean;
  readonly isUndecided: boolean;
  readonly otherDurable: number;
  readonly localDurable: number;
  readonly committed: number;
}

export interface Host {
  readonly isUp: boolean;
  /** How often it started: names its proposer and its writes. */
  readonly run: number;
  /** 0 until it has joined. */
  readonly incarnation: number;
  /** Also numbers this run's lease renewals and writes: an attempt makes at most one of each. */
  readonly ballotCounter: number;
  readonly call: Call | undefined;
  readonly round: Round | undefined;
  readonly seat: SeatState;
  readonly disk: Disk;
  readonly active: ActiveState | undefined;
}

/** A passive copy's connection to the active one. */
export interface Channel {
  readonly source: HostIndex;
  /** The highest acknowledgement on its way; 0 for none. */
  readonly acknowledging: number;
  /** The highest that arrived by this connection. */
  readonly acknowledged: number;
}

/** An accept that nobody waits for any more and that may still arrive. */
export interface Stray {
  readonly vote: number;
  readonly counter: number;
  readonly proposer: string;
  readonly value: number;
}

/** What an all-seeing observer notes; no step looks at it. */
export interface Observed {
  readonly acknowledged: readonly number[];
  /** The last of the chosen values. */
  readonly chosen: number;
  /** Accepts that may yet become chosen: ballot, value and the votes (a bit each) that accepted. */
  readonly accepted: readonly { readonly ballot: string; readonly value: number; readonly votes: number }[];
  /** Who led each epoch: host and run. */
  readonly owners: readonly (readonly [epoch: number, owner: string])[];
  /** The first promise that was broken. */
  readonly violation?: string;
}

export interface Used {
  readonly records: number;
  readonly crashes: number;
  readonly renewals: number;
}

export interface World {
  readonly votes: readonly [AcceptorState, AcceptorState, AcceptorState];
  readonly hosts: readonly [Host, Host];
  readonly channel: Channel | undefined;
  readonly strays: readonly Stray[];
  readonly observed: Observed;
  readonly used: Used;
}

export function lsnOf(epoch: number, n: number): number {
  return epoch * RECORDS_PER_EPOCH + n;
}

export function epochOf(lsn: number): number {
  return Math.floor(lsn / RECORDS_PER_EPOCH);
}

/** The first record of an epoch only says that it began; every other one is a client's. */
export function isClientRecord(lsn: number): boolean {
  return lsn % RECORDS_PER_EPOCH > 1;
}

export function describeLsn(lsn: number): string {
  return `${epochOf(lsn)}.${lsn % RECORDS_PER_EPOCH}`;
}

export function otherHost(host: HostIndex): HostIndex {
  return host === 0 ? 1 : 0;
}

export function proposerOf(world: World, host: HostIndex): string {
  return `${HOSTS[host]}#${world.hosts[host].run}`;
}

export function withHost(world: World, host: HostIndex, changes: Partial<Host>): World {
  const changed = { ...world.hosts[host], ...changes };
  return { ...world, hosts: host === 0 ? [changed, world.hosts[1]] : [world.hosts[0], changed] };
}

export function withVote(world: World, vote: number, state: AcceptorState): World {
  const [a, b, w] = world.votes;
  return { ...world, votes: [vote === 0 ? state : a, vote === 1 ? state : b, vote === 2 ? state : w] };
}

export function withViolation(world: World, violation: string): World {
  if (world.observed.violation !== undefined) return world;
  return { ...world, observed: { ...world.observed, violation } };
}

/** Worlds as short keys: each part is numbered once, and parts that worlds share are not looked at again. */
export class WorldKeys {
  readonly #numbers = new Map<string, number>();
  readonly #known = new WeakMap<object, number>();

  keyOf(world: World): string {
    const { votes, hosts, channel, strays, observed, used } = world;
    const numbers = [
      ...votes.map((vote) => this.#numberOf(vote)),
      ...hosts.map((host) => this.#numberOfText(this.#hostText(host))),
      this.#numberOf(channel),
      this.#numberOf(strays),
      this.#numberOfText(this.#observedText(observed)),
      this.#numberOf(used),
    ];
    return numbers.map((number) => String.fromCharCode(number & LOW_BITS, number >> LOW_BITS_COUNT)).join('');
  }

  #hostText({ isUp, run, incarnation, ballotCounter, call, round, seat, disk, active }: Host): string {
    const parts = [call, round, seat, disk, active].map((part) => this.#numberOf(part)).join();
    return `host ${isUp ? 1 : 0},${run},${incarnation},${ballotCounter},${parts}`;
  }

  #observedText({ acknowledged, chosen, accepted, owners, violation = '' }: Observed): string {
    const parts = [acknowledged, accepted, owners].map((part) => this.#numberOf(part)).join();
    return `observed ${chosen},${parts},${violation}`;
  }

  #numberOf(part: object | undefined): number {
    if (part === undefined) return 0;
    const known = this.#known.get(part);
    if (known !== undefined) return known;
    const number = this.#numberOfText(JSON.stringify(part));
    this.#known.set(part, number);
    return number;
  }

  #numberOfText(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.#numbers.size + 1;
    this.#numbers.set(text, number);
    return number;
  }
}
