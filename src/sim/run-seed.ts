/**
 * One seed from beginning to end: a cluster is formed, clients work, the nemesis does what it likes, everything is
 * mended, and then it must become well by itself, and everything that was promised must be there.
 *
 * Most seeds are a storm of less than a minute. Some live for hours: mail comes now and then, a fault every few minutes,
 * under slower timing. What ages (log files that are truncated, seeds, deaths within a period, expiring memories) is
 * found there and not in storms.
 */
import { SeededRandom } from '../base/random.ts';
import type { ReplicationMode } from '../cluster/register-document.ts';
import { CLOCK_DRIFT, defaultTiming } from '../cluster/timing.ts';
import { replicationLimits } from '../replication/limits.ts';
import { allCheckers } from './checkers/all.ts';
import { tailsAreSettled } from './checkers/quarantine-returns.ts';
import { FaultLog } from './fault-log.ts';
import {
  type FaultKind,
  healEverything,
  type NemesisPlan,
  type PlannedFault,
  planApart,
  planNemesis,
  runNemesis,
  withFaults,
} from './nemesis.ts';
import { withAbsence } from './plan-absence.ts';
import { type LifePlan, planLife, scaledPace, scaledTiming } from './plan-life.ts';
import type { PlantedBug } from './planted-bugs/planted-bug.ts';
import { planRecovery } from './recovery-faults.ts';
import { type ClusterOptions, SimulatedCluster, Violation } from './simulated-cluster.ts';
import { type CoreOutcome, drawCore, liveInCore } from './smallest-core.ts';
import { earlierSoftware } from './software.ts';
import { isOfVersions, planUpdate } from './version-faults.ts';
import { voteFaults } from './vote-faults.ts';

export interface SeedResult {
  readonly seed: number;
  readonly violation: { readonly invariant: string; readonly message: string } | undefined;
  readonly simulatedMs: number;
  readonly events: number;
  readonly faults: Readonly<Record<string, number>>;
  /** Faults of which one began while the other was not over (fault-log.ts). */
  readonly faultPairs: Readonly<Record<string, number>>;
  /** Numbers of the faults that were let happen. */
  readonly faultNumbers: readonly number[];
  readonly activations: number;
  /** What became of the smallest core, in a seed that was left with one. */
  readonly core: CoreOutcome | undefined;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly refused: number;
  readonly checksum: number;
  readonly story: readonly string[];
}

export interface SeedOptions {
  readonly bug?: PlantedBug;
  /** Of the planned faults, the numbers of those that happen; without it, all. */
  readonly only?: readonly number[];
}

/** L1, L2: from the end of the faults to one serving copy and all copies in sync and Healthy. */
const RECOVERY_LIMIT_MS = 30_000;
/** A delivery to a cluster that is well; one disk may still be busy with what it began while it was slow. */
const PROBE_LIMIT_MS = 10_000;
/** L5: a message that a copy would not take is tried again after a minute. */
const DRAIN_LIMIT_MS = 90_000;
const SAMPLE_INTERVAL_MS = 250;
/** The oracle compares everything at every takeover: more mail than this finds nothing more. */
const MAX_OPERATIONS = 600;
const NODES = ['node1', 'node2', 'node3'];

export async function runSeed(seed: number, options: SeedOptions = {}): Promise<SeedResult> {
  const { bug } = options;
  const life = planLife(seed, bug);
  const update = bug === undefined ? planUpdate(seed, life.pace.durationMs) : [];
  const isUpdate = update.length > 0 || bug?.faults?.some(isOfVersions) === true;
  const cluster = new SimulatedCluster({
    ...planCluster(seed),
    timing: scaledTiming(defaultTiming, life.slowness),
    channelPace: scaledPace(life.slowness),
    // Heartbeats keep their pace: over hours they would be most of what happens.
    ...(life.slowness > 1 ? { networks: ['Public'] } : {}),
    ...(bug === undefined ? {} : { ports: bug.ports }),
    ...(isUpdate ? { software: earlierSoftware } : {}),
    ...(movesVotes(seed, bug) ? { movesVotes: true } : {}),
    ...(bug?.mode === undefined ? {} : { mode: bug.mode, nodes: NODES.slice(0, 2) }),
  });
  const random = new SeededRandom(cluster.random.below(0x1_0000_0000));
  const log = new FaultLog();
  const drawn = planNemesis(random, life.pace, bug?.faults);
  const further =
    bug === undefined ? [...update, ...planFurther(seed, cluster, drawn.durationMs, life.slowness === 1)] : update;
  const combined = withFaults(drawn, further);
  const whole = life.slowness > 1 && cluster.mode === 'async' ? withAbsence(combined, seed) : combined;
  const plan = options.only === undefined ? whole : { ...whole, faults: chosen(whole, options.only) };
  cluster.watch(...allCheckers(cluster));
  let core: CoreOutcome | undefined;
  const inCore = bug === undefined ? planCore(seed) : bug.livesInCore === true;
  const violation = await violationOf(cluster, async () => {
    const load = await storm(cluster, random, { life, plan, log });
    if (inCore) core = await surviveInCore(cluster, new SeededRandom(seed ^ 0xc07f), life);
    await becomeWell(cluster, random, { life, load });
  });
  const { history } = cluster;
  return {
    seed,
    violation,
    simulatedMs: cluster.time.nowMs,
    events: cluster.time.events,
    faults: log.counts,
    faultPairs: log.pairs,
    faultNumbers: plan.faults.map(({ number }) => number),
    activations: cluster.activations,
    core,
    acknowledged: history.count('acknowledged'),
    unknown: history.count('unknown') + history.count('open'),
    refused: history.count('refused'),
    checksum: cluster.story.checksum,
    story: violation === undefined ? [] : cluster.story.lines,
  };
}

