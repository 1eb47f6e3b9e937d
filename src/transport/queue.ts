/**
 * Queue and transport dumpster of one storage group in one log (architecture: Transport). A message that the hub has
 * answered for stands in the log until the active copy has it: that is the queue. In async mode it stays a while after
 * that, because a takeover may lose what the former active copy had confirmed: that is the dumpster. Redelivery after
 * such a takeover carries the same ids, so the store takes each message once.
 *
 *   delivering ──confirm──► retained (async mode) ──too old, too much──► gone
 *      │  ▲                     │
 *   release └─ (restart) ─┐     │ lossy takeover: confirmed under an epoch below it
 *      ▼                  │     │
 *    waiting ◄────────────┴─────┘        park: the active copy will not take it now ─► parked ─► waiting
 *
 * Memory holds the places only; the messages are read back from the log, in its order.
 */
import { assert, present } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { type Deferred, deferred } from '../base/deferred.ts';
import type { Logger } from '../base/logger.ts';
import { isProblem, messageOf, Problem } from '../base/problem.ts';
import { DEFAULT_FILE_SIZE_BYTES } from '../log/limits.ts';
import { readFrame } from '../log/record.ts';
import type { TransactionLog } from '../log/transaction-log.ts';
import { deliveryIdOf } from '../mail/delivery.ts';
import type { QueueLimits } from './limits.ts';
import { type Confirmation, decodeConfirmation, encodeConfirmation, queueRecordKinds } from './queue-records.ts';

/** How a storage group's copies commit, and with it what the hub must keep (guarantees). */
export type CommitMode = 'sync' | 'sync-strict' | 'async';

export interface QueueOptions {
  /** Its caller's to close, after the queue. */
  readonly log: TransactionLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: QueueLimits;
  readonly mode: () => CommitMode;
  /** The log takes nothing any more, for ever: whoever runs the queue begins anew from the disk. */
  readonly onLogFailed: (failure: Error) => void;
}

interface Entry {
  readonly lsn: number;
  /** The record before it: where a reader begins in order to meet it. */
  readonly previousLsn: number;
  readonly sizeBytes: number;
  state: 'delivering' | 'waiting' | 'parked' | 'retained';
  /** Of a retained message: the epoch whose active copy has it, and since when it is retained. */
  epoch: number;
  sinceMs: number;
}

export interface QueuedMessage {
  readonly deliveryId: Buffer;
  /** encodeDelivery's bytes. */
  readonly encoded: Buffer;
}

export interface QueueStatus {
  readonly queuedMessages: number;
  readonly queuedBytes: number;
  readonly parkedMessages: number;
  readonly dumpsterMessages: number;
  readonly dumpsterBytes: number;
}

export class DeliveryQueue {
  readonly #options: QueueOptions;
  readonly #log: TransactionLog;
  /** In the order of their LSNs: the first one decides which files are needed. */
  readonly #entries = new Map<string, Entry>();
  /** The retained ones, longest retained first. */
  readonly #retained = new Map<string, Entry>();
  #queuedBytes = 0;
  #retainedBytes = 0;
  #knownEpoch = 0;
  /** A confirmation of an earlier epoch may have been lost. */
  #cleanSinceEpoch = 0;
  #waiting: Deferred<void> = deferred();
  #tidying: Promise<void> | undefined;

  /** Rebuilds the queue from the log. Problem('LogDamaged') */
  static async open(options: QueueOptions): Promise<DeliveryQueue> {
    const queue = new DeliveryQueue(options);
    if (options.log.generation === 0) {
      const { lsn } = options.log.startEpoch(1, queueRecordKinds.started, Buffer.alloc(0));
      await options.log.durable(lsn);
    } else await queue.#rebuild();
    return queue;
  }

  private constructor(options: QueueOptions) {
    this.#options = options;
    this.#log = options.log;
  }

