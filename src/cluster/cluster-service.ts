/**
 * The driver of one host: it gathers facts, lets the pure functions decide, and performs. Two loops run side by side:
 *
 *   renew   as long as something is active here: one change of the register that carries the lease, the hints and what
 *           was given up; its answer extends the copies' leases or ends their epochs
 *   watch   reads the register without a ballot, feeds the lease watchers, takes over what this host shall lead
 *
 * What a peek shows is a ground to try, never to act: it may show what was never chosen. Everything that a copy is
 * told follows from the outcome of a change.
 *
 * The order that must not be broken: fence, change, lease, activate (C4); and for the way back: step down, then give up.
 * An outcome that is unknown leaves the copy fenced until a later change ends as 'changed' or 'unchanged'.
 */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { messageOf, type Problem } from '../base/problem.ts';
import { ActiveCare } from './active-care.ts';
import { growInSync, type OwnerClaim, shrinkInSync } from './changes.ts';
import type { ActivationGrant, CopyControl, CopyRequests, RequestAnswer } from './copy-control.ts';
import { formatLevelOf, type SoftwareFormats } from './format-level.ts';
import { leaseMarkOf } from './lease.ts';
import { LeaseRenewal } from './lease-renewal.ts';
import { NodeSession } from './node-session.ts';
import { type MoveAnswer, PlannedMove } from './planned-move.ts';
import type { ChangeOutcome, Register } from './register.ts';
import {
  hasHeir,
  isEvicted,
  type LogPosition,
  member,
  type RegisterDocument,
  type StorageGroupRecord,
  serverOf,
} from './register-document.ts';
import { decideRestart } from './restart.ts';
import { type Periodical, runPeriodically } from './run-periodically.ts';
import { Seat } from './seat.ts';
import { SteppingDown } from './stepping-down.ts';
import { decideForced, decideTakeOver } from './take-over.ts';
import { type Taken, TakeOverDriver } from './take-over-driver.ts';
import { type ClusterTiming, checkTiming } from './timing.ts';

export interface ClusterServiceOptions {
  readonly host: string;
  readonly register: Register;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timing: ClusterTiming;
  /** Another run of the same host name has joined: this one leads nothing any more and should end. */
  readonly onSuperseded: () => void;
  /** Announced by every start. */
  readonly formats: SoftwareFormats;
  /** The cluster writes what this host's software does not read: it takes no part and should end. */
  readonly onUnfit: (problem: Problem) => void;
  /** The register says that this host was evicted: it leads nothing, and joins only when it is added again. Told once. */
  readonly onEvicted: () => void;
}

export interface ServiceStatus {
  /** What the last peek showed, and when on the monotonic clock; undefined before the first. */
  readonly document: RegisterDocument | undefined;
  readonly seenAtMs: number;
  /** Whether a majority of the votes answered the last peek. */
  readonly hasMajority: boolean;
  readonly isSuperseded: boolean;
  readonly isEvicted: boolean;
  readonly seats: ReadonlyMap<string, { readonly activeEpoch: number | null; readonly waitReason: string | undefined }>;
}

/** Deaths of copies' processes that are remembered per storage group. */
const MAX_REMEMBERED_DEATHS = 16;

export class ClusterService implements CopyRequests {
  readonly #host: string;
  readonly #register: Register;
  readonly #session: NodeSession;
  readonly #driver: TakeOverDriver;
  readonly #care: ActiveCare;
  readonly #steppingDown: SteppingDown;
  readonly #renewal: LeaseRenewal;
  readonly #plannedMove: PlannedMove;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #timing: ClusterTiming;
  readonly #seats = new Map<string, Seat>();
  readonly #deathsMs = new Map<string, number[]>();
  #peeked: { document: RegisterDocument; seenAtMs: number } | undefined;
  #loops: Periodical[] = [];
  #isStopped = false;
  #hasMajority = false;
  #isEvicted = false;
  readonly #onEvicted: () => void;