/** In one of so many seeds the set of votes changes. */
const VOTES_MOVE = 8;

function movesVotes(seed: number, bug: PlantedBug | undefined): boolean {
  if (bug !== undefined) return bug.faults?.some((kind) => Object.hasOwn(voteFaults, kind)) === true;
  return new SeededRandom(seed ^ 0x70e5).below(VOTES_MOVE) === 0;
}

function planVotes(seed: number, nodes: number, durationMs: number): readonly Omit<PlannedFault, 'number'>[] {
  const random = new SeededRandom(seed ^ 0x70e6);
  const kinds: readonly FaultKind[] = [nodes === 2 ? 'witness replaced' : 'node evicted', 'vote given back'];
  return kinds.flatMap((kind) =>
    Array.from({ length: 1 + random.below(3) }, () => ({
      kind,
      atMs: random.below(durationMs),
      lastsMs: random.below(durationMs / 3),
      seed: random.below(0x1_0000_0000),
    })),
  );
}

/** What has a draw of its own, so that a seed without it befalls the same as before there was any. */
function planFurther(
  seed: number,
  cluster: SimulatedCluster,
  durationMs: number,
  isStorm: boolean,
): readonly Omit<PlannedFault, 'number'>[] {
  return [
    ...planApart('copy removed', durationMs, new SeededRandom(seed ^ 0xc0_97)),
    ...planApart('old owner wakes', durationMs, new SeededRandom(seed ^ 0x01d0)),
    ...planApart('noisy link', durationMs, new SeededRandom(seed ^ 0x2015e)),
    ...planApart('swizzle', durationMs, new SeededRandom(seed ^ 0x5f12)),
    ...planApart('disk nearly full', durationMs, new SeededRandom(seed ^ 0xd15c)),
    ...planRecovery(seed, { mode: cluster.mode, isStorm, durationMs }),
    ...(cluster.hasMovingVotes ? planVotes(seed, cluster.hosts.length, durationMs) : []),
  ];
}

function chosen({ faults }: NemesisPlan, only: readonly number[]): NemesisPlan['faults'] {
  return faults.filter(({ number }) => only.includes(number));
}

async function violationOf(cluster: SimulatedCluster, work: () => Promise<void>): Promise<SeedResult['violation']> {
  const onUnhandled = (error: unknown): void => cluster.unhandled(error);
  process.on('unhandledRejection', onUnhandled);
  try {
    await cluster.run(work());
    return undefined;
  } catch (error) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    return error instanceof Violation
      ? { invariant: error.invariant, message }
      : { invariant: 'internal error', message: stack ?? message };
  } finally {
    process.off('unhandledRejection', onUnhandled);
  }
}

/** Most clusters are two nodes in sync mode, as most will be; the others must keep their promises too. */
function planCluster(seed: number): ClusterOptions {
  const random = new SeededRandom(seed ^ 0x5eed);
  const modes: ReplicationMode[] = ['sync', 'sync', 'sync', 'sync', 'sync', 'sync', 'sync-strict', 'async'];
  const mode = modes[random.below(modes.length)] ?? 'sync';
  // Of three copies in async mode one may need a seed after a takeover: a passive database does not wait for the third.
  const isThree = mode !== 'async' && random.below(6) === 0;
  return {
    seed,
    mode,
    nodes: isThree ? NODES : NODES.slice(0, 2),
    fileSizeBytes: 4_096 * (3 + random.below(16)),
    maxDrift: random.below(3) === 0 ? CLOCK_DRIFT : 0.0005,
    networks: random.below(4) === 0 ? ['Private', 'Public'] : ['Public'],
  };
}

/** Of so many seeds one is left with the smallest core for a while. */
const CORES = 4;

function planCore(seed: number): boolean {
  return new SeededRandom(seed ^ 0xc07e).below(CORES) === 0;
}

async function storm(
  cluster: SimulatedCluster,
  random: SeededRandom,
  { life, plan, log }: { life: LifePlan; plan: NemesisPlan; log: FaultLog },
): Promise<Load> {
  await cluster.begin();
  const load = new Load(cluster, random, life);
  load.start();
  cluster.story.tell('nemesis', plan.kinds.join(', '));
  await runNemesis(cluster, plan, log);
  return load;
}

