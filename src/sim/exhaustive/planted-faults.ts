/**
 * Rules of the protocol broken on purpose, one at a time, with the promise that breaks then. Each must be found: so the
 * search sees the situations that the rule is there for.
 */

import type { AcceptorRequest } from '../../cluster/acceptor.ts';
import { type AcceptorState, type AcceptorStep, stepAcceptor } from '../../cluster/acceptor-state.ts';
import { decideTakeOver, type TakeOverFacts } from '../../cluster/take-over.ts';
import type { ClusterTiming } from '../../cluster/timing.ts';
import type { Bounds } from './bounds.ts';
import type { Rules } from './rules.ts';

export interface PlantedFault {
  readonly name: string;
  readonly rules: Partial<Rules>;
  /** What it needs beyond the small bounds. */
  readonly bounds?: Partial<Bounds>;
  readonly promise: RegExp;
}

const TWO_HISTORIES = /two histories/;
const LOST = /was acknowledged, and/;

export const plantedFaults: readonly PlantedFault[] = [
  {
    name: 'a vote accepts below its promise',
    rules: { stepAcceptor: acceptWithoutPromise },
    promise: TWO_HISTORIES,
  },
  { name: 'a vote promises every ballot', rules: { stepAcceptor: promiseAnything }, promise: TWO_HISTORIES },
  {
    name: 'a vote forgets in a crash',
    rules: { remembersVotes: false },
    bounds: { crashes: 1 },
    promise: TWO_HISTORIES,
  },
  { name: 'a shrink is believed before the register has it', rules: { shrinksByRegister: false }, promise: LOST },
  { name: 'a set grows before commits need the joiner', rules: { requiresJoiner: false }, promise: LOST },
  { name: 'an unknown outcome counts as failure', rules: { unknownMayHappen: false }, promise: LOST },
  {
    name: 'a value that was read is not written back',
    rules: { writesBack: false },
    bounds: { ballots: 3 },
    promise: LOST,
  },
  {
    name: 'no fence: lower epochs are not refused',
    rules: { promisesFirst: false, refusesLowerEpochs: false },
    bounds: { crashes: 1 },
    promise: LOST,
  },
  { name: 'a copy takes over that is not in sync', rules: { decideTakeOver: takeAnyway }, promise: LOST },
  {
    name: 'a taker leads without asking whom the register names',
    rules: { checksOwner: false },
    bounds: { records: 0 },
    promise: /two owners of epoch 2/,
  },
  {
    name: 'an answer does not wait for the disk',
    rules: { waitsForSync: false },
    bounds: { isSyncSlow: true },
    promise: LOST,
  },
];

export function acceptWithoutPromise(state: AcceptorState | undefined, request: AcceptorRequest): AcceptorStep {
  if (state === undefined || request.kind !== 'accept') return stepAcceptor(state, request);
  const { ballot, value } = request;
  return { state: { ...state, accepted: { ballot, value } }, reply: { kind: 'accepted' } };
}

export function promiseAnything(state: AcceptorState | undefined, request: AcceptorRequest): AcceptorStep {
  if (state === undefined || request.kind !== 'prepare') return stepAcceptor(state, request);
  return {
    state: { ...state, promised: request.ballot },
    reply: { kind: 'promised', accepted: state.accepted },
  };
}

function takeAnyway(facts: TakeOverFacts, timing: ClusterTiming): ReturnType<typeof decideTakeOver> {
  const decision = decideTakeOver(facts, timing);
  return decision.kind === 'wait' ? { kind: 'take', how: 'in-sync', inSync: [facts.host], lossy: null } : decision;
}
