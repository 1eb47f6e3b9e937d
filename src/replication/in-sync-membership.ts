/**
 * How the in-sync set grows and shrinks (C3): the active copy's side. It knows how each of the other copies does, lets
 * grow.ts and shrink.ts decide, and asks the register, one change at a time. While the outcome of a change is not known,
 * the word of the copy that it concerns stays required for every commit, and the question is asked again.
 */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { messageOf } from '../base/problem.ts';
import type { CopyRequests, RequestAnswer } from '../cluster/copy-control.ts';
import { decideGrow, type GrowStep } from '../cluster/grow.ts';
import { type CopyDelay, decideShrink } from '../cluster/shrink.ts';
import type { CommitPoint, ReplicationMode } from './commit-point.ts';
import type { CopyHosts } from './copy-hosts.ts';
import { replicationLimits } from './limits.ts';
import type { ReplicationHello } from './protocol.ts';
import type { Subscription } from './subscription.ts';

export interface InSyncMembershipOptions {
  readonly host: string;
  readonly storageGroup: string;
  readonly epoch: number;
  readonly mode: ReplicationMode;
  readonly copies: CopyHosts;
  readonly requests: CopyRequests;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly commit: CommitPoint;
  /** The copies that are connected. */
  readonly subscriptions: ReadonlyMap<string, Subscription>;
  /** The last record of this copy's log. */
  readonly endLsn: () => number;
  readonly hasEnded: () => boolean;
  /** The commit point has moved. */
  readonly onCommitted: () => void;
  /** The set was decided on anew: there is something to tell the other copies. */
  readonly onDecided: () => void;
  readonly onLost: (reason: string) => void;
}

const NOT_IN_SYNC = 'the register no longer names this copy as in sync';

export class InSyncMembership {
  readonly #options: InSyncMembershipOptions;
  readonly #commit: CommitPoint;
  /** When a copy's channel went; absent while it has one. Counted from the activation for those never seen. */
  readonly #absentSinceMs = new Map<string, number>();
  /** Copies that have connected since this one became active. */
  readonly #seen = new Set<string>();
  #change: Promise<void> | undefined;
  #retryAtMs = 0;
  /** Copies that the register would not take into the set, and when it is asked again. Each question costs every vote two syncs. */
  readonly #refusedUntilMs = new Map<string, number>();
  /** In sync by the register, and not any more by what they have: to be taken out. */
  readonly #outdated = new Set<string>();
  /** Told by the service since the last change of ours began, and to be kept to when that has its answer. */
  #toldMeanwhile: readonly string[] | undefined;

  constructor(options: InSyncMembershipOptions) {
    this.#options = options;
    this.#commit = options.commit;
  }

