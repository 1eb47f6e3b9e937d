/**
 * One copy of a storage group on one host, through its lives: it opens what is on its disk, follows the active copy as
 * a passive one, becomes active when the cluster service grants it, and steps down again. What it may do is decided
 * elsewhere (cluster/); here it is done, one step at a time and in order.
 *
 *   opening -> passive <-> active
 *      └────────┴──> failed   (says why; repaired by following, or by a seed)
 */
import type { Cancel, Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Channel, Network } from '../base/network.ts';
import { isProblem, messageOf, Problem } from '../base/problem.ts';
import type { Random } from '../base/random.ts';
import type { ActivationGrant, CopyControl, CopyRequests, CopyView } from '../cluster/copy-control.ts';
import type { FormatRange } from '../cluster/format-level.ts';
import { LeaseHolder } from '../cluster/lease.ts';
import type { UnreadableListener } from '../log/log-reader.ts';
import type { RecordFormats } from '../store/record-formats.ts';
import { StorageGroup } from '../store/storage-group.ts';
import { ActiveCopy } from './active-copy.ts';
import { CopyFiles } from './copy-files.ts';
import type { CopyHosts } from './copy-hosts.ts';
import { CopyParts } from './copy-parts.ts';
import { type CopyDamage, CopyRepair, REPAIRABLE } from './copy-repair.ts';
import { CopySeeding, type SeedOrder } from './copy-seeding.ts';
import type { CopyStorage } from './copy-storage.ts';
import { CopyUpkeep } from './copy-upkeep.ts';
import { viewOf } from './copy-view.ts';
import { DeletedItemPurge } from './deleted-item-purge.ts';
import { epochStart } from './epoch-start.ts';
import { explainLogFiles, type LogFileNeed } from './explain-truncation.ts';
import { followedCopy, helloOf } from './followed-copy.ts';
import { Follower } from './follower.ts';
import { checkReads } from './format-gate.ts';
import { replicationLimits } from './limits.ts';
import { type LogMarks, logMarksOf } from './log-marks.ts';
import type { ReplicationHello } from './protocol.ts';
import { Quarantine, type ReturnMail } from './quarantine.ts';

export interface CopyOptions {
  readonly host: string;
  readonly storageGroup: string;
  readonly copies: CopyHosts;
  readonly incarnation: number;
  readonly circularLogging: boolean;
  /** Size of a log file; 1 MiB unless it is given. */
  readonly fileSizeBytes?: number;
  readonly storage: CopyStorage;
  readonly network: Network;
  readonly requests: CopyRequests;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly clockJumpMs: number;
  readonly formats: FormatRange & RecordFormats;
  readonly yieldTurn: () => Promise<void>;
  /** Called with the mounted storage group when this copy begins to serve, with undefined when it ends. */
  readonly onServing: (serving: Serving | undefined) => void;
  /** The log device failed: this copy must not go on in this process. */
  readonly onFatal: (error: unknown) => void;
  readonly onUnreadableFile?: UnreadableListener;
  readonly returnMail: ReturnMail;
  /** A damaged part was made anew from another copy. */
  readonly onMended?: (what: CopyDamage['what']) => void;
}

export interface Serving {
  readonly store: StorageGroup;
  readonly epoch: number;
  readonly lossy: boolean;
  readonly mode: ActivationGrant['mode'];
}

export class Copy implements CopyControl {
  readonly #options: CopyOptions;
  /** Backups, the content index, work on the database. */
  readonly upkeep: CopyUpkeep;
  readonly parts: CopyParts;
  readonly #files: CopyFiles;
  readonly #seeding: CopySeeding;
  readonly #repair: CopyRepair;
  /** The problem that this copy cannot be opened for. */
  #openProblem: Problem | undefined;
  /** What the scrub found in the database. */
  #databaseDamage: string | undefined;
  readonly #lease: LeaseHolder;
  #state: CopyView['state'] = 'starting';
  #failure: string | null = null;
  #follower: Follower | undefined;
  #active: ActiveCopy | undefined;
  #serving: Serving | undefined;
  #suspended: string | null = null;
  #isSeeding = false;
  #draining = false;
  /** Steps run one after the other: activate, step down, suspend, commit. */
  #steps: Promise<unknown> = Promise.resolve();
  #cancelTimer: Cancel | undefined;
  readonly quarantine: Quarantine;
  readonly #purge: DeletedItemPurge;

