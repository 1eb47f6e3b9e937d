/**
 * The active copy's side of replication: the journal that the mounted storage group writes to, and the feed that the
 * other copies follow. It answers one question a thousand times a second: may this be told to a client? Only when it
 * is committed (commit-point.ts), and the lease is held at the very moment of asking.
 *
 *   append -> log queue -> disk here ──┐
 *          └> subscriptions -> disks ──┴> commit point -> lease check -> answer
 *             of the other copies
 */
import { type Clock, sleep } from '../base/clock.ts';
import { type Deferred, deferred } from '../base/deferred.ts';
import type { Logger } from '../base/logger.ts';
import type { Channel } from '../base/network.ts';
import { isProblem, messageOf } from '../base/problem.ts';
import type { CopyRequests } from '../cluster/copy-control.ts';
import { decideGrow, type GrowStep } from '../cluster/grow.ts';
import { type LeaseHolder, readClock } from '../cluster/lease.ts';
import { type CopyDelay, decideShrink } from '../cluster/shrink.ts';
import type { TransactionLog } from '../log/transaction-log.ts';
import type { Journal } from '../store/journal.ts';
import type { RecordFormats } from '../store/record-formats.ts';
import { CommitPoint, type ReplicationMode } from './commit-point.ts';
import type { CopyHosts } from './copy-hosts.ts';
import { DatabaseGate } from './database-gate.ts';
import { checkMayWrite, readsLevel } from './format-gate.ts';
import { notActive, notRedundant } from './journal-problems.ts';
import { replicationLimits } from './limits.ts';
import { LogHolds } from './log-holds.ts';
import { PacedWatch, WATCH_INTERVAL_MS } from './paced-watch.ts';
import type { ReplicationHello, SourceProgress } from './protocol.ts';
import { RecentItems } from './recent-items.ts';
import { Subscription } from './subscription.ts';

export interface ActiveCopyOptions {
  readonly host: string;
  readonly storageGroup: string;
  readonly epoch: number;
  readonly mode: ReplicationMode;
  /** Of the cluster, as of this epoch. */
  readonly formatLevel: number;
  readonly formats: RecordFormats;
  readonly copies: CopyHosts;
  readonly inSync: readonly string[];
  readonly log: TransactionLog;
  readonly lease: LeaseHolder;
  readonly requests: CopyRequests;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A planned move is under way: no further change is taken. */
  readonly isDraining: () => boolean;
  /** This copy must answer nothing more: the log failed, or somebody is ahead. Called once. */
  readonly onLost: (reason: string) => void;
}

interface CommitWaiter {
  readonly lsn: number;
  readonly sinceMs: number;
  readonly done: Deferred<void>;
}

const NOT_IN_SYNC = 'the register no longer names this copy as in sync';

export class ActiveCopy implements Journal {
  readonly epoch: number;
  readonly #options: ActiveCopyOptions;
  readonly #log: TransactionLog;
  readonly #commit: CommitPoint;
  readonly #recent: RecentItems;
  readonly #subscriptions = new Map<string, Subscription>();
  /** When a copy's channel went; absent while it has one. Counted from the activation for those never seen. */
  readonly #absentSinceMs = new Map<string, number>();
  /** Copies that have connected since this one became active. */
  readonly #seen = new Set<string>();
  #waiters: CommitWaiter[] = [];
  #leaseWaiters: CommitWaiter[] = [];
  #membershipChange: Promise<void> | undefined;
  #retryMembershipAtMs = 0;
  /** Copies that the register would not take into the set, and when it is asked again. Each question costs every vote two syncs. */
  readonly #refusedUntilMs = new Map<string, number>();
  readonly #holds = new LogHolds();
  /** In sync by the register, and not any more by what they have: to be taken out. */
  readonly #outdated = new Set<string>();
  readonly #databaseGate: DatabaseGate;
  /** Told by the service since the last change of ours began, and to be kept to when that has its answer. */
  #toldMeanwhile: readonly string[] | undefined;
  #trackingDurability = false;
  #ended: string | undefined;
  readonly #stopListening: () => void;
  readonly #heldBack: PacedWatch;