  /** No copy is about to join the set or to be taken out. */
  get isIdle(): boolean {
    if (this.#outdated.size > 0) return false;
    if (this.#options.mode === 'async') return true;
    const isSettled = (host: string): boolean => this.#commit.isInSync(host) && !this.#commit.isUndecided(host);
    return [...this.#options.subscriptions.keys()].every((host) => isSettled(host) || this.#isRefused(host));
  }

  hasSeen(host: string): boolean {
    return this.#seen.has(host);
  }

  noteSeen(host: string): void {
    this.#seen.add(host);
  }

  connected(host: string, hello: ReplicationHello): void {
    this.#absentSinceMs.delete(host);
    this.#seen.add(host);
    this.#checkMemory(hello, host);
  }

  disconnected(host: string): void {
    this.#absentSinceMs.set(host, this.#options.clock.monotonicMs());
    if (!this.#options.hasEnded() && this.#commit.stopJoining(host)) this.#options.onCommitted();
  }

  /** Copies have come or gone. */
  copiesChanged(): void {
    const { copies, clock, subscriptions } = this.#options;
    const unknown = copies.others.filter((host) => !this.#absentSinceMs.has(host) && !subscriptions.has(host));
    for (const host of unknown) this.#absentSinceMs.set(host, clock.monotonicMs());
  }

  /** First a copy's word is required for every commit, then, when it holds everything, the register is asked. */
  considerJoining(subscription: Subscription): void {
    const { host } = subscription;
    const { mode, requests, storageGroup, epoch } = this.#options;
    if (mode === 'async' || this.#isRefused(host)) return;
    if (this.#growStep(subscription) === 'require') this.#commit.startJoining(host);
    if (this.#growStep(subscription) !== 'record' || !this.#mayChange) return;
    this.#begin(host, [...new Set([...this.#commit.inSync, host])], () =>
      requests.requestGrow(storageGroup, epoch, host),
    );
  }

  /** `oldest`: the commit that has waited longest. */
  considerLeaving(oldest: { readonly lsn: number; readonly sinceMs: number } | undefined, nowMs: number): void {
    for (const host of this.#outdated) if (!this.#commit.isInSync(host)) this.#outdated.delete(host);
    if (!this.#mayChange) return;
    const { mode, copies, subscriptions } = this.#options;
    const awaited = oldest === undefined ? [] : this.#commit.missing(oldest.lsn);
    const hosts = new Set([...copies.others, ...this.#commit.required()]);
    const delays = [...hosts].map((host) => this.#delayOf(host, awaited));
    const facts = { mode, nowMs, waitingSinceMs: oldest?.sinceMs, copies: delays };
    const decision = decideShrink(facts, replicationLimits);
    if (decision?.kind === 'shrink') this.#shrinkWithout(decision.host, decision.why);
    else if (decision !== undefined) subscriptions.get(decision.host)?.close(decision.why);
  }

  /** The register says so (it may have been changed by somebody else). */
  recorded(inSync: readonly string[]): void {
    this.#toldMeanwhile = inSync;
    if (this.#change !== undefined) return;
    if (!inSync.includes(this.#options.host)) return this.#options.onLost(NOT_IN_SYNC);
    if (this.#commit.inSyncRecorded(inSync)) this.#options.onCommitted();
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

  #growStep({ host, caughtUp, durableLsn }: Subscription): GrowStep {
    return decideGrow({
      // A shrink without an answer: the register may name it or not, and asking it to name it settles that.
      isInSync: this.#commit.isInSync(host) && !this.#commit.isUndecided(host),
      isCaughtUp: caughtUp,
      isJoining: this.#commit.isJoining(host),
      durableLsn,
      endLsn: this.#options.endLsn(),
    });
  }

  #isRefused(host: string): boolean {
    return this.#options.clock.monotonicMs() < (this.#refusedUntilMs.get(host) ?? 0);
  }

  get #mayChange(): boolean {
    return this.#change === undefined && this.#options.clock.monotonicMs() >= this.#retryAtMs;
  }

  /** Durable in the register first; only then is anything committed without the copy. */
  #shrinkWithout(host: string, why: string): void {
    const { requests, storageGroup, epoch, logger } = this.#options;
    const smaller = this.#commit.inSync.filter((copy) => copy !== host);
    logger.warn({ peer: host, why }, 'asking the register to take a copy out of the in-sync set');
    this.#begin(host, smaller, () => requests.requestShrink(storageGroup, epoch, smaller));
  }

  #begin(host: string, inSync: readonly string[], request: () => Promise<RequestAnswer>): void {
    this.#commit.setUndecided(host);
    this.#toldMeanwhile = undefined;
    this.#change = this.#decide(host, inSync, request).finally(() => {
      this.#change = undefined;
    });
  }

  async #decide(host: string, inSync: readonly string[], request: () => Promise<RequestAnswer>): Promise<void> {
    const { clock, logger, hasEnded, onLost, onCommitted, onDecided } = this.#options;
    let answer: RequestAnswer = 'unknown';
    try {
      answer = await request();
    } catch (error) {
      logger.warn({ peer: host, reason: messageOf(error) }, 'the in-sync set could not be changed');
    }
    const nowMs = clock.monotonicMs();
    this.#retryAtMs = nowMs + replicationLimits.membershipRetryMs;
    if (answer === 'refused') this.#refusedUntilMs.set(host, nowMs + replicationLimits.refusedJoinMs);
    if (hasEnded() || answer === 'unknown') return;
    const now = this.#toldMeanwhile ?? (answer === 'changed' ? inSync : this.#commit.inSync);
    if (!now.includes(this.#options.host)) return onLost(NOT_IN_SYNC);
    if (answer === 'changed') logger.info({ inSync }, 'the in-sync set has changed');
    if (this.#commit.inSyncRecorded(now)) onCommitted();
    onDecided();
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
}
