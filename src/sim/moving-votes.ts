/**
 * The register of a simulated cluster whose set of votes changes (cluster/vote-set.ts): each process has a set of its own
 * making, as a host has, and what it learned last outlives it. And the register as nobody in the cluster can see it: a value
 * is chosen when a majority of the set under whose incarnation it was accepted has accepted it, at whatever moments.
 */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Network } from '../base/network.ts';
import type { Random } from '../base/random.ts';
import { type AcceptorIdentity, type Ballot, compareBallots } from '../cluster/acceptor.ts';
import type { AcceptorPlace } from '../cluster/acceptor-places.ts';
import { AcceptorSet, type KnownSet } from '../cluster/acceptor-set.ts';
import type { AcceptorState } from '../cluster/acceptor-state.ts';
import { majorityOf } from '../cluster/quorum-round.ts';
import type { RegisterDocument } from '../cluster/register-document.ts';
import { parseRegisterValue } from '../cluster/register-value.ts';
import { askRemoteVote, type SimulatedVote } from './simulated-vote.ts';

export interface VotesUser {
  readonly name: string;
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** On its own disk. */
  readonly own?: SimulatedVote;
}

type OnChosen = (before: RegisterDocument | undefined, after: RegisterDocument) => void;

const FIRST_INCARNATION = 1;

export class MovingVotes {
  readonly #identity: AcceptorIdentity;
  readonly #known = new Map<string, KnownSet>();
  readonly #first: KnownSet;
  /** Names of the places of each incarnation. */
  readonly #places = new Map<number, readonly string[]>();
  /** By incarnation and ballot: who has accepted that. */
  readonly #accepted = new Map<string, { readonly ballot: Ballot; readonly names: Set<string> }>();
  readonly #onChosen: OnChosen;
  #last: { readonly ballot: Ballot; readonly document: RegisterDocument } | undefined;

  constructor(identity: AcceptorIdentity, first: readonly AcceptorPlace[], onChosen: OnChosen) {
    this.#identity = identity;
    this.#first = { incarnation: FIRST_INCARNATION, places: first };
    this.#places.set(FIRST_INCARNATION, namesOf(first));
    this.#onChosen = onChosen;
  }

  open({ name, network, clock, own, ...user }: VotesUser): AcceptorSet {
    return new AcceptorSet({
      ...user,
      clock,
      clusterId: this.#identity.clusterId,
      first: this.#known.get(name) ?? this.#first,
      openVote: (place) => ({
        name: place.name,
        ask:
          place.name === name && own !== undefined
            ? (request) => own.ask(request)
            : askRemoteVote(place.name, network, clock),
      }),
      onLearned: (set) => void this.#known.set(name, set),
      proposer: name,
    });
  }

  get chosen(): RegisterDocument | undefined {
    return this.#last?.document;
  }

  /** Names of the votes that are decided to count. */
  get present(): readonly string[] {
    return namesOf(this.#last?.document.votes?.places ?? this.#first.places);
  }

  /** A vote has stored another state than the one it had. */
  noteStored(name: string, before: AcceptorState | undefined, { identity, accepted }: AcceptorState): void {
    // A newcomer begins with what others have accepted: that is no word of its own.
    if (accepted === undefined || before?.identity.incarnation !== identity.incarnation) return;
    const { ballot } = accepted;
    if (before.accepted !== undefined && compareBallots(before.accepted.ballot, ballot) === 0) return;
    const key = `${identity.incarnation} ${ballot.counter} ${ballot.proposer}`;
    const known = this.#accepted.get(key) ?? { ballot, names: new Set() };
    this.#accepted.set(key, known);
    known.names.add(name);
    const places = this.#places.get(identity.incarnation) ?? [];
    if (places.filter((place) => known.names.has(place)).length >= majorityOf(places.length))
      this.#choose(ballot, accepted.value);
  }

  #choose(ballot: Ballot, value: string): void {
    if (this.#last !== undefined && compareBallots(ballot, this.#last.ballot) <= 0) return;
    const before = this.#last?.document;
    const { document } = parseRegisterValue(value);
    this.#last = { ballot, document };
    if (document.votes !== undefined) this.#places.set(document.votes.incarnation, namesOf(document.votes.places));
    for (const [key, older] of this.#accepted) if (compareBallots(older.ballot, ballot) < 0) this.#accepted.delete(key);
    this.#onChosen(before, document);
  }
}

function namesOf(places: readonly AcceptorPlace[]): readonly string[] {
  return places.map(({ name }) => name);
}
