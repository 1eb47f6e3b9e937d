/**
 * What a host does for the storage groups that it leads, at every look at the register: gives one up whose commits hang
 * while another copy could serve, and moves one back to the node that is preferred.
 */
import { type Clock, sleep } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { messageOf } from '../base/problem.ts';
import { decideStall, StallWatch } from './commit-stall.ts';
import { recordMove } from './configuration-changes.ts';
import { decideFailback, InSyncWatch } from './failback.ts';
import type { ChangeOutcome } from './register.ts';
import { hasHeir, member, type RegisterDocument, serverOf } from './register-document.ts';
import type { Seat } from './seat.ts';
import { CLOCK_DRIFT, type ClusterTiming } from './timing.ts';

export interface ActiveCareOptions {
  readonly host: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timing: ClusterTiming;
  readonly stepDown: (seat: Seat, reason: string) => Promise<void>;
  readonly giveUp: (storageGroup: string, epoch: number, reason: string) => Promise<unknown>;
  readonly handOff: (storageGroup: string, target: string) => Promise<{ readonly kind: string }>;
  readonly change: (decide: (document: RegisterDocument) => RegisterDocument | undefined) => Promise<ChangeOutcome>;
}

interface Watches {
  readonly epoch: number;
  readonly stall: StallWatch;
  readonly inSync: InSyncWatch;
}

export class ActiveCare {
  readonly #options: ActiveCareOptions;
  readonly #watches = new WeakMap<Seat, Watches>();

  constructor(options: ActiveCareOptions) {
    this.#options = options;
  }

  /** What is to be done for this seat now; resolves when it is done. undefined: nothing. */
  look(seat: Seat, document: RegisterDocument, nowMs: number): Promise<void> | undefined {
    const group = member(document.storageGroups, seat.storageGroup);
    if (seat.active === undefined || seat.isBusy || group === undefined) return undefined;
    const { host, timing, clock } = this.#options;
    const watches = this.#watchesOf(seat, seat.active.epoch);
    const stalledMs = watches.stall.observe(seat.control.view(), nowMs);
    if (decideStall({ stalledMs, hasHeir: hasHeir(group, host) }, timing) === 'give-up') {
      return this.#giveUpHanging(seat, seat.active.epoch, stalledMs);
    }
    watches.inSync.observe(group.inSync, nowMs);
    const inSyncForMs = (other: string): number => watches.inSync.forMs(other, nowMs);
    const facts = { document, storageGroup: seat.storageGroup, host, inSyncForMs, wallMs: clock.wallMs() };
    const decision = decideFailback(facts, timing);
    return decision.kind === 'move' ? this.#failBack(seat, document, decision.target) : undefined;
  }

  #watchesOf(seat: Seat, epoch: number): Watches {
    const known = this.#watches.get(seat);
    if (known?.epoch === epoch) return known;
    const fresh = { epoch, stall: new StallWatch(), inSync: new InSyncWatch() };
    this.#watches.set(seat, fresh);
    return fresh;
  }

  /**
   * A copy whose disk hangs may not come to an end with stepping down. It need not: from here on its lease is not
   * extended, and when that has run out it answers nobody, whatever it still does. Only then is the group given up.
   */
  async #giveUpHanging(seat: Seat, epoch: number, stalledMs: number): Promise<void> {
    const { clock, logger, timing, stepDown, giveUp } = this.#options;
    const { storageGroup } = seat;
    const reason = `no commit was completed for ${Math.round(stalledMs)} ms`;
    seat.isBusy = true;
    try {
      const ended = stepDown(seat, reason).catch((error: unknown) => {
        logger.error({ storageGroup, epoch, error: messageOf(error) }, 'a copy that hangs did not step down');
        return sleep(clock, timing.leaseMs * (1 + CLOCK_DRIFT));
      });
      await Promise.race([ended, sleep(clock, timing.leaseMs * (1 + CLOCK_DRIFT))]);
      await giveUp(storageGroup, epoch, reason);
    } finally {
      seat.isBusy = false;
    }
  }

  async #failBack(seat: Seat, document: RegisterDocument, target: string): Promise<void> {
    const { host, clock, logger, handOff, change } = this.#options;
    const { storageGroup } = seat;
    logger.info({ storageGroup, target }, 'moving back to the preferred node');
    const answer = await handOff(storageGroup, target);
    const server = serverOf(document, storageGroup)?.name;
    if (answer.kind !== 'moved' || server === undefined) {
      logger.warn({ storageGroup, target, ...answer }, 'not moved back');
      this.#watches.delete(seat);
      return;
    }
    const move = { from: host, to: target, comment: 'failback', atMs: Math.floor(clock.wallMs()) };
    await change((current) => recordMove(current, server, move));
  }
}
