/**
 * One seed from beginning to end: a cluster is formed, clients work, the nemesis does what it likes, everything is
 * mended, and then it must become well by itself, and everything that was promised must be there.
 */
import { SeededRandom } from '../base/random.ts';
import type { ReplicationMode } from '../cluster/register-document.ts';
import { CLOCK_DRIFT } from '../cluster/timing.ts';
import { allCheckers } from './checkers/all.ts';
import { type FaultKind, healEverything, planNemesis, runNemesis } from './nemesis.ts';
import type { PlantedBug } from './planted-bugs.ts';
import { type ClusterOptions, SimulatedCluster, Violation } from './simulated-cluster.ts';

export interface SeedResult {
  readonly seed: number;
  readonly violation: { readonly invariant: string; readonly message: string } | undefined;
  readonly simulatedMs: number;
  readonly events: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly activations: number;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly refused: number;
  readonly checksum: number;
  readonly story: readonly string[];
}

/** L1, L2: from the end of the faults to one serving copy and all copies in sync and Healthy. */
const RECOVERY_LIMIT_MS = 30_000;
/** A delivery to a cluster that is well; one disk may still be busy with what it began while it was slow. */
const PROBE_LIMIT_MS = 10_000;
const SAMPLE_INTERVAL_MS = 250;
/** The oracle compares everything at every takeover: more mail than this finds nothing more. */
const MAX_OPERATIONS = 600;

export async function runSeed(seed: number, options: { bug?: PlantedBug } = {}): Promise<SeedResult> {
  const { bug } = options;
  const cluster = new SimulatedCluster({
    ...planCluster(seed),
    ...(bug?.mode === undefined ? {} : { mode: bug.mode, nodes: ['node1', 'node2'] }),
    ...options,
  });
  const random = new SeededRandom(cluster.random.below(0x1_0000_0000));
  const counts = new Map<FaultKind, number>();
  cluster.watch(...allCheckers(cluster));
  const onUnhandled = (error: unknown): void => cluster.unhandled(error);
  process.on('unhandledRejection', onUnhandled);
  let violation: SeedResult['violation'];
  try {
    await cluster.run(live(cluster, random, counts, bug?.faults));
  } catch (error) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    violation =
      error instanceof Violation
        ? { invariant: error.invariant, message }
        : { invariant: 'internal error', message: stack ?? message };
  } finally {
    process.off('unhandledRejection', onUnhandled);
  }
  const { history } = cluster;
  return {
    seed,
    violation,
    simulatedMs: cluster.time.nowMs,
    events: cluster.time.events,
    faults: Object.fromEntries(counts),
    activations: cluster.activations,
    acknowledged: history.count('acknowledged'),
    unknown: history.count('unknown') + history.count('open'),
    refused: history.count('refused'),
    checksum: cluster.story.checksum,
    story: violation === undefined ? [] : cluster.story.lines,
  };
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
    nodes: isThree ? ['node1', 'node2', 'node3'] : ['node1', 'node2'],
    fileSizeBytes: 4_096 * (3 + random.below(16)),
    maxDrift: random.below(3) === 0 ? CLOCK_DRIFT : 0.0005,
  };
}

async function live(
  cluster: SimulatedCluster,
  random: SeededRandom,
  counts: Map<FaultKind, number>,
  kinds: readonly FaultKind[] | undefined,
): Promise<void> {
  await cluster.begin();
  const load = new Load(cluster, random);
  load.start();
  const byChance = planNemesis(random);
  const plan = kinds === undefined ? byChance : { ...byChance, kinds };
  cluster.story.tell('nemesis', plan.kinds.join(', '));
  await runNemesis(cluster, plan, random, counts);
  healEverything(cluster);
  if (random.below(2) === 0) load.stop();
  const isWell = await cluster.until(() => cluster.isWell(), RECOVERY_LIMIT_MS);
  if (!isWell)
    throw new Violation('L1', `not well ${RECOVERY_LIMIT_MS} ms after everything was mended: ${cluster.health()}`);
  await probe(cluster);
  load.stop();
  await cluster.until(() => cluster.client.openOperations === 0, RECOVERY_LIMIT_MS);
  const isEven = (): boolean =>
    new Set(cluster.hosts.flatMap(({ view }) => [view?.endLsn, view?.durableLsn])).size === 1;
  await cluster.until(isEven, RECOVERY_LIMIT_MS);
  // Passive copies apply what is committed a moment later.
  await cluster.sleep(1_000);
  await cluster.checkEnd();
}

async function probe(cluster: SimulatedCluster): Promise<void> {
  let isAnswered = false;
  const delivery = cluster.client.deliver().then(() => {
    isAnswered = true;
  });
  if (!(await cluster.until(() => isAnswered, PROBE_LIMIT_MS))) {
    throw new Violation(
      'L1',
      `a delivery was not answered within ${PROBE_LIMIT_MS} ms although all is well: ${cluster.health()}`,
    );
  }
  await delivery;
}

/** Several clients, each doing one thing after the other, with pauses. */
class Load {
  readonly #cluster: SimulatedCluster;
  readonly #random: SeededRandom;
  #isOver = false;

  constructor(cluster: SimulatedCluster, random: SeededRandom) {
    this.#cluster = cluster;
    this.#random = random;
  }

  start(): void {
    const writers = 1 + this.#random.below(4);
    const pauseMs = 20 + this.#random.below(400);
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
      if (what < 7) await client.deliver();
      else if (what < 9) await client.append();
      else await client.look();
      await this.#cluster.sleep(this.#random.below(2 * pauseMs));
    }
  }

  async #sampleLater(): Promise<void> {
    while (!this.#isOver) {
      await this.#cluster.sleep(SAMPLE_INTERVAL_MS);
      this.#cluster.sample();
    }
  }
}
