/**
 * The two sides of the lease, without clocks: they are handed readings.
 *
 *   holder   sends a renewal at t, gets it confirmed, may act until t + lease
 *   watcher  sees a change at s >= t, may move at s + grace if nothing changed since
 *
 * A machine that was frozen does not notice it on its monotonic clock; the wall clock jumps when it is set right.
 * So the holder compares how far both have come since the renewal was sent, and does not trust itself when they
 * disagree, until the next renewal (C7).
 */
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { member, type RegisterDocument } from './register-document.ts';

/** Both clocks of one machine at one moment. */
export interface ClockReading {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

export function readClock(clock: Clock): ClockReading {
  return { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
}

export function wallOffsetMs(reading: ClockReading): number {
  return reading.wallMs - reading.monotonicMs;
}

export class LeaseHolder {
  readonly #clockJumpMs: number;
  #epoch = 0;
  #untilMs = Number.NEGATIVE_INFINITY;
  #wallOffsetMs = 0;

  constructor(options: { clockJumpMs: number }) {
    this.#clockJumpMs = options.clockJumpMs;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** The last confirmed end, on the monotonic clock. */
  get untilMs(): number {
    return this.#untilMs;
  }

  /** Takes what CopyControl.leaseHeldUntil brings. A renewal that comes late, after a newer one, changes nothing. */
  heldUntil(untilMs: number, epoch: number, offsetMs: number): void {
    assert(Number.isFinite(untilMs), 'A lease ends at some time');
    if (epoch < this.#epoch || (epoch === this.#epoch && untilMs <= this.#untilMs)) return;
    this.#epoch = epoch;
    this.#untilMs = untilMs;
    this.#wallOffsetMs = offsetMs;
  }

  /** May the holder act under `epoch` at this very moment? Ask after every wait, right before bytes leave. */
  isHeld(now: ClockReading, epoch: number = this.#epoch): boolean {
    if (epoch !== this.#epoch || now.monotonicMs >= this.#untilMs) return false;
    return Math.abs(wallOffsetMs(now) - this.#wallOffsetMs) <= this.#clockJumpMs;
  }

  drop(): void {
    this.#untilMs = Number.NEGATIVE_INFINITY;
  }
}

/**
 * What a watcher compares: whose lease it is, and which renewal of it. The in-sync set too: only an owner that lives changes
 * it, and one that was stopped for longer than the grace may do so before it renews its lease.
 */
export interface LeaseMark {
  readonly active: string | null;
  readonly epoch: number;
  readonly incarnation: number;
  readonly lease: number;
  readonly inSync: string;
}

export function leaseMarkOf(document: RegisterDocument, storageGroup: string): LeaseMark | undefined {
  const group = member(document.storageGroups, storageGroup);
  if (group === undefined) return undefined;
  const node = group.active === null ? undefined : member(document.nodes, group.active);
  return {
    active: group.active,
    epoch: group.epoch,
    incarnation: node?.incarnation ?? 0,
    lease: node?.lease ?? 0,
    inSync: group.inSync.join('\n'),
  };
}

export function isSameMark(left: LeaseMark | undefined, right: LeaseMark | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return (
    left.active === right.active &&
    left.epoch === right.epoch &&
    left.incarnation === right.incarnation &&
    left.lease === right.lease &&
    left.inSync === right.inSync
  );
}

/** Watches one storage group's lease. Any difference, forward or back, starts the count afresh. */
export class LeaseWatcher {
  #mark: LeaseMark | undefined;
  #sinceMs = 0;

  get mark(): LeaseMark | undefined {
    return this.#mark;
  }

  /** `nowMs`: monotonic, read after the answer came. */
  observe(mark: LeaseMark, nowMs: number): void {
    if (isSameMark(mark, this.#mark)) return;
    this.#mark = mark;
    this.#sinceMs = nowMs;
  }

  /** How long the last mark has been the same. 0 before anything was seen. */
  stoodStillForMs(nowMs: number): number {
    return this.#mark === undefined ? 0 : Math.max(0, nowMs - this.#sinceMs);
  }
}
