/**
 * Performs a takeover: fence, change, and only then lead (C4). What makes it safe is what it does not do: it never acts
 * on a document that it has not changed itself, decides afresh on what the register really holds, and never lifts a
 * fence while a change that was sent may still come true.
 */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { messageOf } from '../base/problem.ts';
import { takeOver } from './changes.ts';
import { formatLevelOf } from './format-level.ts';
import type { ClockReading } from './lease.ts';
import { MAX_EPOCH } from './limits.ts';
import { documentOf, type LeaseDraws, type NodeSession } from './node-session.ts';
import type { ChangeOutcome } from './register.ts';
import { member, type RegisterDocument, type StorageGroupRecord } from './register-document.ts';
import type { Seat } from './seat.ts';
import type { decideTakeOver } from './take-over.ts';
import type { ClusterTiming } from './timing.ts';
import { withinTime } from './within-time.ts';

export interface Taken {
  readonly group: StorageGroupRecord;
  readonly formatLevel: number;
  /** When the change was sent: the lease counts from here. */
  readonly sent: ClockReading;
  readonly previousActive: string | null;
}

export interface TakeOverDriverOptions {
  readonly session: NodeSession;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timing: ClusterTiming;
}

export class TakeOverDriver {
  readonly #session: NodeSession;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #timing: ClusterTiming;

  constructor(options: TakeOverDriverOptions) {
    this.#session = options.session;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#timing = options.timing;
  }

  /** undefined: not taken, or not known (then `seat.unsettledEpoch` is set). `seen`: what the watcher saw last. */
  async take(seat: Seat, seen: RegisterDocument, decide: typeof decideTakeOver): Promise<Taken | undefined> {
    const group = member(seen.storageGroups, seat.storageGroup);
    const expected = seat.watcher.mark;
    if (group === undefined || expected?.epoch !== group.epoch) return undefined;
    // The copy may have promised more than the register ever got to know: in a run that died before its change was made.
    const epoch = Math.max(group.epoch, seat.control.view().epochSeen) + 1;
    if (epoch > MAX_EPOCH || !(await this.#fence(seat, epoch))) return undefined;
    const draws = this.#session.leaseDraws();
    let how = 'nothing';
    const outcome = await this.#session.change((document) => {
      const facts = seat.facts(document, this.#session.host, this.#clock.monotonicMs());
      const decision = decide(facts, this.#timing);
      how = decision.kind === 'take' ? decision.how : decision.kind;
      if (decision.kind !== 'take' || seat.isDetached) return undefined;
      const { inSync, lossy } = decision;
      return takeOver(document, { ...draws.next(), storageGroup: seat.storageGroup, expected, epoch, inSync, lossy });
    });
    this.#logger.info({ storageGroup: seat.storageGroup, epoch, how, outcome: outcome.kind }, 'takeover tried');
    return this.#conclude(seat, epoch, outcome, draws, group.active);
  }

  /** Finds out what became of a takeover whose outcome is unknown. */
  async settle(seat: Seat, epoch: number): Promise<void> {
    const outcome = await this.#session.change(() => undefined);
    if (outcome.kind !== 'unchanged') return;
    seat.unsettledEpoch = undefined;
    seat.settledEpoch = epoch;
    // If it did happen, the next look finds this host the owner, and takes it again under a higher epoch (C5).
    if (outcome.document !== undefined) await this.#unfenceUnlessUsed(seat, epoch, outcome.document);
  }

  /** An epoch that somebody leads is no broken promise: the fence is right where it is. */
  async #unfenceUnlessUsed(seat: Seat, epoch: number, document: RegisterDocument): Promise<void> {
    const group = member(document.storageGroups, seat.storageGroup);
    if (group === undefined || group.epoch < epoch) await this.#unfence(seat, epoch);
  }

  async #fence(seat: Seat, epoch: number): Promise<boolean> {
    const deadlineMs = this.#clock.monotonicMs() + this.#timing.registerTimeoutMs;
    let reason = 'the copy knows a higher epoch, or could not store this one';
    try {
      if (await withinTime(this.#clock, deadlineMs, 'fence the copy', seat.control.fence(epoch))) return true;
    } catch (error) {
      reason = messageOf(error);
      // It may yet be stored. But nothing was asked of the register, so it need not stay.
      if (seat.unsettledEpoch === undefined) await this.#unfence(seat, epoch);
    }
    seat.waitReason = reason;
    this.#logger.warn({ storageGroup: seat.storageGroup, epoch, reason }, 'copy not fenced');
    return false;
  }

  async #conclude(
    seat: Seat,
    epoch: number,
    outcome: ChangeOutcome,
    draws: LeaseDraws,
    previousActive: string | null,
  ): Promise<Taken | undefined> {
    const document = documentOf(outcome);
    if (document === undefined) {
      // 'unavailable' says that this change was never sent; one before it, still unknown, may have been.
      const isSafe = outcome.kind !== 'unknown' && seat.unsettledEpoch === undefined;
      if (isSafe) await this.#unfence(seat, epoch);
      else seat.unsettledEpoch = epoch;
      return undefined;
    }
    seat.unsettledEpoch = undefined;
    const group = member(document.storageGroups, seat.storageGroup);
    const sent = draws.readingIn(document, this.#session.host);
    const isMine = group?.active === this.#session.host && group.epoch === epoch;
    const formatLevel = formatLevelOf(document);
    if (outcome.kind === 'changed' && isMine && sent !== undefined) return { group, formatLevel, sent, previousActive };
    await this.#unfenceUnlessUsed(seat, epoch, document);
    return undefined;
  }

  async #unfence(seat: Seat, epoch: number): Promise<void> {
    try {
      await seat.control.unfence(epoch);
    } catch (error) {
      this.#logger.warn({ storageGroup: seat.storageGroup, epoch, error: messageOf(error) }, 'copy not unfenced');
    }
  }
}
