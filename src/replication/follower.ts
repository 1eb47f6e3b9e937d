/**
 * A passive copy: it finds the active one, asks for the log from the last common point, writes byte-identical log
 * files, makes them durable, acknowledges, and applies what the active copy says is committed (C8).
 *
 *   channel -> check chain -> log (durable) -> acknowledge
 *                          └> waiting to be applied -> (committed?) -> database
 *
 * Its database therefore never holds a record that could be withdrawn: whoever wins the next epoch, only the log's
 * tail may have to be cut, and the cut part is kept in quarantine.
 */
import type { Clock } from '../base/clock.ts';
import { sleep } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Channel, Network } from '../base/network.ts';
import { isProblem, messageOf, Problem } from '../base/problem.ts';
import { Signal } from '../base/signal.ts';
import type { CopyHosts } from './copy-hosts.ts';
import { replicationLimits } from './limits.ts';
import {
  decodeSourceFrame,
  encodeTargetFrame,
  type ReplicationHello,
  type SourceFrame,
  type SourceProgress,
} from './protocol.ts';

/** What a follower may do to the copy that it is part of. */
export interface FollowedCopy {
  hello(): ReplicationHello;
  /** The epoch below which nothing is accepted. */
  epochFloor(): number;
  /** C2: durably, before anything of this epoch is written. */
  storeEpoch(epoch: number): Promise<void>;
  /** Makes the log end exactly at `commonLsn`; the rest goes to quarantine. Problem('Diverged') when the database is beyond. */
  continueFrom(commonLsn: number, chain: number): Promise<void>;
  startFile(header: Buffer): void;
  /** Checks and queues whole record frames; returns the last LSN. Problem('LogMismatch') */
  appendFrames(frames: Buffer): number;
  durable(lsn: number): Promise<void>;
  /** Applies what is durable here up to `committedLsn`, in slices; resolves when it has. */
  applyUpTo(committedLsn: number): Promise<void>;
  readonly endLsn: number;
  readonly appliedLsn: number;
  readonly generation: number;
  readonly hasLogFailed: boolean;
  /** It may not lead, because it is new or was damaged, until it holds everything that the active copy has. */
  readonly lacksRecords: boolean;
  recordsAreBack(): Promise<void>;
}

export interface FollowerOptions {
  readonly storageGroup: string;
  /** Any of the others may be the active one. */
  readonly copies: CopyHosts;
  readonly copy: FollowedCopy;
  readonly network: Network;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of its disk (room-watch.ts): it takes no records then. */
  readonly isShortOfRoom: () => boolean;
  /** The log device failed: this copy's process cannot go on. */
  readonly onFatal: (error: unknown) => void;
}

export interface FollowerState {
  /** Name of the active copy's host while connected to it. */
  readonly source: string | null;
  /** The log has been compared and continues; set after the first word on the source's progress. */
  readonly following: boolean;
  readonly progress: SourceProgress | null;
  /** Why this copy cannot follow; it stays until it does. */
  readonly failure: string | null;
  /** Comparing logs, cutting a divergent tail. */
  readonly resynchronizing: boolean;
}

const IDLE: FollowerState = { source: null, following: false, progress: null, failure: null, resynchronizing: false };

/** Neither the record's doing nor the database's: the process ends, and begins anew where the disk lets it. */
const OF_THE_DISK = new Set(['DiskFull', 'DiskFailed', 'TooManyFiles']);

/** How often the same failure may repeat before the copy counts as failed (it is still retried). */
const FAILURES_BEFORE_FAILED = 3;
/** What no further attempt mends. */
const LASTING: ReadonlySet<string> = new Set(['SeedNeeded', 'Diverged', 'UnknownRecordKind']);

const NO_ROOM = 'Cannot follow the active copy: the disk is nearly full. Make room on it.';