  constructor(options: ActiveCopyOptions) {
    this.#options = options;
    this.epoch = options.epoch;
    this.#log = options.log;
    // Alone in the set, everything durable here is committed; with others, only what they acknowledge.
    const startLsn = options.inSync.length === 1 ? this.#log.durableLsn : 0;
    this.#commit = new CommitPoint({ ...options, startLsn });
    this.#recent = new RecentItems({ limitBytes: replicationLimits.recentBytes, endLsn: this.#log.endLsn });
    // The epoch's own first records are durable already, and without traffic nothing else would say so.
    this.#commit.localDurable(this.#log.durableLsn);
    this.#databaseGate = new DatabaseGate({
      ...options,
      commit: this.#commit,
      generation: () => this.#log.generation,
      ended: () => this.#ended,
    });
    this.copiesChanged();
    this.#stopListening = this.#log.onAppended((item) => {
      this.#recent.push(item, this.#log.durableLsn);
      this.#trackDurability();
      this.#pokeAll();
    });
    this.#heldBack = new PacedWatch({ ...options, isIdle: () => this.#isIdle, look: () => this.#watch() });
    this.#heldBack.start();
  }

  get committedLsn(): number {
    return this.#commit.committed;
  }

  get inSync(): readonly string[] {
    return this.#commit.inSync;
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  /** The other copies that are connected and lack nothing but what was appended just now. */
  caughtUpCopies(): readonly string[] {
    return [...this.#subscriptions.values()].filter((subscription) => subscription.caughtUp).map(({ host }) => host);
  }

  /** The lowest LSN that any copy of this storage group still has to be sent; copies not connected hold it at what they had. */
  lowestNeededLsn(): number {
    let lowest = this.#log.durableLsn;
    for (const copy of this.#options.copies.all) lowest = Math.min(lowest, this.#commit.durableAt(copy));
    return Math.min(lowest, ...this.#holds.lsns);
  }

  /** Who else needs the log, and from where on: the other copies, and seeds that are under way. */
  logNeeds(): { copies: readonly { host: string; durableLsn: number }[]; heldLsns: readonly number[] } {
    const { others } = this.#options.copies;
    return {
      copies: others.map((copy) => ({ host: copy, durableLsn: this.#commit.durableAt(copy) })),
      heldLsns: this.#holds.lsns,
    };
  }

  /** Keeps the log behind `lsn` for a copy that is being seeded; returns the undo. */
  holdLog(lsn: number): () => void {
    return this.#holds.add(lsn);
  }

  // ── the journal ──────────────────────────────────────────────────────────────────────────────────────────────────

  admit(payloadBytes: number, kinds: readonly number[]): void {
    if (this.#ended !== undefined) throw notActive(this.#ended);
    if (this.#options.isDraining()) throw notActive('it is being moved to another host');
    checkMayWrite(kinds, this.#options.formats, this.#options.formatLevel);
    this.#admitToLog(payloadBytes);
    if (this.#options.mode !== 'sync-strict') return;
    const missing = this.#commit.required().filter((host) => this.#subscriptions.get(host)?.caughtUp !== true);
    if (missing.length > 0) throw notRedundant(missing);
  }

  /** A full disk here is no reason to refuse mail as long as a copy with room can lead. */
  #admitToLog(payloadBytes: number): void {
    try {
      this.#log.admit(payloadBytes);
    } catch (error) {
      const heir = this.caughtUpCopies().find((host) => this.#commit.isInSync(host));
      if (isProblem(error, 'DiskFull') && heir !== undefined) this.lose(`the disk is full; ${heir} has everything`);
      throw error;
    }
  }

  nextLsn(): number {
    return this.#log.endLsn + 1;
  }

  append(kind: number, payload: Uint8Array): number {
    if (this.#ended !== undefined) throw notActive(this.#ended);
    return this.#log.append(kind, payload).lsn;
  }

  committed(lsn: number): Promise<void> {
    if (this.#ended !== undefined) return Promise.reject(notActive(this.#ended));
    const sinceMs = this.#options.clock.monotonicMs();
    const waiter: CommitWaiter = { lsn, sinceMs, done: deferred<void>() };
    if (lsn <= this.#commit.committed) this.#answer(waiter);
    else this.#waiters.push(waiter);
    this.#heldBack.soon();
    return waiter.done.promise;
  }

  mayEnterDatabase(lsn: number): Promise<boolean> {
    return this.#databaseGate.mayPass(lsn);
  }

  /** C1's last step. A lease that ran out may still be renewed under the same epoch: then nobody else served meanwhile. */
  #answer(waiter: CommitWaiter): void {
    if (this.#options.lease.isHeld(readClock(this.#options.clock), this.epoch)) waiter.done.resolve();
    else this.#leaseWaiters.push(waiter);
  }

  /** The cluster service confirmed a renewal. */
  leaseRenewed(): void {
    const waiters = this.#leaseWaiters;
    this.#leaseWaiters = [];
    for (const waiter of waiters) this.#answer(waiter);
  }

  #trackDurability(): void {
    if (this.#trackingDurability || this.#ended !== undefined) return;
    this.#trackingDurability = true;
    this.#log.durable(this.#log.endLsn).then(
      () => {
        this.#trackingDurability = false;
        if (this.#ended !== undefined) return;
        if (this.#commit.localDurable(this.#log.durableLsn)) this.#onCommitted();
        if (this.#log.endLsn > this.#log.durableLsn) this.#trackDurability();
      },
      (error: unknown) => this.lose(`the log failed: ${messageOf(error)}`),
    );
  }

  #onCommitted(): void {
    const committed = this.#commit.committed;
    let count = 0;
    for (const waiter of this.#waiters) {
      if (waiter.lsn > committed) break;
      this.#answer(waiter);
      count += 1;
    }
    if (count > 0) this.#waiters.splice(0, count);
    this.#pokeAll();
  }

  // ── the other copies ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes over a channel whose hello has been read. */
  subscribe(channel: Channel, hello: ReplicationHello): void {
    if (this.#ended !== undefined || !this.#options.copies.all.includes(channel.remoteHost)) {
      return channel.close('this copy is not active, or yours is not one of its copies');
    }
    const { formatLevel, logger } = this.#options;
    if (!readsLevel(hello, formatLevel)) {
      const { remoteHost: peer } = channel;
      if (!this.#seen.has(peer)) logger.error({ peer, formatLevel }, 'a copy does not read the level: update its host');
      this.#seen.add(peer);
      return channel.close(`your software does not read format level ${formatLevel}`);
    }
    if (hello.epoch > this.epoch) {
      channel.close('you have seen a higher epoch');
      return this.lose(`${channel.remoteHost} has seen epoch ${hello.epoch}`);
    }
    this.#subscriptions.get(channel.remoteHost)?.close('the copy connected again');
    const subscription = new Subscription({
      channel,
      hello,
      epoch: this.epoch,
      log: this.#log,
      recent: this.#recent,
      progress: (host) => this.#progressFor(host),
      onAcknowledged: (follower) => this.#onAcknowledged(follower),
      onHigherEpoch: (epoch) => this.lose(`${channel.remoteHost} has seen epoch ${epoch}`),
      onClosed: (follower, reason) => this.#onSubscriptionClosed(follower, reason),
      logger,
    });
    this.#subscriptions.set(channel.remoteHost, subscription);
    this.#absentSinceMs.delete(channel.remoteHost);
    this.#seen.add(channel.remoteHost);
    this.#checkMemory(hello, channel.remoteHost);
    this.#heldBack.soon();
    void subscription.run();
  }

  /**
   * C10: a copy in sync that no longer has what it acknowledged (another disk, an old one) must not be taken for one that
   * could lead. It leaves the set at once, not only when a commit misses it, and joins again when it holds everything.
   */
  #checkMemory(hello: ReplicationHello, host: string): void {
    const endLsn = Math.max(hello.seededLsn, ...hello.ends.map(({ lastLsn }) => lastLsn));
    if (endLsn >= this.#commit.durableAt(host)) return;
    this.#commit.forget(host);
    if (this.#commit.isInSync(host)) this.#outdated.add(host);
  }

  #progressFor(host: string): SourceProgress {
    return {
      committedLsn: this.#commit.committed,
      endLsn: this.#log.endLsn,
      generation: this.#log.generation,
      inSync: this.#commit.isInSync(host),
    };
  }

  #onAcknowledged(subscription: Subscription): void {
    if (this.#ended !== undefined) return;
    if (this.#commit.remoteDurable(subscription.host, subscription.durableLsn)) this.#onCommitted();
    this.#considerJoining(subscription);
  }

  /** C3, growing: first its word is required for every commit, then, when it holds everything, the register is asked. */
  #considerJoining(subscription: Subscription): void {
    const { host } = subscription;
    if (this.#options.mode === 'async' || this.#isRefused(host)) return;
    if (this.#growStep(subscription) === 'require') this.#commit.startJoining(host);
    if (this.#growStep(subscription) !== 'record' || !this.#mayChangeMembership) return;
    this.#changeMembership(host, [...new Set([...this.#commit.inSync, host])], () =>
      this.#options.requests.requestGrow(this.#options.storageGroup, this.epoch, host),
    );
  }

  #growStep({ host, caughtUp, durableLsn }: Subscription): GrowStep {
    return decideGrow({
      // A shrink without an answer: the register may name it or not, and asking it to name it settles that.
      isInSync: this.#commit.isInSync(host) && !this.#commit.isUndecided(host),
      isCaughtUp: caughtUp,
      isJoining: this.#commit.isJoining(host),
      durableLsn,
      endLsn: this.#log.endLsn,
    });
  }

  #isRefused(host: string): boolean {
    return this.#options.clock.monotonicMs() < (this.#refusedUntilMs.get(host) ?? 0);
  }

  get #mayChangeMembership(): boolean {
    return this.#membershipChange === undefined && this.#options.clock.monotonicMs() >= this.#retryMembershipAtMs;
  }

  /** C3, shrinking: durable in the register first; only then is anything committed without the copy. */
  #shrinkWithout(host: string, why: string): void {
    const { requests, storageGroup, logger } = this.#options;
    const smaller = this.#commit.inSync.filter((copy) => copy !== host);
    logger.warn({ peer: host, why }, 'asking the register to take a copy out of the in-sync set');
    this.#changeMembership(host, smaller, () => requests.requestShrink(storageGroup, this.epoch, smaller));
  }

  /** One change at a time. While its outcome is unknown the copy's word stays required, and the question is asked again. */
  #changeMembership(
    host: string,
    inSync: readonly string[],
    request: () => Promise<'changed' | 'refused' | 'unknown'>,
  ): void {
    this.#commit.setUndecided(host);
    this.#toldMeanwhile = undefined;
    this.#membershipChange = this.#decideMembership(host, inSync, request).finally(() => {
      this.#membershipChange = undefined;
    });
  }

  async #decideMembership(
    host: string,
    inSync: readonly string[],
    request: () => Promise<'changed' | 'refused' | 'unknown'>,
  ): Promise<void> {
    const { clock, logger } = this.#options;
    let answer: 'changed' | 'refused' | 'unknown' = 'unknown';
    try {
      answer = await request();
    } catch (error) {
      logger.warn({ peer: host, reason: messageOf(error) }, 'the in-sync set could not be changed');
    }
    const nowMs = clock.monotonicMs();
    this.#retryMembershipAtMs = nowMs + replicationLimits.membershipRetryMs;
    if (answer === 'refused') this.#refusedUntilMs.set(host, nowMs + replicationLimits.refusedJoinMs);
    if (this.#ended !== undefined || answer === 'unknown') return;
    const now = this.#toldMeanwhile ?? (answer === 'changed' ? inSync : this.#commit.inSync);
    if (!now.includes(this.#options.host)) return this.lose(NOT_IN_SYNC);
    if (answer === 'changed') logger.info({ inSync }, 'the in-sync set has changed');
    if (this.#commit.inSyncRecorded(now)) this.#onCommitted();
    this.#pokeAll();
  }

  /** The register says so (it may have been changed by somebody else). */
  inSyncChanged(inSync: readonly string[]): void {
    if (this.#ended !== undefined) return;
    this.#toldMeanwhile = inSync;
    if (this.#membershipChange !== undefined) return;
    if (!inSync.includes(this.#options.host)) return this.lose(NOT_IN_SYNC);
    if (this.#commit.inSyncRecorded(inSync)) this.#onCommitted();
  }

  /** Copies have come or gone. One that has gone is required no longer when the register says that it is not in sync. */
  copiesChanged(): void {
    const { copies, clock } = this.#options;
    const unknown = copies.others.filter((host) => !this.#absentSinceMs.has(host) && !this.#subscriptions.has(host));
    for (const host of unknown) this.#absentSinceMs.set(host, clock.monotonicMs());
    for (const subscription of this.#subscriptions.values()) {
      if (!copies.all.includes(subscription.host)) subscription.close('the copy was removed');
    }
    if (this.#commit.reconsider()) this.#onCommitted();
  }

  #onSubscriptionClosed(subscription: Subscription, reason: string): void {
    const { host } = subscription;
    if (this.#subscriptions.get(host) !== subscription) return;
    this.#subscriptions.delete(host);
    this.#absentSinceMs.set(host, this.#options.clock.monotonicMs());
    this.#options.logger.warn({ peer: host, reason }, 'a copy is no longer connected');
    if (this.#ended === undefined && this.#commit.stopJoining(host)) this.#onCommitted();
  }

  // ── what is held back ────────────────────────────────────────────────────────────────────────────────────────────

  /** Nobody waits, for a commit or for the lease, and no copy is about to join the in-sync set. */
  get #isIdle(): boolean {
    if (this.#waiters.length + this.#leaseWaiters.length + this.#outdated.size > 0) return false;
    if (this.#options.mode === 'async') return true;
    const isSettled = (host: string): boolean => this.#commit.isInSync(host) && !this.#commit.isUndecided(host);
    return [...this.#subscriptions.keys()].every((host) => isSettled(host) || this.#isRefused(host));
  }

  #watch(): void {
    const now = this.#options.clock.monotonicMs();
    for (const subscription of this.#subscriptions.values()) this.#considerJoining(subscription);
    this.#giveUpLeaseWaiters(now);
    for (const host of this.#outdated) if (!this.#commit.isInSync(host)) this.#outdated.delete(host);
    if (this.#mayChangeMembership) this.#considerShrinking(now);
  }

  #considerShrinking(nowMs: number): void {
    const oldest = this.#waiters[0];
    const awaited = oldest === undefined ? [] : this.#commit.missing(oldest.lsn);
    const facts = {
      mode: this.#options.mode,
      nowMs,
      waitingSinceMs: oldest?.sinceMs,
      copies: [...new Set([...this.#options.copies.others, ...this.#commit.required()])].map((host) =>
        this.#delayOf(host, awaited),
      ),
    };
    const decision = decideShrink(facts, replicationLimits);
    if (decision?.kind === 'shrink') this.#shrinkWithout(decision.host, decision.why);
    else if (decision !== undefined) this.#subscriptions.get(decision.host)?.close(decision.why);
  }

  #delayOf(host: string, awaited: readonly string[]): CopyDelay {
    return {
      host,
      isInSync: this.#commit.isInSync(host),
      isUndecided: this.#commit.isUndecided(host),
      isOutdated: this.#outdated.has(host),
      isAwaited: awaited.includes(host),
      absentSinceMs: this.#absentSinceMs.get(host),
      wasConnected: this.#seen.has(host),
    };
  }

  #giveUpLeaseWaiters(now: number): void {
    const kept: CommitWaiter[] = [];
    for (const waiter of this.#leaseWaiters) {
      if (now - waiter.sinceMs < replicationLimits.leaseWaitMs) kept.push(waiter);
      else waiter.done.reject(notActive('the lease is not held'));
    }
    this.#leaseWaiters = kept;
  }

  /** Resolves true when `host` holds everything that was appended, durably; false after `timeoutMs`. */
  async drainedTo(host: string, timeoutMs: number): Promise<boolean> {
    const { clock } = this.#options;
    const deadline = clock.monotonicMs() + timeoutMs;
    while (this.#ended === undefined && clock.monotonicMs() < deadline) {
      const { endLsn, durableLsn } = this.#log;
      const heldLsn = this.#subscriptions.get(host)?.durableLsn ?? 0;
      if (Math.min(heldLsn, durableLsn) >= endLsn) return true;
      await sleep(clock, WATCH_INTERVAL_MS / 5);
    }
    return false;
  }

  #pokeAll(): void {
    for (const subscription of this.#subscriptions.values()) subscription.poke();
  }

  /** Something went wrong that only another activation mends. */
  lose(reason: string): void {
    if (this.#ended !== undefined) return;
    this.end(reason);
    this.#options.onLost(reason);
  }

  /** Answers nothing more. Whoever waits learns that the outcome is not known here. */
  end(reason: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#stopListening();
    this.#heldBack.stop();
    for (const subscription of this.#subscriptions.values())
      subscription.close(`this copy is no longer active: ${reason}`);
    const waiters = [...this.#waiters, ...this.#leaseWaiters];
    this.#waiters = [];
    this.#leaseWaiters = [];
    for (const waiter of waiters) waiter.done.reject(notActive(reason));
  }
}
