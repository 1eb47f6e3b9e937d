/**
 * Case 16, for one storage group that is active here: drain it to the target, then hand it over in the register. Whether
 * it should be moved is hand-off.ts's question.
 */
import type { Logger } from '../base/logger.ts';
import { messageOf } from '../base/problem.ts';
import { moveTo } from './changes.ts';
import type { NodeSession } from './node-session.ts';
import type { Seat } from './seat.ts';
import type { SteppingDown } from './stepping-down.ts';
import type { ClusterTiming } from './timing.ts';

export type MoveAnswer =
  | { readonly kind: 'moved' }
  | { readonly kind: 'not-moved' | 'unknown'; readonly reason: string };

export interface PlannedMoveOptions {
  readonly host: string;
  readonly logger: Logger;
  readonly timing: ClusterTiming;
  readonly session: NodeSession;
  readonly steppingDown: SteppingDown;
}

export class PlannedMove {
  readonly #options: PlannedMoveOptions;

  constructor(options: PlannedMoveOptions) {
    this.#options = options;
  }

  async move(seat: Seat | undefined, target: string): Promise<MoveAnswer> {
    if (seat?.active === undefined) return { kind: 'not-moved', reason: `it is not active on ${this.#options.host}` };
    if (seat.isBusy) return { kind: 'not-moved', reason: 'another change of it is under way' };
    const { epoch } = seat.active;
    return seat.whileBusy(() => this.#drainAndMove(seat, epoch, target));
  }

  async #drainAndMove(seat: Seat, epoch: number, target: string): Promise<MoveAnswer> {
    const { host, session, steppingDown } = this.#options;
    const { storageGroup, control } = seat;
    if (!(await this.#drained(seat, target))) {
      resume(seat, epoch);
      return { kind: 'not-moved', reason: `${target} did not get everything in time` };
    }
    const { durableLsn: lsn, generation } = control.view();
    const claim = { storageGroup, host, epoch, target, hint: { lsn, generation } };
    const outcome = await session.change((document) => moveTo(document, claim));
    // What follows from it here, the service has done already: it has seen the new epoch, and made this copy step down.
    if (outcome.kind === 'changed') return { kind: 'moved' };
    if (outcome.kind === 'unknown') {
      // Stepping down is right both ways: if the move did not happen, this host takes its group again.
      await steppingDown.stepDown(seat, 'the outcome of its move is not known');
      return { kind: 'unknown', reason: outcome.reason };
    }
    resume(seat, epoch);
    return { kind: 'not-moved', reason: outcome.kind === 'unavailable' ? outcome.reason : `${target} may not lead it` };
  }

  async #drained(seat: Seat, target: string): Promise<boolean> {
    const { logger, timing } = this.#options;
    try {
      return await seat.control.drain(target, timing.drainTimeoutMs);
    } catch (error) {
      logger.warn({ storageGroup: seat.storageGroup, target, error: messageOf(error) }, 'copy not drained');
      return false;
    }
  }
}

function resume(seat: Seat, epoch: number): void {
  if (seat.active?.epoch === epoch) seat.control.resume(epoch);
}
