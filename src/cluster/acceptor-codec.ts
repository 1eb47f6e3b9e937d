/**
 * The stored form of one vote: a line that names the format and the checksum of the rest, then JSON. A file that is
 * cut, empty, or half of an older one does not pass. What does not pass is damage and costs the vote until it is
 * admitted again: guessing here could take back a promise.
 */
import { sha256 } from '../base/checksum.ts';
import { Problem } from '../base/problem.ts';
import type { Accepted, AcceptorIdentity, Ballot } from './acceptor.ts';
import type { AcceptorState } from './acceptor-state.ts';
import { MAX_ACCEPTOR_STATE_BYTES, MAX_BALLOT_COUNTER, MAX_INVITATIONS, MAX_REGISTER_VALUE_BYTES } from './limits.ts';
import { isPossibleName } from './possible-name.ts';
import { isVoteSet } from './vote-set.ts';

const FORMAT = 'holdfast-acceptor-1';
const CHECKSUM_CHARACTERS = 64;
const HEAD_BYTES = FORMAT.length + 1 + CHECKSUM_CHARACTERS + 1;

export function encodeAcceptorState(state: AcceptorState): Buffer {
  const body = Buffer.from(JSON.stringify(state), 'utf8');
  return Buffer.concat([Buffer.from(headFor(body), 'latin1'), body]);
}

/** Throws Problem('AcceptorDamaged'). */
export function decodeAcceptorState(bytes: Buffer): AcceptorState {
  if (bytes.length < HEAD_BYTES || bytes.length > MAX_ACCEPTOR_STATE_BYTES) throw damaged('its length is impossible');
  const body = bytes.subarray(HEAD_BYTES);
  if (bytes.toString('latin1', 0, HEAD_BYTES) !== headFor(body)) throw damaged('its checksum does not match');
  const value: unknown = JSON.parse(body.toString('utf8'));
  if (!isState(value)) throw damaged('its fields are not those of a vote');
  const { identity, promised, accepted, set, invitations } = value;
  return { identity, promised, accepted, ...(set && { set }), ...(invitations && { invitations }) };
}

function headFor(body: Buffer): string {
  return `${FORMAT} ${sha256(body).toString('hex')}\n`;
}

function damaged(state: string): Problem {
  return new Problem(
    'AcceptorDamaged',
    `Cannot read a stored vote: ${state}. Restore-ClusterVote says how to give the vote back.`,
  );
}

function isState(value: unknown): value is AcceptorState {
  return (
    isFields(value) &&
    isIdentity(value['identity']) &&
    isBallot(value['promised']) &&
    (value['accepted'] === undefined || isAccepted(value['accepted'])) &&
    (value['set'] === undefined || isVoteSet(value['set'])) &&
    (value['invitations'] === undefined || areInvitations(value['invitations']))
  );
}

function areInvitations(value: unknown): boolean {
  return Array.isArray(value) && value.length <= MAX_INVITATIONS && value.every(isPossibleName);
}

export function isIdentity(value: unknown): value is AcceptorIdentity {
  return isFields(value) && isPossibleName(value['clusterId']) && Number.isSafeInteger(value['incarnation']);
}

export function isAccepted(value: unknown): value is Accepted {
  return isFields(value) && isBallot(value['ballot']) && isRegisterText(value['value']);
}

export function isBallot(value: unknown): value is Ballot {
  if (!isFields(value)) return false;
  const { counter, proposer } = value;
  if (typeof counter !== 'number' || !Number.isSafeInteger(counter)) return false;
  if (counter < 0 || counter > MAX_BALLOT_COUNTER) return false;
  return counter === 0 ? proposer === '' : isPossibleName(proposer);
}

/** UTF-16 units are at most as many as bytes, so this bounds what is stored, too. */
export function isRegisterText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_REGISTER_VALUE_BYTES;
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
