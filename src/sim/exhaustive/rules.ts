/**
 * What decides in the searched world: the production functions, and a few places at which a rule of the protocol can be
 * broken on purpose. A search that does not find what a broken rule leads to proves nothing about the unbroken ones.
 */

import type { AcceptorRequest } from '../../cluster/acceptor.ts';
import { type AcceptorState, type AcceptorStep, stepAcceptor } from '../../cluster/acceptor-state.ts';
import { decideTakeOver, type TakeOverFacts } from '../../cluster/take-over.ts';
import type { ClusterTiming } from '../../cluster/timing.ts';

export interface Rules {
  readonly stepAcceptor: typeof stepAcceptor;
  readonly decideTakeOver: typeof decideTakeOver;
  /** C4: a taker promises the epoch before it tries. */
  readonly promisesFirst: boolean;
  /** C2: a copy refuses what is of a lower epoch than it knows. */
  readonly refusesLowerEpochs: boolean;
  /** C3: a smaller set counts once it is in the register, not when it is asked for. */
  readonly shrinksByRegister: boolean;
  /** C3: every commit needs the joiner before the register is asked to name it. */
  readonly requiresJoiner: boolean;
  /** A change whose outcome is unknown may still happen. */
  readonly unknownMayHappen: boolean;
  /** A value that was read is written back before anybody relies on it. */
  readonly writesBack: boolean;
  /** C1: what is answered is synced here. */
  readonly waitsForSync: boolean;
  /** C5: whoever leads raises the epoch. */
  readonly remembersVotes: boolean;
}

export const productionRules: Rules = {
  stepAcceptor,
  decideTakeOver,
  promisesFirst: true,
  refusesLowerEpochs: true,
  shrinksByRegister: true,
  requiresJoiner: true,
  unknownMayHappen: true,
  writesBack: true,
  waitsForSync: true,
  remembersVotes: true,
};

export interface PlantedFault {
  readonly name: string;
  readonly rules: Partial<Rules>;
}

export const plantedFaults: readonly PlantedFault[] = [
  { name: 'a vote accepts below its promise', rules: { stepAcceptor: acceptWithoutPromise } },
  { name: 'a vote promises twice', rules: { stepAcceptor: promiseAnything } },
  { name: 'a shrink is believed before the register has it', rules: { shrinksByRegister: false } },
  { name: 'an unknown outcome counts as failure', rules: { unknownMayHappen: false } },
  { name: 'lower epochs are not refused', rules: { promisesFirst: false, refusesLowerEpochs: false } },
  { name: 'a set grows before commits need the joiner', rules: { requiresJoiner: false } },
  { name: 'a copy takes over that is not in sync', rules: { decideTakeOver: takeAnyway } },
  { name: 'a value is read and not written back', rules: { writesBack: false } },
  { name: 'an answer does not wait for the disk', rules: { waitsForSync: false } },
  { name: 'a vote forgets in a crash', rules: { remembersVotes: false } },
];

function acceptWithoutPromise(state: AcceptorState | undefined, request: AcceptorRequest): AcceptorStep {
  if (state === undefined || request.kind !== 'accept') return stepAcceptor(state, request);
  const { ballot, value } = request;
  return { state: { ...state, accepted: { ballot, value } }, reply: { kind: 'accepted' } };
}

function promiseAnything(state: AcceptorState | undefined, request: AcceptorRequest): AcceptorStep {
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