  constructor(options: ClusterServiceOptions) {
    checkTiming(options.timing);
    this.#host = options.host;
    this.#register = options.register;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#timing = options.timing;
    this.#onEvicted = options.onEvicted;
    this.#session = new NodeSession({
      ...options,
      logger: this.#logger,
      timeoutMs: options.timing.registerTimeoutMs,
      onChosen: (document) => this.#reconcile(document),
      onSuperseded: () => {
        this.#end('superseded by another run');
        options.onSuperseded();
      },
      onUnfit: (problem) => {
        this.#end(problem.message);
        options.onUnfit(problem);
      },
    });
    const session = this.#session;
    this.#driver = new TakeOverDriver({ ...options, session });
    const steppingDown = new SteppingDown({ ...options, session, seats: this.#seats });
    this.#steppingDown = steppingDown;
    this.#renewal = new LeaseRenewal({ ...options, session, steppingDown, seats: this.#seats });
    this.#plannedMove = new PlannedMove({ ...options, session, steppingDown });
    this.#care = new ActiveCare({
      ...options,
      stepDown: (seat, reason) => steppingDown.stepDown(seat, reason),
      giveUp: (storageGroup, epoch, reason) => steppingDown.giveUp(storageGroup, epoch, reason),
      handOff: (storageGroup, target) => this.handOff(storageGroup, target),
      change: (decide) => this.#session.change(decide),
    });
  }

  start(): void {
    const { watchMs, renewalMs } = this.#timing;
    const common = { clock: this.#clock, logger: this.#logger };
    this.#loops = [
      runPeriodically({ ...common, name: 'watch', intervalMs: watchMs }, () => this.#watch()),
      runPeriodically({ ...common, name: 'renew', intervalMs: renewalMs }, () => this.#renewal.renew()),
    ];
  }

  /** Leads nothing any more, and says so in the register, so that others need not wait for the grace. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const loop of this.#loops) loop.stop();
    const active = [...this.#seats.values()].filter((seat) => seat.active !== undefined);
    await Promise.all(active.map((seat) => this.#steppingDown.stepDownAndGiveUp(seat, 'the cluster service stops')));
    this.#renewal.dropHints();
  }

  /** Looks at the register now: somebody says that it changed. */
  nudge(): void {
    for (const loop of this.#loops) loop.nudge();
  }

  /**
   * A copy on this host. The caller holds the lock on the copy's data folder: no earlier process of it lives outside
   * `control` (C5 rests on that).
   */
  attach(storageGroup: string, control: CopyControl): void {
    this.detach(storageGroup);
    this.#seats.set(storageGroup, new Seat(storageGroup, control));
  }

  /** The copy's process is gone, so nothing of it answers under any epoch. Ownership stays until the host decides. */
  detach(storageGroup: string): void {
    const seat = this.#seats.get(storageGroup);
    if (seat === undefined) return;
    seat.isDetached = true;
    seat.active = undefined;
    this.#seats.delete(storageGroup);
  }

  /** Case 18. Detaches the copy; 'give-up' has been asked of the register when it resolves. */
  async copyDied(storageGroup: string): Promise<'restart' | 'give-up'> {
    const epoch = this.#seats.get(storageGroup)?.active?.epoch;
    this.detach(storageGroup);
    const nowMs = this.#clock.monotonicMs();
    const deathsMs = [...(this.#deathsMs.get(storageGroup) ?? []), nowMs].slice(-MAX_REMEMBERED_DEATHS);
    this.#deathsMs.set(storageGroup, deathsMs);
    const group = this.#peeked && member(this.#peeked.document.storageGroups, storageGroup);
    const isInherited = group !== undefined && hasHeir(group, this.#host);
    const decision = decideRestart({ deathsMs, nowMs, hasHeir: isInherited }, this.#timing);
    if (decision === 'give-up' && epoch !== undefined)
      await this.#steppingDown.giveUp(storageGroup, epoch, 'its process died again');
    return decision;
  }

  status(): ServiceStatus {
    const seats = [...this.#seats.values()].map(
      (seat) => [seat.storageGroup, { activeEpoch: seat.active?.epoch ?? null, waitReason: seat.waitReason }] as const,
    );
    return {
      document: this.#peeked?.document,
      seenAtMs: this.#peeked?.seenAtMs ?? Number.NEGATIVE_INFINITY,
      hasMajority: this.#hasMajority,
      isSuperseded: this.#session.isSuperseded,
      isEvicted: this.#isEvicted,
      seats: new Map(seats),
    };
  }

  async requestShrink(storageGroup: string, epoch: number, inSync: readonly string[]): Promise<RequestAnswer> {
    const claim = { storageGroup, host: this.#host, epoch, inSync };
    const outcome = await this.#session.change((document) => shrinkInSync(document, claim));
    return this.#answer(outcome, claim, (group) => group.inSync.every((host) => inSync.includes(host)));
  }

  async requestGrow(storageGroup: string, epoch: number, joiner: string): Promise<RequestAnswer> {
    const claim = { storageGroup, host: this.#host, epoch, joiner };
    const outcome = await this.#session.change((document) => growInSync(document, claim));
    return this.#answer(outcome, claim, (group) => group.inSync.includes(joiner));
  }

  async publishHint(storageGroup: string, epoch: number, hint: LogPosition): Promise<RequestAnswer> {
    if (this.#isStopped || this.#seats.get(storageGroup)?.active?.epoch !== epoch) return 'refused';
    return this.#renewal.postHint(storageGroup, epoch, hint);
  }

  giveUpLease(storageGroup: string, epoch: number, reason: string): Promise<RequestAnswer> {
    const seat = this.#seats.get(storageGroup);
    if (seat !== undefined && seat.active?.epoch === epoch) seat.active = undefined;
    return this.#steppingDown.giveUp(storageGroup, epoch, reason);
  }

  /** A planned move of one storage group that is active here. */
  handOff(storageGroup: string, target: string): Promise<MoveAnswer> {
    return this.#plannedMove.move(this.#seats.get(storageGroup), target);
  }

  /** An administrator's force: leads with what is here, and records the loss. Not while another may be active. */
  async force(storageGroup: string): Promise<MoveAnswer> {
    const seat = this.#seats.get(storageGroup);
    const document = this.#peeked?.document;
    if (seat === undefined || document === undefined)
      return { kind: 'not-moved', reason: 'its state is not known yet' };
    if (seat.isBusy || seat.active !== undefined) return { kind: 'not-moved', reason: 'it is active, or about to be' };
    const decision = decideForced(seat.facts(document, this.#host, this.#clock.monotonicMs()), this.#timing);
    if (decision.kind !== 'take') {
      return { kind: 'not-moved', reason: decision.kind === 'nothing' ? 'nothing is to be done' : decision.reason };
    }
    await this.#take(seat, document, decideForced);
    if (seat.unsettledEpoch !== undefined) return { kind: 'unknown', reason: 'the register did not answer in time' };
    return seat.active === undefined
      ? { kind: 'not-moved', reason: seat.waitReason ?? 'somebody else was faster' }
      : { kind: 'moved' };
  }

  // ---- watch ----

  async #watch(): Promise<void> {
    if (!this.#session.isJoined) await this.#session.join();
    const peeked = await this.#register.peek({ timeoutMs: this.#timing.peekTimeoutMs });
    this.#hasMajority = peeked !== undefined;
    if (peeked === undefined || this.#isStopped || this.#session.isSuperseded) return;
    const nowMs = this.#clock.monotonicMs();
    this.#peeked = { document: peeked.document, seenAtMs: nowMs };
    if (this.#noteEviction(peeked.document)) return;
    for (const seat of this.#seats.values()) {
      const mark = leaseMarkOf(peeked.document, seat.storageGroup);
      if (mark !== undefined) seat.watcher.observe(mark, nowMs);
      seat.noteOwner(peeked.document, this.#host, nowMs);
      seat.tellCopies(peeked.document);
      if (!this.#session.isJoined) continue;
      const cared = this.#care.look(seat, peeked.document, nowMs);
      if (cared !== undefined) this.#inBackground(seat, cared);
      this.#consider(seat, peeked.document, nowMs);
    }
  }

  /** What was seen may never have been decided, but by then the node has no copy and no vote: there is nothing to lose. */
  #noteEviction(document: RegisterDocument): boolean {
    const isNow = isEvicted(document, this.#host);
    if (isNow && !this.#isEvicted) {
      this.#logger.error({}, 'this host was evicted from the cluster');
      this.#onEvicted();
    }
    this.#isEvicted = isNow;
    return isNow;
  }

  #consider(seat: Seat, document: RegisterDocument, nowMs: number): void {
    if (seat.isBusy || seat.active !== undefined) return;
    seat.notePromise(document);
    const decision = decideTakeOver(seat.facts(document, this.#host, nowMs), this.#timing);
    seat.waitReason = decision.kind === 'wait' || decision.kind === 'give-up' ? decision.reason : undefined;
    const group = member(document.storageGroups, seat.storageGroup);
    const isGivenUp = this.#steppingDown.isGivenUp(seat.storageGroup, group?.epoch);
    if (decision.kind === 'take' && !isGivenUp) this.#inBackground(seat, this.#take(seat, document, decideTakeOver));
    else if (decision.kind === 'give-up' && group !== undefined && !isGivenUp) {
      this.#inBackground(seat, this.#steppingDown.giveUp(seat.storageGroup, group.epoch, decision.reason));
    } else if (seat.unsettledEpoch !== undefined) this.#inBackground(seat, this.#settle(seat, seat.unsettledEpoch));
  }

  #inBackground(seat: Seat, work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      this.#logger.error({ storageGroup: seat.storageGroup, error: messageOf(error) }, 'change of ownership failed');
    });
  }

  // ---- leading ----

  #take(seat: Seat, document: RegisterDocument, decide: typeof decideTakeOver): Promise<void> {
    return seat.whileBusy(async () => {
      const taken = await this.#driver.take(seat, document, decide);
      if (taken !== undefined) await this.#activate(seat, taken);
    });
  }

  #settle(seat: Seat, epoch: number): Promise<void> {
    return seat.whileBusy(() => this.#driver.settle(seat, epoch));
  }

  /** The lease is told first, so that a copy that is quick may serve at once. Recovery may take long; renewals go on. */
  async #activate(seat: Seat, { group, formatLevel, sent, previousActive }: Taken): Promise<void> {
    if (seat.isDetached || this.#isStopped || this.#session.isSuperseded) return;
    const { epoch, inSync, copies, mode } = group;
    seat.active = { epoch, inSync, copies, mode, formatLevel, lossy: group.lossy ?? null, previousActive };
    seat.waitReason = undefined;
    this.#renewal.extend(seat, epoch, sent);
    try {
      await seat.control.activate(seat.active);
    } catch (error) {
      this.#logger.error({ storageGroup: seat.storageGroup, epoch, error: messageOf(error) }, 'copy not activated');
      if (seat.active?.epoch === epoch) await this.#steppingDown.stepDownAndGiveUp(seat, messageOf(error));
    }
  }

  /** What the register certainly holds, held against what runs here. */
  #reconcile(document: RegisterDocument): void {
    this.#steppingDown.noteChosen(document);
    for (const seat of this.#seats.values()) this.#reconcileSeat(seat, document);
  }

  #reconcileSeat(seat: Seat, document: RegisterDocument): void {
    const active = seat.active;
    const group = member(document.storageGroups, seat.storageGroup);
    if (active === undefined) return;
    if (group === undefined || !this.#owns(group, active.epoch)) {
      const owner = `epoch ${group?.epoch ?? 0} belongs to ${group?.active ?? 'nobody'}`;
      this.#inBackground(seat, this.#steppingDown.stepDown(seat, owner));
      return;
    }
    if (!isSameSet(group.inSync, active.inSync)) {
      seat.active = { ...active, inSync: group.inSync };
      seat.control.inSyncChanged(active.epoch, group.inSync);
    }
    const ending = this.#reasonToEnd(seat, document, group, active);
    if (ending !== undefined && !seat.isBusy) this.#inBackground(seat, this.#steppingDown.stepDown(seat, ending));
  }

  /** Mode and format level belong to an epoch: with another one the copy begins a new epoch, at the next look. */
  #reasonToEnd(
    seat: Seat,
    document: RegisterDocument,
    group: StorageGroupRecord,
    active: ActivationGrant,
  ): string | undefined {
    const stopped = serverOf(document, seat.storageGroup)?.record.stopped;
    if (stopped !== undefined) return `the server was stopped: ${stopped.reason}`;
    if (!group.mounted) return 'an administrator dismounted it';
    if (group.mode !== active.mode) return `the mode is ${group.mode} from now on`;
    const formatLevel = formatLevelOf(document);
    return formatLevel === active.formatLevel ? undefined : `the format level is ${formatLevel} from now on`;
  }

  #owns(group: StorageGroupRecord | undefined, epoch: number): boolean {
    return group?.active === this.#host && group.epoch === epoch;
  }

  #answer(
    outcome: ChangeOutcome,
    claim: OwnerClaim,
    isFulfilled: (group: StorageGroupRecord) => boolean,
  ): RequestAnswer {
    if (outcome.kind === 'unknown' || outcome.kind === 'unavailable') return 'unknown';
    const group = outcome.document && member(outcome.document.storageGroups, claim.storageGroup);
    return group !== undefined && this.#owns(group, claim.epoch) && isFulfilled(group) ? 'changed' : 'refused';
  }

  #end(reason: string): void {
    for (const loop of this.#loops) loop.stop();
    for (const seat of this.#seats.values()) this.#inBackground(seat, this.#steppingDown.stepDown(seat, reason));
  }
}

function isSameSet(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((entry) => right.includes(entry));
}
