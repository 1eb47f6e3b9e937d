/**
 * The set of votes as it stands in the register and in every vote's own state, and the rules by which one set follows
 * another. The change itself is move-votes.ts.
 *
 * Each set has an incarnation, and which votes are in incarnation N + 1 is decided once, by a compare-and-set of the register under
 * incarnation N: so no two hosts can ever mean different sets by one number. The next set must be so close to the present
 * one that a majority of it without any newcomer has a vote in common with every majority of the present one
 * (`isCloseTo`): adding votes, replacing one, removing one always is. Then a decision of the new set sees every
 * decision of the old one, whichever votes are slow to follow; newcomers are told what was decided before they may vote.
 *
 * `awaited` are votes whose arrival is not noted yet. A vote that is not awaited and stands at an older incarnation, or at none, is a
 * disk that was lost or put back from a backup, and counts for nothing. A newcomer is awaited under an invitation that stands
 * on its disk, too, so that one which loses that disk after it has voted is not taken for one that never has.
 */
import { assert } from '../base/assert.ts';
import type { AcceptorPlace } from './acceptor-places.ts';
import { MAX_ACCEPTORS } from './limits.ts';
import { isPossibleName } from './possible-name.ts';
import { majorityOf } from './quorum-round.ts';
import type { RegisterDocument } from './register-document.ts';

export interface VoteSet {
  readonly incarnation: number;
  readonly places: readonly AcceptorPlace[];
  /** Of the incarnation before. */
  readonly previous: readonly AcceptorPlace[];
  /** Name to invitation; '' for one that brings its own state along. */
  readonly awaited: Readonly<Record<string, string>>;
}

export interface VoteChange {
  /** The incarnation under which it is decided, and its places. */
  readonly present: Pick<VoteSet, 'incarnation' | 'places'>;
  readonly places: readonly AcceptorPlace[];
  /** Of each newcomer, by name: what is not in the present set, and a vote that was lost and is given back. */
  readonly invitations: Readonly<Record<string, string>>;
}

export function isSamePlace(left: AcceptorPlace, right: AcceptorPlace): boolean {
  const pathOf = (place: AcceptorPlace): string | undefined => ('path' in place ? place.path : undefined);
  return left.name === right.name && left.kind === right.kind && pathOf(left) === pathOf(right);
}

export function areSamePlaces(left: readonly AcceptorPlace[], right: readonly AcceptorPlace[]): boolean {
  return left.length === right.length && left.every((place) => right.some((other) => isSamePlace(other, place)));
}

export function isCloseTo(places: readonly AcceptorPlace[], present: readonly AcceptorPlace[]): boolean {
  return majorityOf(places.length) + majorityOf(present.length) > present.length;
}

/**
 * The first set on the way from `present` to `target`: all of it where that is close enough, otherwise without one more of those that go.
 */
export function stepTowards(
  target: readonly AcceptorPlace[],
  present: readonly AcceptorPlace[],
): readonly AcceptorPlace[] {
  if (isCloseTo(target, present)) return target;
  const going = present.find((place) => !target.some((other) => isSamePlace(other, place)));
  return present.filter((place) => place !== going);
}

/** The register with that set decided; undefined when another one was decided meanwhile. */
export function decideVotes(document: RegisterDocument, change: VoteChange): RegisterDocument | undefined {
  const { present, places, invitations } = change;
  const decided = document.votes;
  if (decided !== undefined && decided.incarnation > present.incarnation) return undefined;
  assert(isCloseTo(places, present.places), 'Sets of votes change by steps that keep a vote in common');
  const awaited: Record<string, string> = {};
  for (const place of places) {
    const isKept = present.places.some((other) => isSamePlace(other, place));
    const invitation = invitations[place.name];
    assert(isKept || invitation !== undefined, 'A newcomer is invited before it is named');
    awaited[place.name] = invitation ?? decided?.awaited[place.name] ?? '';
  }
  const votes = { incarnation: present.incarnation + 1, places, previous: present.places, awaited };
  return { ...document, version: document.version + 1, votes };
}

/** The register with the arrival of these votes noted; undefined when there is nothing to note. */
export function noteArrivals(
  document: RegisterDocument,
  incarnation: number,
  names: readonly string[],
): RegisterDocument | undefined {
  const votes = document.votes;
  if (votes?.incarnation !== incarnation) return undefined;
  const entries = Object.entries(votes.awaited);
  const left = entries.filter(([name]) => !names.includes(name));
  if (left.length === entries.length) return undefined;
  return { ...document, version: document.version + 1, votes: { ...votes, awaited: Object.fromEntries(left) } };
}

/** Of a parsed JSON value. */
export function isVoteSet(value: unknown): value is VoteSet {
  if (!isFields(value)) return false;
  const { incarnation, places, previous, awaited } = value;
  return (
    Number.isSafeInteger(incarnation) &&
    (incarnation as number) >= 1 &&
    arePlaces(places) &&
    arePlaces(previous) &&
    isFields(awaited) &&
    Object.entries(awaited).every(([name, text]) => isPossibleName(name) && (text === '' || isPossibleName(text)))
  );
}

const placed: readonly unknown[] = ['share', 'disk'];
const running: readonly unknown[] = ['host', 'process'];

function arePlaces(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_ACCEPTORS) return false;
  const names = new Set(value.map((place: unknown) => (isFields(place) ? place['name'] : undefined)));
  return names.size === value.length && value.every(isPlace);
}

function isPlace(value: unknown): boolean {
  if (!isFields(value) || !isPossibleName(value['name'])) return false;
  return placed.includes(value['kind']) ? isPath(value['path']) : running.includes(value['kind']);
}

function isPath(value: unknown): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_PATH_LENGTH;
}

const MAX_PATH_LENGTH = 4_096;

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
