/**
 * Requests to an acceptor and its replies as they cross a wire (a witness process): the gateway that checks what came
 * in. The connection's framing and its TLS are the host's.
 */
import { Problem } from '../base/problem.ts';
import type { AcceptorReply, AcceptorRequest, NotAdmittedReason } from './acceptor.ts';
import { isAccepted, isBallot, isIdentity, isRegisterText } from './acceptor-codec.ts';
import { isPossibleName } from './possible-name.ts';
import { isVoteSet } from './vote-set.ts';

/** Throws Problem('AcceptorMessageInvalid'). */
export function parseAcceptorRequest(value: unknown): AcceptorRequest {
  if (!isRequest(value)) throw invalid('request');
  return value;
}

/** Throws Problem('AcceptorMessageInvalid'). */
export function parseAcceptorReply(value: unknown): AcceptorReply {
  if (!isReply(value)) throw invalid('reply');
  // JSON leaves out what is undefined.
  return value.kind === 'promised' || value.kind === 'state' ? { ...value, accepted: value.accepted } : value;
}

function isRequest(value: unknown): value is AcceptorRequest {
  if (!isFields(value) || !isIdentity(value['identity'])) return false;
  switch (value['kind']) {
    case 'peek':
      return true;
    case 'prepare':
      return isBallot(value['ballot']);
    case 'advance':
      return (
        isBallot(value['ballot']) &&
        isVoteSet(value['set']) &&
        (value['invitation'] === undefined || isPossibleName(value['invitation']))
      );
    case 'invite':
      return isPossibleName(value['invitation']);
    case 'accept':
      return isBallot(value['ballot']) && isRegisterText(value['value']);
    case 'initialise':
      return isBallot(value['promised']) && isOptionalAccepted(value['accepted']) && isOptionalArrival(value);
    default:
      return false;
  }
}

const reasons: readonly NotAdmittedReason[] = [
  'empty',
  'other-cluster',
  'older-incarnation',
  'newer-incarnation',
  'not-empty',
];

function isReply(value: unknown): value is AcceptorReply {
  if (!isFields(value)) return false;
  switch (value['kind']) {
    case 'accepted':
    case 'initialised':
      return true;
    case 'promised':
      return isOptionalAccepted(value['accepted']);
    case 'refused':
      return isBallot(value['promised']);
    case 'state':
      return isBallot(value['promised']) && isOptionalAccepted(value['accepted']);
    case 'not-admitted':
      return (
        (reasons as readonly unknown[]).includes(value['why']) &&
        (value['incarnation'] === undefined || Number.isSafeInteger(value['incarnation'])) &&
        (value['set'] === undefined || isVoteSet(value['set']))
      );
    default:
      return false;
  }
}

/** Both or neither. */
function isOptionalArrival({ set, invitation }: Record<string, unknown>): boolean {
  return set === undefined ? invitation === undefined : isVoteSet(set) && isPossibleName(invitation);
}

function isOptionalAccepted(value: unknown): boolean {
  return value === undefined || isAccepted(value);
}

function invalid(what: string): Problem {
  return new Problem(
    'AcceptorMessageInvalid',
    `Cannot read an acceptor's ${what}: it has no known form. Check versions.`,
  );
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
