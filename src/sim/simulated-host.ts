/**
 * A machine of a simulated cluster: a disk, clocks, and, while it is up, the cluster service and one copy, each a process
 * of its own that can end at any moment. The production code runs in them unchanged; what is simulated is everything it
 * touches.
 */
import { present } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { messageOf, type Problem } from '../base/problem.ts';
import { SeededRandom } from '../base/random.ts';
import type { AcceptorSet } from '../cluster/acceptor-set.ts';
import { stepAcceptor } from '../cluster/acceptor-state.ts';
import { CasPaxosRegister } from '../cluster/caspaxos-register.ts';
import { ClusterService } from '../cluster/cluster-service.ts';
import type { CopyControl, CopyView } from '../cluster/copy-control.ts';
import type { Heartbeats } from '../cluster/heartbeat/heartbeats.ts';
import type { Register } from '../cluster/register.ts';
import { RestartPause } from '../cluster/restart-pause.ts';
import type { Copy, Serving } from '../replication/copy.ts';
import type { Database } from '../store/database.ts';
import { type CopyBackup, putBack, takeBackup } from './copy-backup.ts';
import { PortDisk } from './disk-ports.ts';
import type { HostOptions } from './host-options.ts';
import { altered } from './planted-bugs/planted-bug.ts';
import { rotFile } from './rot.ts';
import { MachineClock } from './simulated-clock.ts';
import { SimulatedCopy } from './simulated-copy.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { startHeartbeats } from './simulated-heartbeats.ts';
import { PipedCopy, PipedRequests } from './simulated-pipe.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { DatabaseImages, SimulatedStorage } from './simulated-storage.ts';
import { remoteVote, SimulatedVote } from './simulated-vote.ts';
import { presentSoftware, type SimulatedSoftware } from './software.ts';

const COPY_FOLDER = 'copy';
const VOTE_FOLDER = 'cluster';
/** From the death of the cluster service to its next start. */
const RESTART_MS = 300;
/** How often a copy reports to the service, at the pace of the cluster's times: 100 ms by default. */
const REPORTS_PER_WATCH = 1.5;
/** From the refusal of its version to its start with another one. */
const UPDATE_MS = 5_000;

export class SimulatedHost {
  readonly name: string;
  readonly clock: MachineClock;
  readonly disk: SimulatedDisk;
  readonly #options: HostOptions;
  readonly #images = new DatabaseImages();
  #service: SimulatedProcess | undefined;
  #copyProcess: SimulatedProcess | undefined;
  /** Of the copy's process; it ends with the service that keeps it. */
  #restartPause = new RestartPause();
  #copyStartedMs = 0;
  #clusterService: ClusterService | undefined;
  #copy: SimulatedCopy | undefined;
  #heartbeats: Heartbeats | undefined;
  #starts = 0;
  /** The register gives a copy to this host, as far as it has heard. */
  #hasCopy: boolean;
  #isDark = false;

