/**
 * A whole cluster in one process: nodes, a share with the third vote, a hub, the network between them, and the clients.
 * All chance comes from one seed, all time from one queue, so the same seed tells the same story.
 */
import { assert } from '../base/assert.ts';
import { isProblem } from '../base/problem.ts';
import { SeededRandom } from '../base/random.ts';
import { NO_BALLOT } from '../cluster/acceptor.ts';
import type { AcceptorPlace } from '../cluster/acceptor-places.ts';
import type { AcceptorState } from '../cluster/acceptor-state.ts';
import { CasPaxosRegister } from '../cluster/caspaxos-register.ts';
import { formCluster } from '../cluster/changes.ts';
import { addServer, addStorageGroup } from '../cluster/configuration-changes.ts';
import { copyFacts, type SummaryCopyStatus, summaryCopyStatus } from '../cluster/copy-status.ts';
import type { RegisterDocument, ReplicationMode, StorageGroupRecord } from '../cluster/register-document.ts';
import { type ClusterTiming, defaultTiming } from '../cluster/timing.ts';
import { type ChannelPace, directoryLimits } from '../directory/limits.ts';
import type { Serving } from '../replication/copy.ts';
import { Administrator } from './administrator.ts';
import { DOMAIN, SimulatedClient } from './client.ts';
import { PortDisk } from './disk-ports.ts';
import { History } from './history.ts';
import { MovingVotes } from './moving-votes.ts';
import type { BugPorts } from './planted-bugs/planted-bug.ts';
import { MachineClock } from './simulated-clock.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { SimulatedHost } from './simulated-host.ts';
import { SimulatedHub } from './simulated-hub.ts';
import { SimulatedNetwork } from './simulated-network.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { SimulatedTime } from './simulated-time.ts';
import { remoteVote, SimulatedVote, type VoteRules } from './simulated-vote.ts';
import { presentSoftware, type SimulatedSoftware } from './software.ts';
import { Story } from './story.ts';
import { TrueRegister } from './true-register.ts';

export const STORAGE_GROUP = 'First Storage Group';
export const SERVER = 'mbx01';
const SHARE = 'share';
const SPARE_SHARE = 'share2';
/** The machine of clients and administrators. */
export const CLIENTS = 'client';
const IDENTITY = { clusterId: 'simulated', incarnation: 1 };

export interface ClusterOptions {
  readonly seed: number;
  readonly mode?: ReplicationMode;
  /** Names of the nodes; each has a copy. */
  readonly nodes?: readonly string[];
  /** Networks between the nodes, the preferred one first; clients and the share are on the last one. */
  readonly networks?: readonly string[];
  readonly timing?: ClusterTiming;
  /** Of the channels of hub and clients to the copies. */
  readonly channelPace?: ChannelPace;
  readonly fileSizeBytes?: number;
  readonly circularLogging?: boolean;
  /** Greatest error in speed of a node's clock. */
  readonly maxDrift?: number;
  /** On every host to begin with, and at its highest level; the present one unless it is given. */
  readonly software?: SimulatedSoftware;
  /** The set of votes may change; otherwise it is what it was for ever. */
  readonly movesVotes?: boolean;
  /** Where a planted bug stands, on every host. */
  readonly ports?: BugPorts;
}

/** A promise of docs/guarantees.md or docs/invariants.md that was broken. */
export class Violation extends Error {
  override name = 'Violation';
  readonly invariant: string;

  constructor(invariant: string, what: string) {
    super(`${invariant}: ${what}`);
    this.invariant = invariant;
  }
}

/** Looks at everything that happens; throws a Violation. */
export interface Checker {
  readonly name: string;
  serving?(host: SimulatedHost, serving: Serving | undefined): void;
  /** Its copy holds the lease for so long from now on, on its own clock. */
  leased?(host: SimulatedHost, forMs: number): void;
  /** Everything up to `lsn` was promised to somebody, right now. */
  answered?(host: SimulatedHost, epoch: number, lsn: number): void;
  /** A majority of the votes has a new value; `before` is the one that was seen before it. */
  chosen?(before: RegisterDocument | undefined, after: RegisterDocument): void;
  /** A vote has stored another state than the one it had. */
  voted?(before: AcceptorState, after: AcceptorState): void;
  /** From time to time, while anything may happen. */
  sampled?(): void;
  /** After the faults are over, everything has healed and come to rest. */
  ended?(): Promise<void> | void;
}