  get status(): QueueStatus {
    let parkedMessages = 0;
    for (const entry of this.#entries.values()) if (entry.state === 'parked') parkedMessages += 1;
    return {
      queuedMessages: this.#entries.size - this.#retained.size,
      queuedBytes: this.#queuedBytes,
      parkedMessages,
      dumpsterMessages: this.#retained.size,
      dumpsterBytes: this.#retainedBytes,
    };
  }

  /**
   * Resolves when the message is durable here. `delivering`: the caller tries to deliver it and will say how that
   * ended (confirm, release, withdraw); `waiting`: the queue's own loop does. A message that is in the queue already
   * is not appended again. Problem('QueueFull') and the log's; then it is not in the queue.
   */
  async add(message: QueuedMessage, state: 'delivering' | 'waiting'): Promise<void> {
    const key = keyOf(message.deliveryId);
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      this.#refuseWhenFull(message.encoded.length);
      entry = this.#append(key, message.encoded, state);
      this.#queuedBytes += entry.sizeBytes;
    }
    await this.#durable(entry.lsn);
    if (state === 'waiting') this.release(message.deliveryId);
  }

  /** The caller could not deliver it: now the loop does. */
  release(deliveryId: Buffer): void {
    const entry = this.#entries.get(keyOf(deliveryId));
    if (entry === undefined || entry.state === 'retained') return;
    entry.state = 'waiting';
    this.#waiting.resolve();
  }

  /** The active copy of `epoch` has it. */
  confirm(deliveryId: Buffer, epoch: number): void {
    const key = keyOf(deliveryId);
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.state === 'retained') return;
    // A takeover that may have lost records came between the copy's answer and now.
    if (epoch < this.#cleanSinceEpoch) return this.release(deliveryId);
    this.#queuedBytes -= entry.sizeBytes;
    const retained = this.#options.mode() === 'async';
    this.#recordConfirmation({ deliveryId, epoch, retained });
    if (retained) this.#retain(key, entry, epoch);
    else this.#entries.delete(key);
    this.#tidy();
  }

  /** The client hears an error: resolves when the message will certainly not come back after a restart. */
  async withdraw(deliveryId: Buffer): Promise<void> {
    const entry = this.#entries.get(keyOf(deliveryId));
    if (entry === undefined || entry.state === 'retained') return;
    const withdrawal = encodeConfirmation({ deliveryId, epoch: 0, retained: false });
    const lsn = this.#record(queueRecordKinds.messageConfirmed, withdrawal);
    this.#entries.delete(keyOf(deliveryId));
    this.#queuedBytes -= entry.sizeBytes;
    await this.#durable(lsn);
    this.#tidy();
  }

