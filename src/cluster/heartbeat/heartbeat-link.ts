/**
 * What one host can say of the way to one other host over one network. Facts in: a heartbeat came, time passed, this
 * process stood still. Out: up or not.
 *
 * A heartbeat counts only when it echoes the run that this process drew at its start. So it proves two things at once:
 * both directions work, and it is not one that somebody recorded before. Within a run the sequence must grow; a run of
 * the peer that was followed by another never counts again.
 *
 * After it was down, a network is up again only after several heartbeats in a row: one that flaps is not worth the
 * change, and while it flaps the others carry everything.
 */

import type { HeartbeatSettings } from '../networks/cluster-network.ts';
import { NOBODY_HEARD } from './datagram.ts';

/** `starting`: not heard yet, and not for long enough to call it down. */
export type LinkState = 'starting' | 'up' | 'one-way' | 'down';
export type Received = 'counted' | 'greeting' | 'refused';

/**
 * Whether what runs over the network is to be given up: it worked, or was not known not to. One that was down and is heard again,
 * without being heard itself, is on its way back: what has come about over it since proves more than heartbeats do.
 */
export function isLoss(before: LinkState, after: LinkState): boolean {
  const isLost = (state: LinkState): boolean => state === 'down' || state === 'one-way';
  return isLost(after) && !isLost(before);
}

/** Heartbeats in a row after which a network that was down is up again. */
const RECOVERY_BEATS = 4;
/** Earlier runs of one peer that are remembered: as many restarts of it within one run of ours. */
const MAX_RETIRED_RUNS = 256;

export class HeartbeatLink {
  readonly #settings: HeartbeatSettings;
  readonly #ownRun: string;
  #sequence = 0;
  #peerRun = NOBODY_HEARD;
  #peerSequence = 0;
  /** A run that speaks and has not proved yet that it hears us. */
  #greetingRun = NOBODY_HEARD;
  #greetedAtMs = Number.NEGATIVE_INFINITY;
  readonly #retiredRuns = new Set<string>();
  #heardAtMs: number;
  #beatsInRow = 0;
  #state: LinkState = 'starting';

  constructor(settings: HeartbeatSettings, ownRun: string, nowMs: number) {
    this.#settings = settings;
    this.#ownRun = ownRun;
    this.#heardAtMs = nowMs;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** What the next datagram to the peer says. */
  next(nowMs: number): { readonly sequence: number; readonly echo: string } {
    this.#sequence += 1;
    const isAlive = this.#peerRun !== NOBODY_HEARD && nowMs - this.#heardAtMs <= this.#toleranceMs;
    return { sequence: this.#sequence, echo: isAlive ? this.#peerRun : this.#greetingRun };
  }

  receive(beat: { readonly run: string; readonly echo: string; readonly sequence: number }, nowMs: number): Received {
    if (this.#retiredRuns.has(beat.run) || beat.run === NOBODY_HEARD) return 'refused';
    if (beat.run === this.#peerRun && beat.sequence <= this.#peerSequence) return 'refused';
    if (beat.echo !== this.#ownRun) {
      this.#greetingRun = beat.run;
      this.#greetedAtMs = nowMs;
      return 'greeting';
    }
    this.#adopt(beat.run);
    this.#peerSequence = beat.sequence;
    this.#heardAtMs = nowMs;
    this.#beatsInRow += 1;
    return 'counted';
  }

  #adopt(run: string): void {
    if (run === this.#peerRun) return;
    if (this.#peerRun !== NOBODY_HEARD) this.#retiredRuns.add(this.#peerRun);
    const [oldest] = this.#retiredRuns;
    if (this.#retiredRuns.size > MAX_RETIRED_RUNS && oldest !== undefined) this.#retiredRuns.delete(oldest);
    this.#peerRun = run;
  }

  /** This process did not run for so long: what it did not hear then says nothing of the network. */
  stoodStill(forMs: number): void {
    this.#heardAtMs += forMs;
  }

  /** The state as of now. */
  update(nowMs: number): LinkState {
    const silentMs = nowMs - this.#heardAtMs;
    if (silentMs > this.#toleranceMs) {
      this.#beatsInRow = 0;
      this.#state = nowMs - this.#greetedAtMs <= this.#toleranceMs ? 'one-way' : 'down';
    } else if (this.#beatsInRow > 0 && (this.#state === 'starting' || this.#beatsInRow >= RECOVERY_BEATS)) {
      this.#state = 'up';
    }
    return this.#state;
  }

  /** Half of what is tolerated is missing: nothing follows from it but a closer look. */
  isLate(nowMs: number): boolean {
    return nowMs - this.#heardAtMs > this.#toleranceMs / 2;
  }

  get #toleranceMs(): number {
    return this.#settings.intervalMs * this.#settings.toleratedMissed;
  }
}