export class SimulatedCluster {
  readonly seed: number;
  readonly random: SeededRandom;
  readonly time: SimulatedTime;
  readonly network: SimulatedNetwork;
  readonly story: Story;
  readonly history = new History();
  readonly hosts: readonly SimulatedHost[];
  readonly hub: SimulatedHub;
  readonly client: SimulatedClient;
  readonly administrator: Administrator;
  readonly register: TrueRegister;
  /** The witness that votes beside two nodes, and one that can take its place. */
  readonly share = SHARE;
  readonly spareVote = SPARE_SHARE;
  readonly #movingVotes: MovingVotes | undefined;
  /** Names of the acceptors. */
  readonly votes: readonly string[];
  readonly mode: ReplicationMode;
  readonly timing: ClusterTiming;
  readonly #circularLogging: boolean;
  readonly #checkers: Checker[] = [];
  readonly #broken = Promise.withResolvers<never>();
  /** Activations that were seen: the first one and every failover or move after it. */
  activations = 0;
  /** An administrator has taken a loss upon himself: what was acknowledged may be gone from then on. */
  isLossAccepted = false;

  constructor(options: ClusterOptions) {
    const { seed, nodes = ['node1', 'node2'], timing = defaultTiming, fileSizeBytes = 32 * 1024 } = options;
    this.seed = seed;
    this.mode = options.mode ?? 'sync';
    this.timing = timing;
    const pace = options.channelPace ?? directoryLimits;
    this.#circularLogging = options.circularLogging ?? false;
    this.random = new SeededRandom(seed);
    this.time = new SimulatedTime(this.#chance());
    const names = options.networks ?? ['Public'];
    this.network = new SimulatedNetwork(this.time, this.#chance(), { names, nodes }, options.ports?.network);
    this.story = new Story(this.time);
    this.votes = nodes.length === 2 ? [...nodes, SHARE] : nodes;
    const maxDrift = options.maxDrift ?? 0.0005;
    if (options.movesVotes === true) this.#movingVotes = new MovingVotes(IDENTITY, this.#firstPlaces(), this.#onChosen);
    const common = {
      timing,
      fileSizeBytes,
      circularLogging: options.circularLogging ?? false,
      identity: IDENTITY,
      votes: this.votes,
      copies: nodes,
      storageGroup: STORAGE_GROUP,
      ports: options.ports ?? {},
      software: options.software ?? presentSoftware,
      movingVotes: this.#movingVotes,
      onServing: (host: SimulatedHost, serving: Serving | undefined) => this.#onServing(host, serving),
      onLease: (host: SimulatedHost, forMs: number) => this.#check((checker) => checker.leased?.(host, forMs)),
      onAnswer: (host: SimulatedHost, epoch: number, lsn: number) =>
        this.#check((checker) => checker.answered?.(host, epoch, lsn)),
    };
    this.hosts = nodes.map((name) => {
      const drift = (this.random.below(2_001) / 1_000 - 1) * maxDrift;
      return new SimulatedHost({
        ...common,
        name,
        onVoteStored: this.#onVoteStored(name),
        drift,
        time: this.time,
        random: this.#chance(),
        network: this.network,
        story: this.story,
      });
    });
    const share = this.#share(SHARE);
    if (this.#movingVotes !== undefined) this.#share(SPARE_SHARE);
    const disks = this.hosts.map(({ disk }) => disk);
    const votes = nodes.length === 2 ? [...disks, share.disk] : disks;
    this.register = new TrueRegister(votes, 'cluster/vote', this.#onChosen, this.#movingVotes);
    this.hub = new SimulatedHub({
      time: this.time,
      random: this.#chance(),
      network: this.network,
      story: this.story,
      storageGroup: STORAGE_GROUP,
      copies: nodes,
      fileSizeBytes,
      acceptedDomain: DOMAIN,
      pace,
      disk: options.ports?.hubDisk,
      limits: options.ports?.hubLimits,
      onInternalError: (error) => this.unhandled(error),
    });
    this.client = this.#clients(nodes, pace);
    this.administrator = this.#administrator();
    this.#broken.promise.catch(() => undefined); // who runs the world hears of it
  }

  readonly #onChosen = (before: RegisterDocument | undefined, after: RegisterDocument): void =>
    this.#check((checker) => checker.chosen?.(before, after));

  #firstPlaces(): readonly AcceptorPlace[] {
    return this.votes.map((name) => ({ kind: name === SHARE ? 'process' : 'host', name }));
  }

  /** The third vote: a machine that is always up, with a file. */
  #share(name: string): { disk: SimulatedDisk } {
    const process = new SimulatedProcess(name);
    const disk = new SimulatedDisk(this.time, this.#chance());
    const clock = new MachineClock(this.time, { drift: 0, startMs: 0 }).of(process);
    const vote = new SimulatedVote(new PortDisk({ disk, process, root: 'cluster' }), {
      onStored: this.#onVoteStored(name),
      isOnShare: true,
    });
    vote.listen(this.network.of(name, process), name, clock);
    return { disk };
  }

  #clients(nodes: readonly string[], pace: ChannelPace): SimulatedClient {
    const process = new SimulatedProcess(CLIENTS);
    return new SimulatedClient({
      network: this.network.of(CLIENTS, process),
      clock: new MachineClock(this.time, { drift: 0, startMs: 0 }).of(process),
      random: this.#chance(),
      process,
      history: this.history,
      story: this.story,
      storageGroup: STORAGE_GROUP,
      hosts: nodes,
      pace,
      trueNowMs: () => this.time.nowMs,
    });
  }

  #administrator(): Administrator {
    const process = new SimulatedProcess('administrator');
    const clock = new MachineClock(this.time, { drift: 0, startMs: 0 }).of(process);
    const network = this.network.of(CLIENTS, process);
    const acceptors = this.votes.map((vote) => remoteVote(vote, IDENTITY, network, clock));
    const proposer = 'settings';
    // Its own chances: whether somebody administers the cluster changes nothing of what else befalls it.
    const random = new SeededRandom(this.seed ^ 0xad);
    const logger = this.story.logger('settings');
    const register =
      this.#movingVotes?.open({ name: proposer, network, clock, random, logger }) ??
      new CasPaxosRegister({ acceptors, proposer, clock, random });
    return new Administrator({ register, clock, story: this.story });
  }

  #chance(): SeededRandom {
    return new SeededRandom(this.random.below(0x1_0000_0000));
  }