  /** The same message for fewer recipients: the others were told no. Resolves when that is durable. */
  async replace(message: QueuedMessage): Promise<void> {
    const key = keyOf(message.deliveryId);
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.state === 'retained') return;
    const moved = this.#append(key, message.encoded, entry.state);
    this.#queuedBytes += moved.sizeBytes - entry.sizeBytes;
    await this.#durable(moved.lsn);
  }

  /** The active copy answered and did not take it, although the hub has answered for it: kept, and tried again later. */
  park(deliveryId: Buffer): void {
    const entry = this.#entries.get(keyOf(deliveryId));
    if (entry?.state === 'waiting') entry.state = 'parked';
  }

  unparkAll(): void {
    for (const entry of this.#entries.values()) {
      if (entry.state !== 'parked') continue;
      entry.state = 'waiting';
      this.#waiting.resolve();
    }
  }

  /**
   * An active copy is seen under `epoch`. If its takeover may have lost records, or if epochs that nobody here saw lie
   * between, every message that an earlier epoch confirmed and that is still here is delivered once more.
   */
  onActive(epoch: number, lossy: boolean): void {
    if (epoch <= this.#knownEpoch) return;
    const unbroken = !lossy && epoch === this.#knownEpoch + 1;
    this.#knownEpoch = epoch;
    if (unbroken) return;
    this.#cleanSinceEpoch = epoch;
    for (const [key, entry] of this.#retained) {
      if (entry.epoch >= epoch) continue;
      this.#retained.delete(key);
      this.#retainedBytes -= entry.sizeBytes;
      this.#queuedBytes += entry.sizeBytes;
      entry.state = 'waiting';
      this.#waiting.resolve();
    }
  }

  /** Resolves when there is something for the loop to do. */
  async whenWaiting(): Promise<void> {
    while (this.#firstWaiting() === undefined) {
      this.#waiting = deferred();
      await this.#waiting.promise;
    }
  }

  /** The messages that wait, in the order of their coming. Problem('LogDamaged') */
  async *waiting(): AsyncGenerator<QueuedMessage, void, undefined> {
    const first = this.#firstWaiting();
    if (first === undefined) return;
    for await (const { lsn, payload } of this.#records(first.previousLsn, queueRecordKinds.messageQueued)) {
      const deliveryId = deliveryIdOf(payload);
      const entry = this.#entries.get(keyOf(deliveryId));
      if (entry?.lsn === lsn && entry.state === 'waiting') yield { deliveryId, encoded: payload };
    }
  }

  /** Waits for what it had begun; wakes who waits for work. */
  async close(): Promise<void> {
    this.#waiting.resolve();
    while (this.#tidying !== undefined) await this.#tidying;
  }

  #record(kind: number, payload: Buffer): number {
    try {
      return this.#log.append(kind, payload).lsn;
    } catch (error) {
      this.#reportFailure();
      throw error;
    }
  }

  async #durable(lsn: number): Promise<void> {
    try {
      await this.#log.durable(lsn);
    } catch (error) {
      this.#reportFailure();
      throw error;
    }
  }

  #reportFailure(): void {
    if (this.#log.failure !== undefined) this.#options.onLogFailed(this.#log.failure);
  }

  #refuseWhenFull(sizeBytes: number): void {
    const { maxQueuedBytes, maxQueuedMessages } = this.#options.limits;
    const queuedMessages = this.#entries.size - this.#retained.size;
    if (this.#queuedBytes + sizeBytes <= maxQueuedBytes && queuedMessages < maxQueuedMessages) return;
    throw new Problem(
      'QueueFull',
      `Cannot queue a message: ${queuedMessages} messages wait already. Bring a copy back.`,
      {
        temporary: true,
      },
    );
  }

  /** The entry for the record that is appended; it takes the place of an earlier one, at the end of the order. */
  #append(key: string, encoded: Buffer, state: Entry['state']): Entry {
    const previousLsn = this.#log.endLsn;
    const lsn = this.#record(queueRecordKinds.messageQueued, encoded);
    const entry: Entry = { lsn, previousLsn, sizeBytes: encoded.length, state, epoch: 0, sinceMs: 0 };
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  /** Nobody waits for it: if it is lost, the message is delivered once more and recognised by its id. */
  #recordConfirmation(confirmation: Confirmation): void {
    try {
      this.#record(queueRecordKinds.messageConfirmed, encodeConfirmation(confirmation));
    } catch (error) {
      if (!isProblem(error)) throw error;
      this.#options.logger.warn({ problem: error.code }, 'queue: a confirmation was not recorded');
    }
  }

  #retain(key: string, entry: Entry, epoch: number): void {
    entry.state = 'retained';
    entry.epoch = epoch;
    entry.sinceMs = this.#options.clock.monotonicMs();
    this.#retained.set(key, entry);
    this.#retainedBytes += entry.sizeBytes;
  }

  #firstWaiting(): Entry | undefined {
    for (const entry of this.#entries.values()) {
      if (entry.state === 'waiting' && entry.lsn <= this.#log.durableLsn) return entry;
    }
    return undefined;
  }

  async *#records(behindLsn: number, kind?: number): AsyncGenerator<{ lsn: number; kind: number; payload: Buffer }> {
    for await (const item of this.#log.reader.readFrom(behindLsn)) {
      if (item.type !== 'record') continue;
      const record = readFrame(item.frame);
      if (kind === undefined || record.kind === kind) yield record;
    }
  }

  async #rebuild(): Promise<void> {
    let previousLsn = this.#log.firstReadableLsn;
    for await (const { lsn, kind, payload } of this.#records(previousLsn)) {
      if (kind === queueRecordKinds.messageQueued) this.#rebuildQueued(lsn, previousLsn, payload);
      else if (kind === queueRecordKinds.messageConfirmed) this.#rebuildConfirmed(payload);
      previousLsn = lsn;
    }
    for (const entry of this.#entries.values()) if (entry.state === 'waiting') this.#queuedBytes += entry.sizeBytes;
    this.#tidy();
  }

  #rebuildQueued(lsn: number, previousLsn: number, payload: Buffer): void {
    const key = keyOf(deliveryIdOf(payload));
    const former = this.#entries.get(key);
    const entry: Entry = {
      lsn,
      previousLsn,
      sizeBytes: payload.length,
      state: former?.state ?? 'waiting',
      epoch: former?.epoch ?? 0,
      sinceMs: former?.sinceMs ?? 0,
    };
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (entry.state !== 'retained') return;
    this.#retainedBytes += entry.sizeBytes - present(former, 'A retained message was queued before').sizeBytes;
    this.#retained.set(key, entry);
  }

  #rebuildConfirmed(payload: Buffer): void {
    const { deliveryId, epoch, retained } = decodeConfirmation(payload);
    const key = keyOf(deliveryId);
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.state === 'retained') {
      if (entry !== undefined) entry.epoch = Math.max(entry.epoch, epoch);
      return;
    }
    if (retained) this.#retain(key, entry, epoch);
    else this.#entries.delete(key);
  }

  /** Lets go of what the dumpster need not keep, then of the log files that nothing needs. One at a time. */
  #tidy(): void {
    this.#shrinkDumpster();
    if (this.#tidying !== undefined || this.#log.firstGeneration === this.#log.generation) return;
    this.#tidying = this.#removeFiles()
      .catch((error: unknown) => {
        // An append that failed says the rest. Files that stay too long do no harm.
        this.#options.logger.warn({ error: messageOf(error) }, 'queue: old log files stay');
      })
      .finally(() => {
        this.#tidying = undefined;
      });
  }

  #shrinkDumpster(): void {
    const { maxDumpsterBytes, maxDumpsterMs } = this.#options.limits;
    const oldestMs = this.#options.clock.monotonicMs() - maxDumpsterMs;
    for (const [key, entry] of this.#retained) {
      if (this.#retainedBytes <= maxDumpsterBytes && entry.sinceMs >= oldestMs) return;
      this.#retained.delete(key);
      this.#entries.delete(key);
      this.#retainedBytes -= entry.sizeBytes;
    }
  }

  async #removeFiles(): Promise<void> {
    const first = this.#firstEntry();
    await this.#log.removeBelow(first === undefined ? this.#log.durableLsn : first[1].lsn - 1);
    if (first !== undefined && this.#isPinnedByFew()) await this.#moveForward(first[0], first[1]);
  }

  #firstEntry(): [string, Entry] | undefined {
    for (const first of this.#entries) return first;
    return undefined;
  }

  /** One message that nobody takes would keep every file behind it. */
  #isPinnedByFew(): boolean {
    const files = this.#log.generation - this.#log.firstGeneration;
    const neededFiles = (2 * (this.#queuedBytes + this.#retainedBytes)) / DEFAULT_FILE_SIZE_BYTES;
    return files > this.#options.limits.maxIdleFiles + neededFiles;
  }

  async #moveForward(key: string, entry: Entry): Promise<void> {
    for await (const { lsn, payload } of this.#records(entry.previousLsn, queueRecordKinds.messageQueued)) {
      if (lsn !== entry.lsn) continue;
      const current = this.#entries.get(key);
      if (current !== entry) return;
      const moved = this.#append(key, Buffer.from(payload), entry.state);
      moved.epoch = entry.epoch;
      moved.sinceMs = entry.sinceMs;
      if (moved.state === 'retained') {
        this.#recordConfirmation({ deliveryId: deliveryIdOf(payload), epoch: moved.epoch, retained: true });
        this.#retained.set(key, moved); // keeps its place in the order of confirmations
      }
      await this.#log.durable(this.#log.endLsn);
      return;
    }
    assert(this.#entries.get(key) !== entry, 'A queued message is in the log');
  }
}

function keyOf(deliveryId: Buffer): string {
  return deliveryId.toString('latin1');
}
