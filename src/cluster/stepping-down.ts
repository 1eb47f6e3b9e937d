/**
 * The way back of an owner: step down, then give up. The order must not be broken. First the copy here answers nothing
 * more under its epoch, then the register learns that nobody owns the group; the other way round two could answer at once.
 *
 * What was given up stays noted until the register certainly says so, and rides on every change of the lease until then.
 */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { messageOf } from '../base/problem.ts';
import { giveUp, isOwner, type OwnerClaim } from './changes.ts';
import type { RequestAnswer } from './copy-control.ts';
import type { NodeSession } from './node-session.ts';
import type { RegisterDocument } from './register-document.ts';
import type { Seat } from './seat.ts';
import type { ClusterTiming } from './timing.ts';

export interface SteppingDownOptions {
  readonly host: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timing: ClusterTiming;
  readonly session: NodeSession;
  readonly seats: ReadonlyMap<string, Seat>;
}

export class SteppingDown {
  readonly #options: SteppingDownOptions;
  /** Given up here, not yet known to be given up in the register. */
  readonly #givenUp = new Map<string, OwnerClaim>();

  constructor(options: SteppingDownOptions) {
    this.#options = options;
  }

  /** What the register may not know yet. */
  get givenUp(): readonly OwnerClaim[] {
    return [...this.#givenUp.values()];
  }

  isGivenUp(storageGroup: string, epoch: number | undefined): boolean {
    return this.#givenUp.get(storageGroup)?.epoch === epoch;
  }

  /** `document` is certainly the register's. */
  noteChosen(document: RegisterDocument): void {
    for (const [storageGroup, claim] of this.#givenUp) {
      if (!isOwner(document, claim)) this.#givenUp.delete(storageGroup);
    }
  }

  async stepDown(seat: Seat, reason: string): Promise<void> {
    const epoch = seat.active?.epoch;
    if (epoch === undefined) return;
    seat.active = undefined;
    this.#options.logger.warn({ storageGroup: seat.storageGroup, epoch, reason }, 'stepping down');
    await seat.control.stepDown(epoch, reason);
  }

  /** If stepping down fails, nothing is given up: the lease, no longer extended, ends what may still run. */
  async stepDownAndGiveUp(seat: Seat, reason: string): Promise<void> {
    const { logger } = this.#options;
    const { storageGroup } = seat;
    const epoch = seat.active?.epoch;
    if (epoch === undefined) return;
    this.#abstain(seat);
    try {
      await this.stepDown(seat, reason);
    } catch (error) {
      logger.error({ storageGroup, epoch, error: messageOf(error) }, 'copy did not step down');
      return;
    }
    await this.giveUp(storageGroup, epoch, reason);
  }

  /** Nothing here answers under `epoch` any more. */
  async giveUp(storageGroup: string, epoch: number, reason: string): Promise<RequestAnswer> {
    const { host, logger, session, seats } = this.#options;
    const claim = { storageGroup, host, epoch };
    this.#givenUp.set(storageGroup, claim);
    const seat = seats.get(storageGroup);
    if (seat !== undefined) this.#abstain(seat);
    logger.warn({ storageGroup, epoch, reason }, 'giving up');
    const outcome = await session.change((document) => giveUp(document, claim));
    if (outcome.kind === 'changed') return 'changed';
    return outcome.kind === 'unchanged' ? 'refused' : 'unknown';
  }

  /** Others go first. */
  #abstain(seat: Seat): void {
    seat.abstainUntilMs = this.#options.clock.monotonicMs() + this.#options.timing.abstainMs;
  }
}
