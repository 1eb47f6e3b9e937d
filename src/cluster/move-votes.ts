/**
 * Carries out what the register has decided about its votes (vote-set.ts), in two steps that may be repeated, by several
 * hosts at once, and broken off anywhere: whoever sees a set that is not complete goes on with it.
 *
 *   1. A majority of the set before moves to the new incarnation and promises one ballot. From then on nothing can be
 *      decided under the old one, and what these votes have accepted contains everything that ever was.
 *   2. The newcomers begin with the newest of it, and with that promise.
 *
 * Votes of the old set that are in the new one need no more than the first step, and may take it late. Once the new set can
 * decide, late ones are brought along by a majority of the new set instead: votes of the old one may be gone for good.
 */
import { isProblem, Problem } from '../base/problem.ts';
import { type Accepted, type Acceptor, type Ballot, compareBallots, type PrepareReply } from './acceptor.ts';
import type { AcceptorPlace } from './acceptor-places.ts';
import { quorumRound } from './quorum-round.ts';
import { isSamePlace, type VoteSet } from './vote-set.ts';

export interface VoteMove {
  readonly set: VoteSet;
  /** The set can decide already: only those that are awaited are brought along. */
  readonly isInForce: boolean;
  /** A vote under the set's incarnation. Each of its calls ends in time. */
  readonly open: (place: AcceptorPlace) => Acceptor;
  /** As for a register: unique to this run. */
  readonly proposer: string;
}

/** Ballots that may be outbid before it is left to the next try. */
const MAX_ATTEMPTS = 16;

/**
 * The names of awaited votes that have certainly arrived. Problem('VotesNotMoved') when there was no majority,
 * Problem('AcceptorOutbid').
 */
export async function moveVotes(move: VoteMove): Promise<readonly string[]> {
  const arrived = new Set<string>();
  const { ballot, newest } = await promiseOfMajority(move, arrived);
  const { set } = move;
  const newcomers = set.places.filter((place) => invitationOf(set, place) !== undefined);
  const late = set.places.filter((place) => set.awaited[place.name] === '' && !arrived.has(place.name));
  await Promise.all([
    ...newcomers.map((place) =>
      noting(arrived, place.name, async () => {
        const invitation = invitationOf(set, place) ?? '';
        await move.open(place).initialise(ballot, newest, { set, invitation });
        return true;
      }),
    ),
    ...late.map((place) =>
      noting(arrived, place.name, async () => {
        return (await move.open(place).advance(ballot, set)).kind === 'promised';
      }),
    ),
  ]);
  return [...arrived].filter((name) => Object.hasOwn(set.awaited, name));
}

async function promiseOfMajority(
  move: VoteMove,
  arrived: Set<string>,
): Promise<{ ballot: Ballot; newest: Accepted | undefined }> {
  const { set, isInForce } = move;
  const places = isInForce ? set.places : set.previous;
  let counter = 1;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const ballot = { counter, proposer: move.proposer };
    const round = await quorumRound(places, async (place) => {
      const reply = await promiseOf(move, place, ballot);
      if (reply.kind === 'refused') return { no: reply.promised };
      if (set.places.some((other) => isSamePlace(other, place))) arrived.add(place.name);
      return { yes: reply.accepted };
    });
    if (round.hasMajority) return { ballot, newest: newestOf(round.yes) };
    if (round.no.length === 0) throw notMoved(round.failures);
    counter = Math.max(...round.no.map((promised) => promised.counter)) + 1;
  }
  throw new Problem('AcceptorOutbid', 'Cannot change the set of votes: the register is too busy. Try again.', {
    temporary: true,
  });
}

/** In a set that is in force, a vote that is not awaited and stands behind is one that was put back to what it was. */
function promiseOf(move: VoteMove, place: AcceptorPlace, ballot: Ballot): Promise<PrepareReply> {
  const { set, isInForce } = move;
  const vote = move.open(place);
  const mayMove = !isInForce || Object.hasOwn(set.awaited, place.name);
  return mayMove ? vote.advance(ballot, set, invitationOf(set, place)) : vote.prepare(ballot);
}

/** Of a newcomer in the place that is meant: the vote of that name in another place is another vote. */
function invitationOf(set: VoteSet, place: AcceptorPlace): string | undefined {
  const isMeant = set.places.some((other) => isSamePlace(other, place));
  return isMeant ? set.awaited[place.name] || undefined : undefined;
}

/** Who does not answer now is asked again later, by whoever sees it awaited. */
async function noting(arrived: Set<string>, name: string, arrive: () => Promise<boolean>): Promise<void> {
  try {
    if (await arrive()) arrived.add(name);
  } catch (error) {
    if (!isExpected(error)) throw error;
  }
}

/** A vote that fails may do so with whatever its disk or its connection says. */
function isExpected(error: unknown): boolean {
  return isProblem(error) || error instanceof Error;
}

function newestOf(accepted: readonly (Accepted | undefined)[]): Accepted | undefined {
  const known = accepted.filter((each) => each !== undefined);
  return known.sort((left, right) => compareBallots(left.ballot, right.ballot)).at(-1);
}

function notMoved(failures: readonly string[]): Problem {
  return new Problem(
    'VotesNotMoved',
    `Cannot change the set of votes: no majority answers (${failures.join('; ')}). It goes on when one does.`,
    { temporary: true },
  );
}
