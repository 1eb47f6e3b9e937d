/**
 * The active copy's side of replication: the journal that the mounted storage group writes to, and the feed that the
 * other copies follow. It answers one question a thousand times a second: may this be told to a client? Only when it
 * is committed (commit-point.ts), and the lease is held at the very moment of asking (commit-waiters.ts). Whose word a
 * commit needs is the matter of in-sync-membership.ts.
 *
 *   append -> log queue -> disk here ──┐
 *          └> subscriptions -> disks ──┴> commit point -> lease check -> answer
 *             of the other copies
 */
import { type Clock, sleep } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Channel } from '../base/network.ts';
import { isProblem, messageOf } from '../base/problem.ts';
import type { CopyRequests } from '../cluster/copy-control.ts';
import type { LeaseHolder } from '../cluster/lease.ts';
import { makeLsn } from '../log/lsn.ts';
import type { TransactionLog } from '../log/transaction-log.ts';
import type { Journal } from '../store/journal.ts';
import type { RecordFormats } from '../store/record-formats.ts';
import { CommitPoint, type ReplicationMode } from './commit-point.ts';
import { CommitWaiters } from './commit-waiters.ts';
import type { CopyHosts } from './copy-hosts.ts';
import { DatabaseGate } from './database-gate.ts';
import { checkMayWrite, readsLevel } from './format-gate.ts';
import { InSyncMembership } from './in-sync-membership.ts';
import { notActive, notRedundant, shortOfRoom } from './journal-problems.ts';
import { replicationLimits } from './limits.ts';
import { LogHolds } from './log-holds.ts';
import { PacedWatch, WATCH_INTERVAL_MS } from './paced-watch.ts';
import type { ReplicationHello, SourceProgress } from './protocol.ts';
import { RecentItems } from './recent-items.ts';
import type { Shortage } from './room-watch.ts';
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
  /** Of room on its disk. */
  readonly shortage: () => Shortage;
  /** This copy must answer nothing more: the log failed, or somebody is ahead. Called once. */
  readonly onLost: (reason: string) => void;
}

export class ActiveCopy implements Journal {
  readonly epoch: number;
  readonly #options: ActiveCopyOptions;
  readonly #log: TransactionLog;
  readonly #commit: CommitPoint;
  readonly #recent: RecentItems;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #waiters: CommitWaiters;
  readonly #membership: InSyncMembership;
  readonly #holds = new LogHolds();
  readonly #databaseGate: DatabaseGate;
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
      isConnected: (host) => this.#subscriptions.has(host),
      generation: () => this.#log.generation,
      ended: () => this.#ended,
    });
    this.#waiters = new CommitWaiters(options);
    this.#membership = new InSyncMembership({
      ...options,
      commit: this.#commit,
      subscriptions: this.#subscriptions,
      endLsn: () => this.#log.endLsn,
      hasEnded: () => this.hasEnded,
      onCommitted: () => this.#onCommitted(),
      onDecided: () => this.#pokeAll(),
      onLost: (reason) => this.lose(reason),
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

  /**
   * Changes of this epoch that are committed and, as far as this copy has heard, durable nowhere else: what the loss of this
   * machine would lose now. Null where there is no other copy. The first record of an epoch is nobody's change.
   */
  get exposedChanges(): number | null {
    const { others } = this.#options.copies;
    if (others.length === 0) return null;
    const held = Math.max(makeLsn(this.epoch, 1), ...others.map((copy) => this.#commit.durableAt(copy)));
    return Math.max(0, this.#commit.committed - held);
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
    const shortage = this.#options.shortage();
    if (shortage !== 'none' && !this.#hasRelief) throw shortOfRoom();
    if (shortage === 'lasting') this.#handOver('the disk is nearly full');
    if (this.#ended !== undefined) throw notActive(this.#ended);
    try {
      this.#log.admit(payloadBytes);
    } catch (error) {
      if (isProblem(error, 'DiskFull')) this.#handOver('the disk is full');
      throw error;
    }
  }

  /** A copy that is connected has room: it would let go otherwise. */
  get #hasRelief(): boolean {
    return [...this.#subscriptions.keys()].some((host) => this.#commit.isInSync(host));
  }

  #handOver(why: string): void {
    const heir = this.caughtUpCopies().find((host) => this.#commit.isInSync(host));
    if (heir !== undefined) this.lose(`${why}; ${heir} has everything`);
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
    const answer = this.#waiters.add(lsn, this.#commit.committed);
    this.#heldBack.soon();
    return answer;
  }

  mayEnterDatabase(lsn: number): Promise<boolean> {
    return this.#databaseGate.mayPass(lsn);
  }

  /** The cluster service confirmed a renewal. */
  leaseRenewed(): void {
    this.#waiters.leaseRenewed();
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
    this.#waiters.committedTo(this.#commit.committed);
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
      if (!this.#membership.hasSeen(peer))
        logger.error({ peer, formatLevel }, 'a copy does not read the level: update its host');
      this.#membership.noteSeen(peer);
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
    this.#membership.connected(channel.remoteHost, hello);
    this.#heldBack.soon();
    void subscription.run();
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
    this.#membership.considerJoining(subscription);
  }

  /** The register says so (it may have been changed by somebody else). */
  inSyncChanged(inSync: readonly string[]): void {
    if (this.#ended !== undefined) return;
    this.#membership.recorded(inSync);
  }

  /** Copies have come or gone. One that has gone is required no longer when the register says that it is not in sync. */
  copiesChanged(): void {
    const { copies } = this.#options;
    this.#membership.copiesChanged();
    for (const subscription of this.#subscriptions.values()) {
      if (!copies.all.includes(subscription.host)) subscription.close('the copy was removed');
    }
    if (this.#commit.reconsider()) this.#onCommitted();
  }

  #onSubscriptionClosed(subscription: Subscription, reason: string): void {
    const { host } = subscription;
    if (this.#subscriptions.get(host) !== subscription) return;
    this.#subscriptions.delete(host);
    this.#options.logger.warn({ peer: host, reason }, 'a copy is no longer connected');
    this.#membership.disconnected(host);
  }

  // ── what is held back ────────────────────────────────────────────────────────────────────────────────────────────

  /** Nobody waits, for a commit or for the lease, and no copy is about to join the in-sync set. */
  get #isIdle(): boolean {
    return this.#waiters.count === 0 && this.#membership.isIdle;
  }

  #watch(): void {
    const now = this.#options.clock.monotonicMs();
    for (const subscription of this.#subscriptions.values()) this.#membership.considerJoining(subscription);
    this.#waiters.giveUpOld(now);
    this.#membership.considerLeaving(this.#waiters.oldest, now);
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
    this.#waiters.end(reason);
  }
}