  // ── running ──────────────────────────────────────────────────────────────────────────────────────────────────────

  watch(...checkers: Checker[]): void {
    this.#checkers.push(...checkers);
  }

  /** Lets the world turn until `work` has ended, or a promise is broken. */
  run<T>(work: Promise<T>): Promise<T> {
    return this.time.run(Promise.race([work, this.#broken.promise]));
  }

  /** Formed, started, one mailbox, every copy in sync. */
  async begin(): Promise<void> {
    await this.#form();
    for (const host of this.hosts) host.start();
    this.hub.start();
    const limitMs = 30_000;
    const isMade = await Promise.race([
      this.client.createMailbox().then(() => true),
      this.sleep(limitMs).then(() => false),
    ]);
    if (!isMade) throw new Violation('L1', `a new cluster does not serve within ${limitMs} ms: ${this.health()}`);
  }

  async #form(): Promise<void> {
    const process = new SimulatedProcess('administrator');
    const clock = new MachineClock(this.time, { drift: 0, startMs: 0 }).of(process);
    const disks = this.register.disks;
    const acceptors = disks.map((disk, index) => {
      const name = this.votes[index] ?? '';
      const onStored = this.#movingVotes && this.#onVoteStored(name);
      const vote = new SimulatedVote(new PortDisk({ disk, process, root: 'cluster' }), onStored && { onStored });
      return vote.as(name, IDENTITY);
    });
    for (const acceptor of acceptors) await acceptor.initialise(NO_BALLOT, undefined);
    const register = new CasPaxosRegister({ acceptors, proposer: 'administrator', clock, random: this.#chance() });
    const names = this.hosts.map(({ name }) => name);
    const steps = [
      formCluster(IDENTITY.clusterId, Math.min(...this.hosts.map(({ software }) => software.highest))),
      (document: RegisterDocument | undefined) =>
        document &&
        addStorageGroup(document, {
          name: STORAGE_GROUP,
          copies: names,
          mode: this.mode,
          sharedStorage: false,
          circularLogging: this.#circularLogging,
        }),
      (document: RegisterDocument | undefined) =>
        document && addServer(document, { name: SERVER, storageGroups: [STORAGE_GROUP], redundantMachines: names }),
    ];
    for (const step of steps) {
      const outcome = await register.change(step, { timeoutMs: 1_000 });
      assert(outcome.kind === 'changed', 'A cluster is formed while nothing is broken');
    }
    process.kill();
  }

  #onVoteStored(name: string): VoteRules['onStored'] {
    return (before, after) => {
      this.#movingVotes?.noteStored(name, before, after);
      this.register.noteStored(this.time.nowMs);
      if (before !== undefined) this.#check((checker) => checker.voted?.(before, after));
    };
  }

  #onServing(host: SimulatedHost, serving: Serving | undefined): void {
    if (serving !== undefined) this.activations += 1;
    this.#check((checker) => checker.serving?.(host, serving));
  }

  sample(): void {
    this.#check((checker) => checker.sampled?.());
  }

  async checkEnd(): Promise<void> {
    for (const checker of this.#checkers) await checker.ended?.();
  }

  #check(look: (checker: Checker) => void): void {
    try {
      for (const checker of this.#checkers) look(checker);
    } catch (error) {
      this.break(error);
    }
  }

  /** A promise is broken, or something happened that is nobody's promise but ours: the story ends here. */
  break(error: unknown): void {
    this.story.tell('world', `ENDS: ${error instanceof Error ? error.message : String(error)}`);
    this.#broken.reject(error);
  }

  /** An error that nobody handled: in a real process, the end of it; here, a finding. */
  unhandled(error: unknown): void {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.break(new Violation(isProblem(error) ? 'unhandled problem' : 'internal error', what));
  }

  // ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────

  host(name: string): SimulatedHost {
    const host = this.hosts.find((candidate) => candidate.name === name);
    assert(host !== undefined, `There is no host ${name}`);
    return host;
  }

  get hasMovingVotes(): boolean {
    return this.#movingVotes !== undefined;
  }

  isReadable(vote: string): boolean {
    return this.register.isReadable(this.votes.indexOf(vote));
  }

  /** The storage group as the register has it, for certain. */
  get group(): StorageGroupRecord | undefined {
    return this.register.chosen()?.storageGroups[STORAGE_GROUP];
  }

  get serving(): SimulatedHost | undefined {
    let best: SimulatedHost | undefined;
    for (const host of this.hosts) {
      if (host.serving !== undefined && (best?.serving === undefined || host.serving.epoch > best.serving.epoch))
        best = host;
    }
    return best;
  }

  /** Who serves, if the register agrees. */
  get owner(): SimulatedHost | undefined {
    const { group, serving } = this;
    return serving?.serving?.epoch === group?.epoch && serving?.name === group?.active ? serving : undefined;
  }

  /** One copy serves, every copy is Healthy and, but in async, in sync. */
  isWell(): boolean {
    const { group, owner: active } = this;
    if (group === undefined || active === undefined) return false;
    return this.hosts.every((host) => {
      const isInSync = this.mode === 'async' || group.inSync.includes(host.name);
      if (host.view?.state !== (host === active ? 'active' : 'passive')) return false;
      return host.isUp && isInSync && this.statusOf(host) === 'Healthy';
    });
  }

  /** As Get-StorageGroupCopyStatus shows it; the active copy is Healthy. */
  statusOf(host: SimulatedHost): SummaryCopyStatus {
    const document = this.register.chosen();
    if (document === undefined) return 'Disabled';
    return summaryCopyStatus(copyFacts(document, STORAGE_GROUP, host.name, host.isUp ? host.view : undefined));
  }

  /** Why it is not well, in words. */
  health(): string {
    const group = this.group;
    const lines = this.hosts.map(({ name, view, isUp, service }) => {
      const seat = service?.status().seats.get(STORAGE_GROUP);
      const state =
        view === undefined
          ? 'no copy'
          : `${view.state} epoch ${view.epochSeen} end ${view.endLsn} ${view.failedMessage ?? ''}`;
      return `${name}: ${isUp ? state : 'down'} ${seat?.waitReason ?? ''}`;
    });
    return `register: epoch ${group?.epoch} active ${group?.active} in sync ${group?.inSync.join(',')}; ${lines.join('; ')}`;
  }

  sleep(ms: number): Promise<void> {
    return this.time.sleep(ms);
  }

  /** Waits until `isSo`, at most `limitMs` of true time; false when it did not come. */
  async until(isSo: () => boolean, limitMs: number): Promise<boolean> {
    const endMs = this.time.nowMs + limitMs;
    while (!isSo()) {
      if (this.time.nowMs >= endMs) return false;
      await this.time.sleep(20);
    }
    return true;
  }
}