export class Follower {
  readonly #options: FollowerOptions;
  #state: FollowerState = IDLE;
  #channel: Channel | undefined;
  /** Of the active copy at the other end of it. */
  #channelEpoch = 0;
  #stopped = false;
  #committedLsn = 0;
  #failures = 0;
  #applyFailure: string | null = null;
  #needsSeed = false;
  readonly #applyWanted = new Signal();
  #applying: Promise<void> | undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  get state(): FollowerState {
    return this.#state;
  }

  /** Why this copy does not follow although it could. No failure: with what it has it may lead. */
  get hold(): string | null {
    return this.#options.isShortOfRoom() ? NO_ROOM : null;
  }

  /** Why the database of this copy takes no further record. */
  get applyFailure(): string | null {
    return this.#applyFailure;
  }

  /** The active copy says that its log does not reach back to where this copy stands. */
  get needsSeed(): boolean {
    return this.#needsSeed;
  }

  /** The highest LSN that the active copy has said to be committed. */
  get committedLsn(): number {
    return this.#committedLsn;
  }

  start(): void {
    this.#applying = this.#applyLoop();
    void this.#connectLoop();
  }

  /** Lets go of the active copy when there is no room for what it sends. */
  look(): void {
    if (this.#options.isShortOfRoom()) this.#channel?.close(NO_ROOM);
  }

  /** After it resolves nothing more is acknowledged, appended or applied. */
  async stop(reason: string): Promise<void> {
    this.#stopped = true;
    this.#channel?.close(reason);
    this.#applyWanted.raise();
    await this.#applying;
  }

  async #connectLoop(): Promise<void> {
    const { copies, clock } = this.#options;
    let delayMs = replicationLimits.reconnectMinMs;
    for (let round = 0; !this.#stopped; round++) {
      const candidates = copies.others;
      const host = candidates[round % candidates.length];
      const progressBefore = this.#state.progress;
      if (host !== undefined && !this.#options.isShortOfRoom()) await this.#follow(host);
      const wasServed = this.#state.progress !== progressBefore;
      delayMs = wasServed ? replicationLimits.reconnectMinMs : Math.min(delayMs * 2, replicationLimits.reconnectMaxMs);
      this.#state = { ...this.#state, source: null, following: false, resynchronizing: false };
      if (!this.#stopped) await sleep(clock, delayMs);
    }
  }

  async #follow(host: string): Promise<void> {
    const { network, storageGroup, copy, logger } = this.#options;
    let channel: Channel;
    try {
      channel = await network.connect(`${host}/copy/${storageGroup}`, replicationLimits.connectTimeoutMs);
    } catch (error) {
      if (!isProblem(error)) logger.warn({ peer: host, reason: messageOf(error) }, 'the other copy cannot be reached');
      return;
    }
    const frames = new FrameQueue(channel);
    if (this.#stopped) return channel.close('no longer following');
    this.#channel = channel;
    try {
      channel.send(Buffer.from(JSON.stringify(copy.hello())));
      await this.#receive(channel, frames, host);
    } catch (error) {
      this.#onFailure(host, error);
    } finally {
      channel.close('no longer following');
      this.#channel = undefined;
    }
  }

  /**
   * The first word on a channel, and no other, says from where the log continues. TLS keeps frames in their order; if ever
   * it did not, records would be appended and acknowledged that a late word on the beginning cuts off again.
   */
  async #receive(channel: Channel, frames: FrameQueue, host: string): Promise<void> {
    let isFirst = true;
    for (let bytes = await frames.next(); bytes !== undefined && !this.#stopped; bytes = await frames.next()) {
      const frame = decodeSourceFrame(bytes);
      if (frame.epoch < this.#options.copy.epochFloor()) {
        channel.send(encodeTargetFrame({ type: 'refuse', epoch: this.#options.copy.epochFloor() }));
        return;
      }
      if (frame.type !== 'seed-needed' && isFirst !== (frame.type === 'start')) {
        throw new Problem('Malformed', `Cannot follow ${host}: its log begins elsewhere than at its beginning`);
      }
      isFirst = false;
      await this.#onFrame(channel, host, frame);
    }
  }

  async #onFrame(channel: Channel, host: string, frame: SourceFrame): Promise<void> {
    const { copy, logger } = this.#options;
    switch (frame.type) {
      case 'start': {
        this.#state = { ...IDLE, source: host, resynchronizing: true, failure: this.#state.failure };
        this.#channelEpoch = frame.epoch;
        await copy.storeEpoch(frame.epoch);
        await copy.continueFrom(frame.commonLsn, frame.chain);
        logger.info({ peer: host, epoch: frame.epoch, commonLsn: frame.commonLsn }, 'following the active copy');
        return this.#acknowledgeWhenDurable(channel, frame.epoch, copy.endLsn);
      }
      case 'seed-needed':
        throw new Problem(
          'SeedNeeded',
          `Cannot follow ${host}: ${frame.reason}. Seed this copy with Update-StorageGroupCopy.`,
        );
      case 'file':
        return copy.startFile(frame.header);
      case 'records': {
        const lsn = copy.appendFrames(frame.frames);
        this.#onCommitted(frame.committedLsn);
        void this.#acknowledgeWhenDurable(channel, frame.epoch, lsn);
        return;
      }
      case 'progress':
        this.#failures = 0;
        this.#needsSeed = false;
        this.#state = {
          source: host,
          following: true,
          progress: frame.progress,
          failure: null,
          resynchronizing: false,
        };
        this.#onCommitted(frame.progress.committedLsn);
        if (copy.lacksRecords) void this.#acknowledgeWhenDurable(channel, frame.epoch, copy.endLsn);
        return;
    }
  }

  async #acknowledgeWhenDurable(channel: Channel, epoch: number, lsn: number): Promise<void> {
    const { copy, onFatal } = this.#options;
    try {
      if (copy.generation > 0) await copy.durable(lsn);
      if (copy.lacksRecords && !(await this.#isKnownWhole(lsn))) return;
    } catch (error) {
      return onFatal(error);
    }
    this.#acknowledge(channel, epoch, lsn);
    this.#applyWanted.raise();
  }

  /**
   * A copy that lacks records says that it has them all only after it has noted so itself: who is recorded in sync must
   * be able to lead, whatever happens next. Until it knows where the active copy's log ends it says nothing.
   */
  async #isKnownWhole(lsn: number): Promise<boolean> {
    const { progress } = this.#state;
    if (progress === null) return false;
    if (lsn >= progress.endLsn) await this.#options.copy.recordsAreBack();
    return true;
  }

  /**
   * C2 again, at the last moment: a copy that has promised a higher epoch acknowledges nothing of a lower one. The active
   * copy may be waiting for this very word, with nothing more to send that could be refused; so the channel ends, and the
   * next one says what has become of the promise: it may have been withdrawn meanwhile.
   */
  #acknowledge(channel: Channel, epoch: number, durableLsn: number): void {
    const { copy } = this.#options;
    if (this.#stopped) return;
    if (epoch < copy.epochFloor()) return channel.close('a higher epoch has been promised');
    const { appliedLsn, generation } = copy;
    channel.send(encodeTargetFrame({ type: 'acknowledge', epoch, durableLsn, appliedLsn, generation }));
  }

  #onCommitted(lsn: number): void {
    if (lsn <= this.#committedLsn) return;
    this.#committedLsn = lsn;
    this.#applyWanted.raise();
  }

  async #applyLoop(): Promise<void> {
    const { copy } = this.#options;
    while (!this.#stopped) {
      await this.#applyWanted.wait();
      if (this.#stopped) return;
      const before = copy.appliedLsn;
      try {
        await copy.applyUpTo(this.#committedLsn);
      } catch (error) {
        return this.#onApplyFailure(error);
      }
      if (copy.appliedLsn !== before && this.#state.source !== null) this.#acknowledgeApplied();
    }
  }

  /** Nobody waits for this word: under a promise that may yet be withdrawn it is left unsaid, and the channel goes on. */
  #acknowledgeApplied(): void {
    const { copy } = this.#options;
    const channel = this.#channel;
    if (channel === undefined || this.#channelEpoch < copy.epochFloor()) return;
    this.#acknowledge(channel, this.#channelEpoch, copy.appliedLsn);
  }

  /**
   * S23: a record that this database cannot take must not bring the process down again and again. The log goes on, so
   * nothing is less safe; the copy says why it failed, and does not lead.
   */
  #onApplyFailure(error: unknown): void {
    if (!isProblem(error)) return this.#options.onFatal(error);
    if (isProblem(error.cause) && OF_THE_DISK.has(error.cause.code)) return this.#options.onFatal(error.cause);
    this.#options.logger.error({ code: error.code, reason: error.message }, 'a record cannot be applied to this copy');
    this.#applyFailure = `${error.message} Seed this copy with Update-StorageGroupCopy.`;
  }

  #onFailure(host: string, error: unknown): void {
    const { copy, logger, onFatal } = this.#options;
    if (this.#stopped) return;
    // A log that has failed stays so, even if what it failed of has a name: only opening it anew helps.
    if (!isProblem(error) || copy.hasLogFailed) return onFatal(error);
    this.#failures += 1;
    this.#needsSeed = error.code === 'SeedNeeded';
    logger.warn(
      { peer: host, code: error.code, reason: error.message, times: this.#failures },
      'cannot follow the active copy',
    );
    const lasting = LASTING.has(error.code) || this.#failures >= FAILURES_BEFORE_FAILED;
    if (lasting) this.#state = { ...this.#state, failure: error.message };
  }
}

/** Turns a channel's frames into something to await; its bound is the source's window. */
class FrameQueue {
  readonly #frames: Buffer[] = [];
  #closed = false;
  readonly #arrived = new Signal();

  constructor(channel: Channel) {
    channel.onFrame((frame) => {
      this.#frames.push(frame);
      this.#arrived.raise();
    });
    channel.onClose(() => {
      this.#closed = true;
      this.#arrived.raise();
    });
  }

  /** undefined when the channel has closed: what came before and was not taken is dropped, nobody waits for it. */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      if (this.#closed) return undefined;
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      await this.#arrived.wait();
    }
  }
}