  constructor(options: CopyOptions) {
    this.#options = options;
    this.#files = new CopyFiles({
      ...options,
      committedLsn: () => this.#active?.committedLsn ?? 0,
      onDatabaseUnreadable: (what) => this.databaseDamaged(what, false),
      onLogFailed: (failure) => this.#logFailed(failure),
      onPutAside: () => this.quarantine.look(),
    });
    this.upkeep = new CopyUpkeep({
      ...options,
      files: this.#files,
      active: () => this.#active,
      obstacle: () => this.#obstacle(),
      mounted: () => this.#serving?.store,
      seed: () => this.#seeding.report,
      quarantine: () => this.quarantine.facts,
    });
    this.quarantine = new Quarantine({
      ...options,
      files: this.#files,
      activeHost: () => this.#activeHost(),
      inTurn: (work) => this.upkeep.inTurn(work),
    });
    this.parts = new CopyParts(this.#files, options.storage.disk, (step) => this.#inOrder(step));
    this.#seeding = new CopySeeding({
      ...options,
      files: this.#files,
      holdLog: (lsn) => {
        if (this.#active === undefined) throw new Problem('NotActive', 'Cannot give a seed: this copy is not active');
        return this.#active.holdLog(lsn);
      },
    });
    this.#purge = new DeletedItemPurge(options);
    this.#repair = new CopyRepair({
      ...options,
      seeding: this.#seeding,
      damage: () => this.#damage(),
      hello: () => ({ ...helloOf(options, this.#files, []), logSignature: '', seededLsn: 0 }),
      logReachesBack: () => this.#files.generation > 0 && this.#files.log.firstReadableLsn === 0,
      anew: (work, isNew) => this.#anew(work, isNew),
      closeFiles: () => this.#files.close(),
      onMended: (what) => options.onMended?.(what),
    });
    this.#lease = new LeaseHolder({ clockJumpMs: options.clockJumpMs });
  }

  /** Opens what is on the disk. A copy that cannot be opened is `failed` and says why; it never throws for that. */
  async open(options: { suspended: string | null }): Promise<void> {
    await this.#inOrder(async () => {
      this.#suspended = options.suspended;
      await this.#openFiles();
      if (this.#state !== 'failed') this.#startFollowing();
    });
    this.#planTimer();
  }

  async #openFiles(): Promise<void> {
    try {
      await this.#files.open();
      await this.upkeep.room.look();
      this.#state = 'passive';
      this.#failure = null;
      this.#openProblem = undefined;
    } catch (error) {
      if (!isProblem(error)) throw error;
      const { code, message: reason } = error;
      if (this.#openProblem?.code !== code) this.#options.logger.error({ code, reason }, 'this copy cannot be opened');
      this.#state = 'failed';
      this.#failure = reason;
      this.#openProblem = error;
    }
  }

  async close(reason: string): Promise<void> {
    this.#cancelTimer?.();
    this.#seeding.stop();
    await this.quarantine.stop();
    await this.#inOrder(async () => {
      await this.#endServing(reason);
      await this.#follower?.stop(reason);
      this.#follower = undefined;
      this.#state = 'stopped';
      await this.#files.close();
    });
  }

  // ── what the cluster service asks ────────────────────────────────────────────────────────────────────────────────

  view(): CopyView {
    return viewOf({
      state: this.#state,
      files: this.#files,
      follower: this.#follower,
      failure: this.#failure,
      isSuspended: this.isSuspended,
      isSeeding: this.#isSeeding,
      isDatabaseDamaged: this.#databaseDamage !== undefined,
    });
  }

  /** The ends of the pipeline, in log files, for the status. */
  logMarks(): LogMarks {
    return logMarksOf(this.#files, this.#follower?.state.progress?.generation ?? 0);
  }

  /** Each closed log file with why it is still there. */
  logFileNeeds(): readonly LogFileNeed[] {
    return explainLogFiles(this.#files, this.#active, this.#files.circularLogging);
  }

  async fence(epoch: number): Promise<boolean> {
    const { epochs, epochSeen } = this.#files;
    if (epoch < epochSeen) return false;
    try {
      await epochs.promise(epoch);
      return epochs.floor === epoch;
    } catch (error) {
      this.#options.logger.error({ epoch, reason: messageOf(error) }, 'a promised epoch cannot be stored');
      return false;
    }
  }

  unfence(epoch: number): Promise<void> {
    return this.#files.epochs.withdraw(epoch);
  }

  activate(grant: ActivationGrant): Promise<void> {
    return this.#inOrder(() => this.#activate(grant));
  }

  leaseHeldUntil(untilMs: number, epoch: number, wallOffsetMs: number): void {
    this.#lease.heldUntil(untilMs, epoch, wallOffsetMs);
    this.#active?.leaseRenewed();
  }

  inSyncChanged(epoch: number, inSync: readonly string[]): void {
    if (this.#active?.epoch === epoch) this.#active.inSyncChanged(inSync);
  }

  copiesChanged(copies: readonly string[]): void {
    this.#options.copies.become(copies);
    this.#active?.copiesChanged();
  }

  stepDown(epoch: number, reason: string): Promise<void> {
    this.#lease.drop();
    if (this.#active !== undefined && this.#active.epoch <= epoch) this.#active.end(reason);
    return this.#inOrder(async () => {
      if (this.#active === undefined || this.#active.epoch > epoch) return;
      await this.#endServing(reason);
      this.#startFollowing();
    });
  }

  async drain(target: string, timeoutMs: number): Promise<boolean> {
    if (this.#active?.hasEnded !== false) return false;
    this.#draining = true;
    return this.#active.drainedTo(target, timeoutMs);
  }

  resume(epoch: number): void {
    if (this.#active?.epoch === epoch) this.#draining = false;
  }

  // ── what an administrator asks ───────────────────────────────────────────────────────────────────────────────────

  get isSuspended(): boolean {
    return this.#suspended !== null;
  }

  setCircularLogging(circularLogging: boolean): void {
    this.#files.circularLogging = circularLogging;
  }

  /** No more I/O on a passive copy until it is resumed with null. */
  setSuspended(comment: string | null): Promise<void> {
    return this.#inOrder(async () => {
      const wasSuspended = this.#suspended !== null;
      this.#suspended = comment;
      if (this.#state !== 'passive' || wasSuspended === (comment !== null)) return;
      if (comment === null) return this.#startFollowing();
      await this.#follower?.stop('suspended by an administrator');
      this.#follower = undefined;
    });
  }

  /** Makes this copy anew from an active one. Problems: it is as it was, or failed and to be seeded again. */
  seed(order: SeedOrder, onProgress: (line: string) => void): Promise<void> {
    return this.#anew(() => this.#seeding.receive(order, onProgress));
  }

  #anew(work: () => Promise<void>, isNew = true): Promise<void> {
    return this.#inOrder(async () => {
      if (this.#state === 'active') throw new Problem('CannotSeed', 'Cannot seed this copy: it is the active one');
      this.#isSeeding = true;
      try {
        await this.#follower?.stop('this copy is made anew');
        this.#follower = undefined;
        await work();
        this.#databaseDamage = undefined;
        if (isNew) await this.#files.epochs.resetIfDamaged();
      } finally {
        this.#isSeeding = false;
        await this.#openFiles();
        this.quarantine.look();
        if (this.#state !== 'failed') this.#startFollowing();
      }
    });
  }

  /** Found beside the serving, or by a single read (not `isProven`). An active copy hands over first, if another one has everything. */
  databaseDamaged(reason: string, isProven = true): void {
    const heir = this.#active?.inSync.find((copy) => copy !== this.#options.host);
    const isAlone = this.#active !== undefined && heir === undefined;
    if (!this.#repair.mayRepair || (isAlone && !isProven)) return;
    this.#databaseDamage = reason;
    if (heir !== undefined) this.#active?.lose(`its database is damaged, and ${heir} has everything: ${reason}`);
  }

  #damage(): CopyDamage | undefined {
    if (this.#suspended !== null) return undefined;
    if (this.#state === 'failed') {
      const what = REPAIRABLE[this.#openProblem?.code ?? ''];
      return what === undefined ? undefined : { what, reason: this.#failure ?? '' };
    }
    const { applyFailure = null, state: { failure = null } = {}, needsSeed = false } = this.#follower ?? {};
    // Its log was damaged, and what it lacks is nowhere but in a seed.
    const seedReason = needsSeed && this.#files.lacksRecords ? failure : null;
    const reason = applyFailure ?? this.#databaseDamage ?? seedReason;
    return this.#state === 'passive' && reason !== null ? { what: 'database', reason } : undefined;
  }

  #obstacle(): string | undefined {
    if (this.#state !== 'active' && this.#state !== 'passive') return this.#failure ?? `it is ${this.#state}`;
    if (this.#isSeeding) return 'it is being seeded';
    return this.#files.isComplete && this.#files.generation > 0 ? undefined : 'it is not complete';
  }

  // ── channels of other copies ─────────────────────────────────────────────────────────────────────────────────────

  accept(channel: Channel, hello: ReplicationHello): void {
    if (this.#active === undefined) return channel.close('this copy is not active');
    this.#active.subscribe(channel, hello);
  }

  /** Another copy asks for a seed: the log behind the snapshot is kept until it is through. */
  acceptSeed(channel: Channel): void {
    if (this.#active === undefined) return channel.close('this copy is not active');
    this.#seeding.serve(channel);
  }

  // ── passive ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #startFollowing(): void {
    this.#state = 'passive';
    if (this.#suspended !== null || this.#follower !== undefined) return;
    this.#follower = new Follower({
      ...this.#options,
      copy: followedCopy(this.#files, () => this.#hello()),
      isShortOfRoom: () => this.upkeep.room.isShort,
    });
    this.#follower.start();
  }

  /** Of the copy that takes mail now, as far as this one knows. */
  #activeHost(): string | undefined {
    const { following, source } = this.#follower?.state ?? {};
    if (this.#serving !== undefined) return this.#options.host;
    return following === true ? (source ?? undefined) : undefined;
  }

  #hello(): ReplicationHello {
    return helloOf(this.#options, this.#files, this.#files.log.epochEnds);
  }

  // ── active ───────────────────────────────────────────────────────────────────────────────────────────────────────

  async #activate(grant: ActivationGrant): Promise<void> {
    if (grant.epoch < this.#files.epochSeen || this.#state === 'failed' || this.#state === 'stopped') {
      throw new Problem(
        'CannotActivate',
        `Cannot activate this copy under epoch ${grant.epoch}: ${this.#failure ?? 'it knows a higher one'}.`,
      );
    }
    checkReads(this.#options.formats, grant.formatLevel);
    await this.#endServing('it is activated anew');
    await this.#follower?.stop('this copy becomes active');
    this.#follower = undefined;
    const files = this.#files;
    await files.epochs.use(grant.epoch);
    await files.applyAll();
    this.#options.copies.become(grant.copies);
    if (files.isRestored) await files.recordsAreBack();
    // The register keeps the last lossy takeover; it counts once, for the first epoch that this log begins after it.
    const isLossy = grant.lossy !== null && grant.lossy.epoch > files.log.epoch;
    const { kind, payload } = epochStart({ ...this.#options, epoch: grant.epoch, isLossy, log: files.log });
    files.startEpoch(grant.epoch, kind, payload);
    await files.applyAll();
    const active = new ActiveCopy({
      ...this.#options,
      ...grant,
      copies: this.#options.copies,
      log: files.log,
      lease: this.#lease,
      isDraining: () => this.#draining,
      shortage: () => this.upkeep.room.shortage,
      onLost: (reason) => this.#onLost(grant.epoch, reason),
    });
    this.#draining = false;
    this.#active = active;
    this.#state = 'active';
    const store = new StorageGroup({ ...files.mount(), journal: active, ...this.#options });
    this.#serving = { store, epoch: grant.epoch, lossy: isLossy, mode: grant.mode };
    const { epoch, inSync } = grant;
    this.#options.logger.info({ epoch, endLsn: files.endLsn, inSync }, 'this copy is active');
    this.#options.onServing(this.#serving);
  }

  /** Those who wait for the log learn it too, but it may fail while nobody waits. */
  #logFailed(failure: Error): void {
    if (this.#active?.hasEnded === false) this.#active.lose(`the log failed: ${failure.message}`);
    else this.#options.onFatal(failure);
  }

  #onLost(epoch: number, reason: string): void {
    const { logger, requests, storageGroup, onFatal } = this.#options;
    logger.error({ epoch, reason }, 'this copy stops serving');
    const failure = this.#files.log.failure;
    requests.giveUpLease(storageGroup, epoch, reason).then(
      () => (failure === undefined ? this.stepDown(epoch, reason).catch(onFatal) : onFatal(failure)),
      (error: unknown) => onFatal(failure ?? error),
    );
  }

  async #endServing(reason: string): Promise<void> {
    const active = this.#active;
    if (active === undefined) return;
    active.end(reason);
    this.#serving?.store.stop(reason);
    this.#active = undefined;
    this.#serving = undefined;
    this.#options.onServing(undefined);
    await this.#files.returnToCommitted();
    this.#state = 'passive';
  }

  // ── from time to time ────────────────────────────────────────────────────────────────────────────────────────────

  #planTimer(): void {
    this.#cancelTimer = this.#options.clock.after(replicationLimits.databaseCommitIntervalMs, () => {
      this.#inOrder(() => this.#commitDatabase())
        .then(() => this.#repair.step())
        .then(() => this.quarantine.step())
        .then(
          () => this.#planTimer(),
          (error: unknown) => this.#options.onFatal(error),
        );
    });
  }

  async #commitDatabase(): Promise<void> {
    if (this.#state !== 'active' && this.#state !== 'passive') return;
    await this.upkeep.room.look();
    this.#follower?.look();
    const serving = this.#serving;
    if (serving === undefined) {
      if (this.#suspended !== null) return;
      await this.#files.commitDatabase();
      await this.#files.truncateLog(this.#files.committedLsn);
      return;
    }
    try {
      await this.#purge.run(serving.store.deletedItems);
      await this.#files.commitMounted(serving.store);
      this.#publishHint(serving.epoch);
      await this.#files.truncateLog(this.#active?.lowestNeededLsn() ?? 0);
    } catch (error) {
      if (!isProblem(error, 'NotActive')) throw error;
      if (this.#active?.hasEnded === false) this.#active.lose(error.message);
    }
  }

  /** Rides on the next renewal of the lease, which nobody waits for here. */
  #publishHint(epoch: number): void {
    const { requests, storageGroup, logger } = this.#options;
    const active = this.#active;
    if (active === undefined) return;
    const hint = { lsn: active.committedLsn, generation: this.#files.generation };
    requests.publishHint(storageGroup, epoch, hint).catch((error: unknown) => {
      logger.warn({ reason: messageOf(error) }, 'the end of the log could not be published');
    });
  }

  #inOrder<T>(step: () => Promise<T>): Promise<T> {
    const run = this.#steps.then(step);
    this.#steps = run.catch(() => undefined);
    return run;
  }
}
