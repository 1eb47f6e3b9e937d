/** A copy that does what CopyControl asks, keeps to its lease, and remembers what it was told. Its facts are set by the story. */
import type { Clock } from '../../base/clock.ts';
import type { ActivationGrant, CopyControl, CopyView } from '../copy-control.ts';
import { LeaseHolder, readClock } from '../lease.ts';
import { defaultTiming } from '../timing.ts';

export class FakeCopy implements CopyControl {
  readonly #clock: Clock;
  readonly lease = new LeaseHolder({ clockJumpMs: defaultTiming.clockJumpMs });
  readonly events: string[] = [];
  facts: CopyView;
  grant: ActivationGrant | undefined;
  inSync: readonly string[] = [];
  copies: readonly string[] = [];
  fencedEpoch = 0;
  usedEpoch = 0;
  isDead = false;
  canDrain = true;
  activationError: Error | undefined;

  constructor(clock: Clock, position: { lsn: number; generation: number }) {
    this.#clock = clock;
    this.facts = {
      state: 'passive',
      epochSeen: 0,
      endLsn: position.lsn,
      durableLsn: position.lsn,
      generation: position.generation,
      copyQueueLength: 0,
      replayQueueLength: 0,
      failedMessage: null,
      seeding: false,
      resynchronizing: false,
      initializing: false,
      mayTakeOver: true,
    };
  }

  /** Would it answer a client now? */
  get isServing(): boolean {
    return !this.isDead && this.grant !== undefined && this.lease.isHeld(readClock(this.#clock), this.grant.epoch);
  }

  /** Would it acknowledge a record of `epoch`? */
  acknowledges(epoch: number): boolean {
    return !this.isDead && epoch >= Math.max(this.fencedEpoch, this.usedEpoch);
  }

  view(): CopyView {
    return { ...this.facts, epochSeen: Math.max(this.fencedEpoch, this.usedEpoch) };
  }

  async fence(epoch: number): Promise<boolean> {
    if (epoch <= this.usedEpoch || epoch < this.fencedEpoch) return false;
    this.events.push(`fence ${epoch}`);
    this.fencedEpoch = epoch;
    return true;
  }

  async unfence(epoch: number): Promise<void> {
    if (epoch !== this.fencedEpoch) return;
    this.events.push(`unfence ${epoch}`);
    this.fencedEpoch = this.usedEpoch;
  }

  async activate(grant: ActivationGrant): Promise<void> {
    if (this.activationError !== undefined) throw this.activationError;
    this.events.push(`activate ${grant.epoch}`);
    this.usedEpoch = grant.epoch;
    this.grant = grant;
    this.inSync = grant.inSync;
    this.facts = { ...this.facts, state: 'active' };
  }

  leaseHeldUntil(untilMs: number, epoch: number, wallOffsetMs: number): void {
    this.lease.heldUntil(untilMs, epoch, wallOffsetMs);
  }

  inSyncChanged(epoch: number, inSync: readonly string[]): void {
    this.events.push(`inSync ${epoch} ${inSync.join('+')}`);
    this.inSync = inSync;
  }

  copiesChanged(copies: readonly string[]): void {
    this.copies = copies;
  }

  async stepDown(epoch: number): Promise<void> {
    this.events.push(`stepDown ${epoch}`);
    this.grant = undefined;
    this.facts = { ...this.facts, state: 'passive' };
  }

  async drain(): Promise<boolean> {
    this.events.push('drain');
    return this.canDrain;
  }

  resume(epoch: number): void {
    this.events.push(`resume ${epoch}`);
  }
}
