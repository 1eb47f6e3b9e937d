/**
 * What decides in the searched world: the production functions, and a few places at which a rule of the protocol can be
 * broken on purpose. A search that does not find what a broken rule leads to proves nothing about the unbroken ones.
 */
import { stepAcceptor } from '../../cluster/acceptor-state.ts';
import { decideTakeOver } from '../../cluster/take-over.ts';

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
  /** A vote keeps what it promised through a crash. */
  readonly remembersVotes: boolean;
  /** Whoever changed the register leads only if the register then names it, under that epoch. */
  readonly checksOwner: boolean;
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
  checksOwner: true,
};