/** In sync-strict a copy that is alone takes no changes: it only serves. */
async function surviveInCore(
  cluster: SimulatedCluster,
  random: SeededRandom,
  { slowness }: LifePlan,
): Promise<CoreOutcome | undefined> {
  const core = drawCore(cluster, random);
  if (core === undefined) return undefined;
  const outcome = await liveInCore(cluster, { core, random, limitMs: RECOVERY_LIMIT_MS * slowness });
  const isAlone = core.hosts.length < cluster.hosts.length;
  if (outcome === 'lived' && !(cluster.mode === 'sync-strict' && isAlone))
    await probe(cluster, PROBE_LIMIT_MS * slowness, 'the smallest core serves');
  return outcome;
}

async function becomeWell(
  cluster: SimulatedCluster,
  random: SeededRandom,
  { life, load }: { life: LifePlan; load: Load },
): Promise<void> {
  const recoveryLimitMs = RECOVERY_LIMIT_MS * life.slowness;
  healEverything(cluster);
  if (random.below(2) === 0) load.stop();
  // What an administrator could not change for hours is changed only now, one thing after the other.
  if (!(await cluster.until(() => cluster.administrator.isDone, recoveryLimitMs)))
    throw new Violation('L1', `an administrator cannot change anything: ${cluster.health()}`);
  await allWell(cluster, recoveryLimitMs);
  // Whoever has seen the lease stand still may take over yet, and a disk that was full is looked at again only from time
  // to time: the one change that the last fault costs.
  await cluster.sleep(Math.max(cluster.timing.graceMs, replicationLimits.databaseCommitIntervalMs));
  await allWell(cluster, recoveryLimitMs);
  const { activations } = cluster;
  await probe(cluster, PROBE_LIMIT_MS * life.slowness, 'all is well');
  load.stop();
  await cluster.until(() => cluster.client.openOperations === 0, recoveryLimitMs);
  const isDrained = (): boolean => cluster.hub.queue?.queuedMessages === 0;
  if (!(await cluster.until(isDrained, DRAIN_LIMIT_MS * life.slowness)))
    throw new Violation('L5', `the hub's queue is not empty: ${JSON.stringify(cluster.hub.queue)}`);
  if (!(await cluster.until(() => cluster.hosts.every(tailsAreSettled), recoveryLimitMs)))
    throw new Violation('S20', 'mail in quarantine is not brought back');
  const isEven = (): boolean =>
    new Set(cluster.hosts.flatMap(({ view }) => [view?.endLsn, view?.durableLsn])).size === 1;
  await cluster.until(isEven, recoveryLimitMs);
  // Passive copies apply what is committed a moment later, or when a disk has ended what it began while it was slow.
  await cluster.sleep(1_000);
  const isApplied = (): boolean =>
    cluster.hosts.every(({ database, view }) => (database?.appliedLsn ?? 0) >= (view?.endLsn ?? 0));
  await cluster.until(isApplied, PROBE_LIMIT_MS * life.slowness);
  if (cluster.activations > activations)
    throw new Violation('L4', `a copy was activated although all is well: ${cluster.health()}`);
  await cluster.checkEnd();
}

async function allWell(cluster: SimulatedCluster, limitMs: number): Promise<void> {
  if (!(await cluster.until(() => cluster.isWell(), limitMs)))
    throw new Violation('L1', `not well ${limitMs} ms after everything was mended: ${cluster.health()}`);
}

async function probe(cluster: SimulatedCluster, limitMs: number, although: string): Promise<void> {
  let isAnswered = false;
  const delivery = Promise.all([cluster.client.deliver(), cluster.client.send()]).then(() => {
    isAnswered = true;
  });
  if (!(await cluster.until(() => isAnswered, limitMs))) {
    throw new Violation(
      'L1',
      `a delivery was not answered within ${limitMs} ms although ${although}: ${cluster.health()}`,
    );
  }
  await delivery;
}

/** Several clients, each doing one thing after the other, with pauses. */
class Load {
  readonly #cluster: SimulatedCluster;
  readonly #random: SeededRandom;
  readonly #life: LifePlan;
  #isOver = false;

  constructor(cluster: SimulatedCluster, random: SeededRandom, life: LifePlan) {
    this.#cluster = cluster;
    this.#random = random;
    this.#life = life;
  }

  start(): void {
    const writers = 1 + this.#random.below(4);
    const pauseMs = 20 + this.#random.below(this.#life.longestMailPauseMs);
    for (let writer = 0; writer < writers; writer++) void this.#work(pauseMs);
    void this.#sampleLater();
  }

  stop(): void {
    this.#isOver = true;
  }

  async #work(pauseMs: number): Promise<void> {
    const { client } = this.#cluster;
    while (!this.#isOver && this.#cluster.history.operations.length < MAX_OPERATIONS) {
      const what = this.#random.below(10);
      if (what < 3) await client.deliver();
      else if (what < 7) await client.send();
      else if (what < 9) await client.append();
      else await client.look();
      await this.#cluster.sleep(this.#random.below(2 * pauseMs));
    }
  }

  async #sampleLater(): Promise<void> {
    while (!this.#isOver) {
      await this.#cluster.sleep(SAMPLE_INTERVAL_MS * this.#life.slowness);
      this.#cluster.sample();
    }
  }
}
