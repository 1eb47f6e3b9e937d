/**
 * The renewals of a host's lease: one change of the register that carries the lease, the hints and what was given up. Its
 * answer extends the leases of the copies that are active here, counted from when the change was sent.
 */
import type { Logger } from '../base/logger.ts';
import { compose, giveUp, renewLease } from './changes.ts';
import type { RequestAnswer } from './copy-control.ts';
import { HintBoard } from './hint-board.ts';
import { type ClockReading, wallOffsetMs } from './lease.ts';
import { documentOf, type NodeSession } from './node-session.ts';
import type { ChangeOutcome } from './register.ts';
import { type LogPosition, member, type RegisterDocument } from './register-document.ts';
import type { Seat } from './seat.ts';
import type { SteppingDown } from './stepping-down.ts';
import type { ClusterTiming } from './timing.ts';

export interface LeaseRenewalOptions {
  readonly host: string;
  readonly logger: Logger;
  readonly timing: ClusterTiming;
  readonly session: NodeSession;
  readonly steppingDown: SteppingDown;
  readonly seats: ReadonlyMap<string, Seat>;
}

export class LeaseRenewal {
  readonly #options: LeaseRenewalOptions;
  readonly #hints: HintBoard;
  #isRenewing = true;

  constructor(options: LeaseRenewalOptions) {
    this.#options = options;
    this.#hints = new HintBoard(options.host);
  }

  /** Rides on the next renewal. */
  postHint(storageGroup: string, epoch: number, hint: LogPosition): Promise<RequestAnswer> {
    return this.#hints.post(storageGroup, epoch, hint);
  }

  /** Whoever waits for a hint learns that its fate is not known. */
  dropHints(): void {
    this.#hints.take().settle(undefined);
  }

  async renew(): Promise<void> {
    const { session, steppingDown } = this.#options;
    if (!session.isJoined || !this.#isNeeded()) return this.dropHints();
    const draws = session.leaseDraws();
    const { givenUp } = steppingDown;
    const hints = this.#hints.take();
    const outcome = await session.change((document) => {
      if (!session.isCurrentIn(document)) return undefined;
      const claim = draws.next();
      return compose(document, [
        (current) => renewLease(current, claim),
        ...givenUp.map((given) => (current: RegisterDocument) => giveUp(current, given)),
        ...hints.changes(),
      ]);
    });
    const document = documentOf(outcome);
    hints.settle(document);
    this.#note(outcome);
    const reading = document && draws.readingIn(document, this.#options.host);
    if (document !== undefined && reading !== undefined) this.#extendAll(document, reading);
  }

  /** `sent`: when the change that holds the lease was sent. */
  extend(seat: Seat, epoch: number, sent: ClockReading): void {
    seat.control.leaseHeldUntil(sent.monotonicMs + this.#options.timing.leaseMs, epoch, wallOffsetMs(sent));
  }

  #isNeeded(): boolean {
    const { steppingDown, seats } = this.#options;
    return steppingDown.givenUp.length > 0 || [...seats.values()].some((seat) => seat.active !== undefined);
  }

  /** One line when it begins to fail, one when it is over. */
  #note(outcome: ChangeOutcome): void {
    const isRenewed = outcome.kind === 'changed';
    if (isRenewed !== this.#isRenewing) {
      const message = isRenewed ? 'lease is renewed again' : 'lease is not renewed';
      this.#options.logger.warn({ outcome: outcome.kind }, message);
    }
    this.#isRenewing = isRenewed;
  }

  #extendAll(document: RegisterDocument, reading: ClockReading): void {
    for (const seat of this.#options.seats.values()) {
      const group = member(document.storageGroups, seat.storageGroup);
      const isOwned = group?.active === this.#options.host && group.epoch === seat.active?.epoch;
      if (seat.active !== undefined && isOwned) this.extend(seat, seat.active.epoch, reading);
    }
  }
}