  constructor(options: HostOptions) {
    this.#options = options;
    this.name = options.name;
    this.software = options.software;
    this.#hasCopy = options.copies.includes(options.name);
    const { time, drift } = options;
    this.clock = new MachineClock(time, { drift, startMs: 1_000 + options.random.below(1_000_000) });
    this.disk = new SimulatedDisk(time, this.#derivedRandom(), { syncMs: 2, ...options.ports.disk });
  }

  get isUp(): boolean {
    return this.#service !== undefined;
  }

  get isPaused(): boolean {
    return this.#service !== undefined && !this.#service.isRunning;
  }

  get refusedHeartbeats(): number {
    return this.#heartbeats?.refused ?? 0;
  }

  get service(): ClusterService | undefined {
    return this.#clusterService;
  }

  get serving(): Serving | undefined {
    return this.#copyProcess?.isAlive === true ? this.#serving : undefined;
  }
  #serving: Serving | undefined;

  get copy(): Copy {
    return present(this.#copy, 'The host has a copy').copy;
  }

  /** Of the present copy, or of the last one that ran; undefined before the first. */
  get view(): CopyView | undefined {
    return this.#copy?.copy.view();
  }

  /** Of the copy that runs here now. */
  get liveView(): CopyView | undefined {
    return this.#copyProcess?.isAlive === true ? this.view : undefined;
  }

  /**
   * How far its log is surely durable: as its copy says, or said before it ended. What was committed while a disk held it
   * stays answered for, so a disk that is lost counts for what it had.
   */
  get durableLsn(): number {
    this.#noteDurable();
    return Math.max(this.#durableLsn, this.#lostLsn);
  }

  #noteDurable(): void {
    const view = this.view;
    // A log that is closed, to be cut, says nothing.
    if (view !== undefined && view.state !== 'starting' && view.durableLsn > 0) this.#durableLsn = view.durableLsn;
  }
  #durableLsn = 0;
  #lostLsn = 0;

  get database(): Database | undefined {
    return this.#storage?.database;
  }
  #storage: SimulatedStorage | undefined;

  software: SimulatedSoftware;

  /** Of a host that is up, where the set of votes changes. */
  acceptorSet: AcceptorSet | undefined;

  /** Why its last start was not let into the cluster. */
  refusal: Problem | undefined;

  /** It is not started again, whoever meant to: it is outside of what is mended. */
  isGivenUp = false;

  /** How often its disk, or that of its vote, was replaced by an empty one. */
  disksLost = 0;
  votesLost = 0;

  /** How often a part of its log was damaged. */
  logsRotten = 0;

  /** How often its database was damaged. */
  databasesRotten = 0;

  /** Everything that a start of the machine starts. */
  start(): void {
    if (this.#service !== undefined || this.isGivenUp) return;
    const { time, network, story, ports } = this.#options;
    if (this.#isDark) {
      this.#isDark = false;
      network.lighten(this.name);
    }
    story.tell(this.name, 'starts');
    this.#starts += 1;
    this.refusal = undefined;
    const service = new SimulatedProcess(`${this.name}/service`);
    this.#service = service;
    this.#restartPause = new RestartPause();
    const clock = this.#clockOf(service);
    this.#heartbeats = this.#startHeartbeats(service);
    const port = network.of(this.name, service, this.#isDown);
    const step = ports.wrapStep?.(stepAcceptor) ?? stepAcceptor;
    const vote = new SimulatedVote(this.#voteDisk(service), { step, onStored: this.#options.onVoteStored });
    vote.listen(port, this.name, clock);
    const clusterService = new ClusterService({
      host: this.name,
      register: this.#register(service, vote),
      clock,
      logger: story.logger(this.name),
      timing: this.#options.timing,
      formats: this.software,
      onUnfit: (problem) => time.after(0, () => this.#shutOut(service, problem)),
      onEvicted: () => time.after(0, () => this.#shutOut(service)),
      onSuperseded: () => {
        time.after(0, () => {
          if (this.#service === service) this.kill('its cluster service was superseded');
          time.after(RESTART_MS, () => this.start());
        });
      },
    });
    this.#clusterService = clusterService;
    this.#startCopy(clusterService, service);
    clusterService.start();
  }

  /** It does as it is told: ends, for good when it was evicted; else after a while somebody installs what its message asks for. */
  #shutOut(service: SimulatedProcess, problem?: Problem): void {
    if (this.#service !== service) return;
    this.refusal = problem;
    this.kill(problem?.message ?? 'it was evicted from the cluster');
    if (problem === undefined) return;
    this.#options.time.after(UPDATE_MS, () => {
      this.install(presentSoftware);
      this.start();
    });
  }

  /** Of the next start. */
  install(software: SimulatedSoftware): void {
    this.#options.story.tell(this.name, `gets the ${software.software} version`);
    this.software = software;
  }

  readonly #isDown = (peer: string, name: string): boolean => this.#heartbeats?.isDown(peer, name) ?? false;

  #startHeartbeats(process: SimulatedProcess): Heartbeats | undefined {
    const { network, copies, story } = this.#options;
    if (network.names.length === 1) return undefined;
    const random = this.#derivedRandom();
    const common = { process, clock: this.#clockOf(process), random, logger: story.logger(this.name) };
    return startHeartbeats({ ...common, host: this.name, nodes: copies, network });
  }

  #register(service: SimulatedProcess, vote: SimulatedVote): Register {
    const { network, votes, identity, ports } = this.#options;
    const clock = this.#clockOf(service);
    const port = network.of(this.name, service, this.#isDown);
    const asked = votes.map((name) =>
      name === this.name ? vote.as(name, identity) : remoteVote(name, identity, port, clock),
    );
    const acceptors = ports.wrapAcceptors?.(asked, this.name) ?? asked;
    const user = { name: this.name, network: port, clock, random: this.#derivedRandom(), own: vote };
    this.acceptorSet = this.#options.movingVotes?.open({ ...user, logger: this.#options.story.logger(this.name) });
    const register = this.acceptorSet ?? new CasPaxosRegister({ ...user, acceptors, proposer: this.name });
    return ports.wrapRegister?.(register, { host: this.name, clock }) ?? register;
  }

  #clockOf(process: SimulatedProcess): Clock {
    const clock = this.clock.of(process);
    return this.#options.ports.wrapClock?.(clock) ?? clock;
  }

  #voteDisk(process: SimulatedProcess): PortDisk {
    return new PortDisk({ disk: this.disk, process, root: VOTE_FOLDER });
  }

  #startCopy(clusterService: ClusterService, service: SimulatedProcess): void {
    const { time, network, story, storageGroup, ports } = this.#options;
    if (!this.#hasCopy) return;
    const process = new SimulatedProcess(`${this.name}/copy`);
    this.#copyProcess = process;
    this.#copyStartedMs = time.nowMs;
    const pipe = { time, service, copy: process };
    const piped = new PipedRequests({ ...pipe, requests: clusterService });
    const clock = this.#clockOf(process);
    const port = network.of(this.name, process);
    const storage = new SimulatedStorage({
      disk: this.disk,
      process,
      folder: COPY_FOLDER,
      images: this.#images,
      random: this.#derivedRandom(),
    });
    this.#storage = storage;
    const copy = new SimulatedCopy({
      ...this.#options,
      formats: ports.wrapFormats?.(this.software) ?? this.software,
      clockJumpMs: ports.clockJumpMs ?? this.#options.timing.clockJumpMs,
      host: this.name,
      incarnation: this.#starts,
      storage: ports.wrapStorage?.(storage, this.disk) ?? storage,
      network: ports.wrapNetwork?.(port) ?? port,
      requests: ports.wrapRequests?.(piped) ?? piped,
      clock,
      random: this.#derivedRandom(),
      logger: story.logger(this.name),
      yieldTurn: () => time.sleep(0),
      onServing: (serving) => {
        this.#serving = serving;
        this.#options.onServing(this, serving);
      },
      onAnswer: (epoch, lsn) => this.#options.onAnswer(this, epoch, lsn),
      onFatal: (error) => time.after(0, () => this.#copyFailed(process, error)),
      ...(ports.wrapStore === undefined ? {} : { wrapStore: ports.wrapStore }),
      ...(ports.wrapServing === undefined ? {} : { wrapServing: ports.wrapServing }),
      ...(ports.wrapReturn === undefined ? {} : { wrapReturn: ports.wrapReturn }),
    });
    this.#copy = copy;
    const watched = this.#watched(copy.copy);
    const control = ports.wrapControl?.(watched, { host: this.name, clock }) ?? watched;
    const viewIntervalMs = this.#options.timing.watchMs / REPORTS_PER_WATCH;
    clusterService.attach(storageGroup, new PipedCopy({ ...pipe, control, viewIntervalMs }));
    copy.open().catch((error: unknown) => time.after(0, () => this.#copyFailed(process, error)));
  }

  /** A lease that the copy does not trust, because its clocks have drifted apart, is none. */
  #watched(control: CopyControl): CopyControl {
    return altered(control, {
      leaseHeldUntil: (untilMs, epoch, offsetMs) => {
        const [nowMs, { clockJumpMs }] = [this.clock.monotonicMs(), this.#options.timing];
        const pausedMs = this.clock.wallMs() - nowMs - offsetMs;
        if (Math.abs(pausedMs) <= clockJumpMs) this.#options.onLease(this, untilMs - nowMs);
        control.leaseHeldUntil(untilMs, epoch, offsetMs);
      },
    });
  }

  #copyFailed(process: SimulatedProcess, error: unknown): void {
    if (!process.isAlive) return;
    this.#options.story.tell(this.name, `the copy's process ends: ${messageOf(error)}`);
    this.killCopy('it failed');
  }

  /** Update-StorageGroupCopy: makes the copy here anew from `source`. */
  seed(source: SimulatedHost, network: string | null = null): Promise<void> {
    const order = { source: source.name, maxBytesPerSecond: null, keepLog: false, network };
    return this.copy.seed(order, (line) => this.#options.story.tell(this.name, `seed: ${line}`));
  }

  /** It hears that its copy was removed: the process ends and is not started again. The files stay. */
  endCopy(): void {
    this.#hasCopy = false;
    const process = this.#copyProcess;
    if (process?.isAlive !== true) return;
    this.#options.story.tell(this.name, 'the copy was removed: its process ends');
    this.#end(process);
    this.#options.onServing(this, undefined);
    this.#service?.run(() => this.#clusterService?.detach(this.#options.storageGroup));
  }

  /** It hears that it has a copy again. */
  beginCopy(): void {
    if (this.#hasCopy) return;
    this.#hasCopy = true;
    const [service, clusterService] = [this.#service, this.#clusterService];
    if (service !== undefined && clusterService !== undefined) {
      service.run(() => this.#startCopy(clusterService, service));
    }
  }

  // ── what can happen to it ────────────────────────────────────────────────────────────────────────────────────────

  /** The copy's process ends; its supervisor notices, and starts it again when the cluster service agrees. */
  killCopy(why: string): void {
    const process = this.#copyProcess;
    const service = this.#service;
    const clusterService = this.#clusterService;
    if (process === undefined || service === undefined || clusterService === undefined || !process.isAlive) return;
    const { time, story, storageGroup } = this.#options;
    story.tell(this.name, `copy killed: ${why}`);
    this.#end(process);
    this.#options.onServing(this, undefined);
    const pauseMs = this.#restartPause.afterRun(time.nowMs - this.#copyStartedMs);
    // Its copy may have been removed and given to it again meanwhile, and then runs already.
    const startAgain = (): void => {
      if (this.#copyProcess === process) this.#startCopy(clusterService, service);
    };
    service.run(() => {
      clusterService.copyDied(storageGroup).then(
        () => time.after(pauseMs, () => service.run(startAgain)),
        (error: unknown) => story.tell(this.name, `error: ${messageOf(error)}`),
      );
    });
  }

  /** kill -9 of all its processes. The machine lives, and so does what they had written. */
  kill(why = ''): void {
    if (this.#service === undefined) return;
    this.#options.story.tell(this.name, `killed ${why}`);
    const wasServing = this.#serving !== undefined;
    this.clock.thaw();
    if (this.#copyProcess !== undefined) this.#end(this.#copyProcess);
    this.#end(this.#service);
    this.#service = undefined;
    this.#clusterService = undefined;
    this.acceptorSet = undefined;
    if (wasServing) this.#options.onServing(this, undefined);
  }

  /** The plug is pulled. */
  losePower(): void {
    this.#options.network.darken(this.name);
    this.#isDark = true;
    this.kill('by a loss of power');
    this.disk.losePower();
    this.#images.losePower(this.#derivedRandom());
  }

  /** A loss of power that the disk with the copy does not survive; there is an empty one in its place. */
  loseCopyDisk(): void {
    this.losePower();
    this.disk.loseFolder(COPY_FOLDER);
    this.#images.loseEverything();
    this.disksLost += 1;
    this.#lostLsn = this.durableLsn;
    this.#durableLsn = 0;
    this.#options.story.tell(this.name, 'the disk with its copy is lost');
  }

  /** Of its copy as it is now; undefined while that has no log. */
  takeBackup(): CopyBackup | undefined {
    const { endLsn = 0 } = this.view ?? {};
    return endLsn === 0 ? undefined : takeBackup(this.disk, COPY_FOLDER, this.#images, endLsn);
  }

  /** The disk with its copy is lost, and in its place is what a backup had. */
  restoreCopy(backup: CopyBackup): void {
    this.loseCopyDisk();
    putBack(this.disk, COPY_FOLDER, this.#images, backup);
    this.#options.story.tell(this.name, `its copy comes from a backup that ends at ${backup.lsn}`);
  }

  /** A loss of power that the disk with its vote does not survive. */
  loseVote(): void {
    this.losePower();
    this.disk.loseFolder(VOTE_FOLDER);
    this.votesLost += 1;
    this.#options.story.tell(this.name, 'the disk with its vote is lost');
  }

  /** A loss of power, during which one bit of a log file turns over: any file, below what is known to be durable. */
  rotLog(wanted?: string): boolean {
    const { random, story } = this.#options;
    this.losePower();
    const rotten = rotFile(this.disk, `${COPY_FOLDER}/log`, random, wanted);
    if (rotten === undefined) return false;
    this.logsRotten += 1;
    story.tell(this.name, `a bit of ${rotten.name} turns over at byte ${rotten.position}`);
    return true;
  }

  /** The disk does not give one page of the database that is in use. */
  failDatabaseRead(): void {
    this.#options.story.tell(this.name, 'a page of its database cannot be read');
    present(this.#copy, 'The host has a copy').copy.databaseDamaged('a page cannot be read', false);
  }

  /** A loss of power, after which a page of the database is not what was written. False when it had none yet. */
  rotDatabase(): boolean {
    this.losePower();
    if (!this.#images.rot()) return false;
    this.databasesRotten += 1;
    this.#options.story.tell(this.name, 'a page of its database is damaged');
    return true;
  }

  #end(process: SimulatedProcess): void {
    this.#noteDurable();
    process.kill();
    this.#options.network.processDied(process);
    if (process === this.#copyProcess) this.#serving = undefined;
  }

  /** `frozen`: the whole machine with its monotonic clock; otherwise its processes only. */
  pause(frozen: boolean): void {
    if (this.#service === undefined) return;
    this.#options.story.tell(this.name, frozen ? 'frozen' : 'stopped (SIGSTOP)');
    if (frozen) this.clock.freeze();
    for (const process of [this.#service, this.#copyProcess]) {
      if (process === undefined) continue;
      process.pause();
      this.#options.network.paused(process);
    }
  }

  resume(): void {
    if (this.#service === undefined || this.#service.isRunning) return;
    const { time, story } = this.#options;
    story.tell(this.name, 'goes on');
    this.clock.thaw();
    const later = (work: () => void): void => void time.after(0, work);
    this.#service.resume(later);
    this.#copyProcess?.resume(later);
  }

  #derivedRandom(): SeededRandom {
    return new SeededRandom(this.#options.random.below(0x1_0000_0000));
  }
}
