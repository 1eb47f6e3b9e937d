/**
 * What goes wrong, by chance: each kind of fault is a pair of a beginning and an end. A run uses a random half of the
 * kinds (swarm testing: a rare combination needs the others out of its way), some faults one at a time, some at once.
 */
import { type Random, SeededRandom } from '../base/random.ts';
import {
  type MountPolicy,
  resumeCopy,
  setFailback,
  setMounted,
  setMountPolicy,
  startServer,
  stopServer,
  suspendCopy,
} from '../cluster/configuration-changes.ts';
import type { Administrator } from './administrator.ts';
import { anyHost, bothWays, cut, type Fault, isSparable, nothing, oneOf, otherEnds, removesCopy } from './fault.ts';
import type { FaultLog } from './fault-log.ts';
import { recoveryFaults } from './recovery-faults.ts';
import { SERVER, type SimulatedCluster, STORAGE_GROUP } from './simulated-cluster.ts';
import type { SimulatedHost } from './simulated-host.ts';
import type { SimulatedHub } from './simulated-hub.ts';
import { swizzle } from './swizzle.ts';
import { versionFaults } from './version-faults.ts';
import { voteFaults } from './vote-faults.ts';
import { WireNoise } from './wire-noise.ts';

function setsMountPolicy(administrator: Administrator, policy: MountPolicy): () => void {
  const { autoDatabaseMountDial: dial, forcedDatabaseMountAfterHours: hours } = policy;
  administrator.change(`sets the dial to ${dial}, forced after ${hours ?? 'no'} h`, (document) =>
    setMountPolicy(document, SERVER, policy),
  );
  return () =>
    administrator.change('sets the dial back', (document) =>
      setMountPolicy(document, SERVER, { autoDatabaseMountDial: 'BestAvailability' }),
    );
}

function lackOfRoom(flag: 'isFull' | 'isNearlyFull', words: string): Fault {
  return (cluster, random) => {
    const host = anyHost(cluster, random);
    cluster.story.tell(host.name, words);
    host.disk[flag] = true;
    return () => {
      host.disk[flag] = false;
    };
  };
}

export const faults = {
  kill: (cluster, random) => {
    const host = anyHost(cluster, random);
    host.kill();
    return () => host.start();
  },
  'power loss': (cluster, random) => {
    const host = anyHost(cluster, random);
    host.losePower();
    return () => host.start();
  },
  'power loss of all': (cluster, random) => {
    for (const host of cluster.hosts) host.losePower();
    const laterMs = cluster.hosts.map(() => random.below(6_000));
    return () => {
      for (const [index, host] of cluster.hosts.entries()) cluster.time.after(laterMs[index] ?? 0, () => host.start());
    };
  },
  'copy killed': (cluster, random) => {
    anyHost(cluster, random).killCopy('by the nemesis');
    return nothing;
  },
  stop: (cluster, random) => {
    const host = anyHost(cluster, random);
    host.pause(false);
    return () => host.resume();
  },
  /** It stands still until another one leads; then that one's copy begins anew, and follows whoever says that he leads. */
  'old owner wakes': (cluster, random) => {
    const host = cluster.serving;
    if (host === undefined) return nothing;
    const { time } = cluster;
    let isOver = false;
    host.pause(false);
    const wake = (other: SimulatedHost): void => {
      if (isOver) return;
      if (other.liveView?.state === 'passive') time.after(random.below(100), () => host.resume());
      else time.after(20, () => wake(other));
    };
    const disturb = (other: SimulatedHost): void => {
      if (isOver) return;
      other.killCopy('before the old owner wakes');
      wake(other);
    };
    const watch = (): void => {
      const { serving } = cluster;
      if (isOver) return;
      if (serving === undefined || serving === host) time.after(50, watch);
      else time.after(random.below(1_500), () => disturb(serving));
    };
    watch();
    return () => {
      isOver = true;
      host.resume();
    };
  },
  freeze: (cluster, random) => {
    const host = anyHost(cluster, random);
    host.pause(true);
    return () => host.resume();
  },
  'link between nodes cut': (cluster, random) => {
    const host = oneOf(random, cluster.hosts);
    return cut(
      cluster,
      bothWays(
        host.name,
        cluster.hosts.filter((other) => other !== host).map(({ name }) => name),
      ),
    );
  },
  /** What the other copies have falls behind what clients were told, or the set shrinks; then the only whole one is gone. */
  'active lost behind a cut': (cluster, random) => {
    const host = cluster.serving;
    if (host === undefined) return nothing;
    const others = cluster.hosts.filter((other) => other !== host).map(({ name }) => name);
    const heal = cut(cluster, bothWays(host.name, others));
    let isOver = false;
    cluster.time.after(cluster.timing.abstainMs * random.below(5), () => {
      if (!isOver && host === cluster.serving) host.losePower();
    });
    return () => {
      isOver = true;
      heal();
      host.start();
    };
  },
  'one network lost': (cluster, random) => {
    const [one, ...others] = cluster.hosts;
    const { names } = cluster.network;
    if (one === undefined || names.length === 1) return nothing;
    const network = oneOf(random, names);
    cluster.story.tell('network', `${network} is lost between the nodes`);
    for (const other of others) cluster.network.cutNetwork(network, one.name, other.name);
    return () => {
      cluster.story.tell('network', `${network} is back`);
      for (const other of others) cluster.network.healNetwork(network, one.name, other.name);
    };
  },
  'node cut off': (cluster, random) => {
    const host = anyHost(cluster, random);
    const others = otherEnds(cluster, host);
    return cut(cluster, bothWays(host.name, random.below(2) === 0 ? others : [...others, 'client']));
  },
  'one way cut': (cluster, random) => {
    const host = anyHost(cluster, random);
    const other = oneOf(random, otherEnds(cluster, host));
    return cut(cluster, [random.below(2) === 0 ? [host.name, other] : [other, host.name]]);
  },
  'share lost': (cluster) =>
    cut(
      cluster,
      bothWays(
        'share',
        cluster.hosts.map(({ name }) => name),
      ),
    ),
  'clients cut off': (cluster, random) => cut(cluster, bothWays('client', [oneOf(random, cluster.hosts).name])),
  flapping: (cluster, random) => {
    const host = anyHost(cluster, random);
    const pairs = bothWays(host.name, [oneOf(random, otherEnds(cluster, host))]);
    let isOver = false;
    const flap = (): void => {
      if (isOver) return;
      const heal = cut(cluster, pairs);
      cluster.time.after(100 + random.below(2_000), () => {
        heal();
        cluster.time.after(100 + random.below(2_000), flap);
      });
    };
    flap();
    return () => {
      isOver = true;
    };
  },
  swizzle,
  'connections broken': (cluster, random) => {
    const host = anyHost(cluster, random);
    const other = oneOf(random, [...otherEnds(cluster, host), 'client']);
    cluster.story.tell('network', `connections between ${host.name} and ${other} break`);
    cluster.network.breakChannels(host.name, other);
    return nothing;
  },
  'slow link': (cluster, random) => {
    const host = oneOf(random, cluster.hosts);
    const other = oneOf(random, otherEnds(cluster, host));
    const extraMs = 20 + random.below(800);
    cluster.story.tell('network', `slow by up to ${extraMs} ms: ${host.name}>${other}`);
    cluster.network.slow(host.name, other, extraMs);
    return () => cluster.network.slow(host.name, other, 0);
  },
  'slow node': (cluster, random) => {
    const host = anyHost(cluster, random);
    const extraMs = 50 + random.below(450);
    const pairs = bothWays(host.name, otherEnds(cluster, host));
    cluster.story.tell('network', `slow by up to ${extraMs} ms: everything from and to ${host.name}`);
    for (const [from, to] of pairs) cluster.network.slow(from, to, extraMs);
    return () => {
      for (const [from, to] of pairs) cluster.network.slow(from, to, 0);
    };
  },
  /** N9: what a frame was is not what comes, or it comes twice, or out of its place. */
  'noisy link': (cluster, random) => {
    const host = anyHost(cluster, random);
    const other = oneOf(random, [...otherEnds(cluster, host), 'client', cluster.hub.name]);
    const oneIn = oneOf(random, [10, 50, 250]);
    const pairs = bothWays(host.name, [other]);
    cluster.story.tell(
      'network',
      `one frame in ${oneIn} is altered, doubled or overtaken between ${host.name} and ${other}`,
    );
    for (const [from, to] of pairs) cluster.network.disturb(from, to, new WireNoise(random, oneIn));
    return () => {
      for (const [from, to] of pairs) cluster.network.disturb(from, to, undefined);
    };
  },
  'slow disk': (cluster, random) => {
    const host = anyHost(cluster, random);
    host.disk.slowMs = 20 + random.below(oneOf(random, [200, 6_000]));
    cluster.story.tell(host.name, `its disk is slow: ${host.disk.slowMs} ms`);
    return () => {
      host.disk.slowMs = 0;
    };
  },
  'failing disk': (cluster, random) => {
    const host = anyHost(cluster, random);
    cluster.story.tell(host.name, 'its disk fails (EIO at every sync)');
    host.disk.isFailing = true;
    return () => {
      cluster.story.tell(host.name, 'its disk is well again');
      host.disk.isFailing = false;
    };
  },
  'hung disk': (cluster, random) => {
    const host = anyHost(cluster, random);
    cluster.story.tell(host.name, 'its disk hangs');
    host.disk.hang();
    return () => {
      cluster.story.tell(host.name, 'its disk answers again');
      host.disk.release();
    };
  },
  'full disk': lackOfRoom('isFull', 'its disk is full'),
  'disk nearly full': lackOfRoom('isNearlyFull', 'its disk is nearly full'),
  'clock set': (cluster, random) => {
    const host = anyHost(cluster, random);
    const byMs = (random.below(2) === 0 ? 1 : -1) * oneOf(random, [100, 1_000, 3_600_000, 31_536_000_000]);
    cluster.story.tell(host.name, `its wall clock jumps by ${byMs} ms`);
    host.clock.jumpWall(byMs);
    return nothing;
  },
  'copy disk lost': (cluster, random) => {
    const host = anyHost(cluster, random);
    if (!isSparable(cluster, host)) return nothing;
    host.loseCopyDisk();
    return () => host.start();
  },
  'log rotten': (cluster, random) => {
    const host = anyHost(cluster, random);
    if (!isSparable(cluster, host)) return nothing;
    host.rotLog();
    return () => host.start();
  },
  'vote lost': (cluster, random) => {
    const host = anyHost(cluster, random);
    // Once in a run: two of three empty votes are no cluster any more.
    if (cluster.hosts.some(({ votesLost }) => votesLost > 0)) return nothing;
    host.loseVote();
    return () => host.start();
  },
  'hub killed': ({ hub }) => {
    hub.kill();
    return () => hub.start();
  },
  'hub power loss': ({ hub }) => {
    hub.losePower();
    return () => hub.start();
  },
  'hub stopped': ({ hub }) => {
    hub.pause();
    return () => hub.resume();
  },
  'hub cut off': (cluster, random) => {
    const everybody = [...cluster.hosts.map(({ name }) => name), 'client'];
    return cut(cluster, bothWays(cluster.hub.name, random.below(2) === 0 ? everybody : [oneOf(random, everybody)]));
  },
  "hub's disk": ({ hub, story }, random) => {
    const fault = oneOf(random, ['isFull', 'isFailing'] as const);
    story.tell(hub.name, fault === 'isFull' ? 'its disk is full' : 'its disk fails (EIO at every sync)');
    hub.disk[fault] = true;
    return () => {
      hub.disk[fault] = false;
    };
  },
  'database rotten': (cluster, random) => {
    const host = anyHost(cluster, random);
    if (!isSparable(cluster, host)) return nothing;
    host.rotDatabase();
    return () => host.start();
  },
  move: (cluster, random) => {
    const from = cluster.serving;
    const target = oneOf(random, cluster.hosts);
    if (from?.service === undefined || from === target || from.isPaused) return nothing;
    cluster.story.tell('admin', `moves the group from ${from.name} to ${target.name}`);
    from.service.handOff(STORAGE_GROUP, target.name).then(
      (answer) => cluster.story.tell('admin', `move: ${JSON.stringify(answer)}`),
      (error: unknown) => cluster.unhandled(error),
    );
    return nothing;
  },
  'copy suspended': (cluster, random) => {
    const { administrator, group } = cluster;
    const idle = cluster.hosts.filter(({ name }) => name !== group?.active);
    const { name } = oneOf(random, idle.length > 0 ? idle : cluster.hosts);
    administrator.change(`suspends the copy on ${name}`, (document) =>
      suspendCopy(document, STORAGE_GROUP, name, 'for a while'),
    );
    return () =>
      administrator.change(`resumes the copy on ${name}`, (document) => resumeCopy(document, STORAGE_GROUP, name));
  },
  /** Not in sync-strict, where no copy is added, and not in async, where one that comes back behind might need a seed. */
  'copy removed': (cluster, random) => {
    const { group, mode, hosts } = cluster;
    if (mode !== 'sync') return nothing;
    const idle = hosts.filter(({ name }) => name !== group?.active);
    return removesCopy(cluster, oneOf(random, idle), random.below(2_000));
  },
  'failback allowed': ({ administrator }, random) => {
    const hours = { policy: 'window', fromHour: random.below(24), toHour: random.below(24) } as const;
    const failback = random.below(2) === 0 ? { policy: 'immediate' as const } : hours;
    administrator.change(`allows failback: ${failback.policy}`, (document) => setFailback(document, SERVER, failback));
    return () =>
      administrator.change('prevents failback', (document) => setFailback(document, SERVER, { policy: 'prevent' }));
  },
  'database dismounted': ({ administrator }) => {
    administrator.change('dismounts the database', (document) => setMounted(document, STORAGE_GROUP, false));
    return () => administrator.change('mounts the database', (document) => setMounted(document, STORAGE_GROUP, true));
  },
  'server stopped': ({ administrator }) => {
    administrator.change('stops the server', (document) => stopServer(document, SERVER, 'for a while'));
    return () => administrator.change('starts the server', (document) => startServer(document, SERVER));
  },
  /** Matters in async only. The owner of a group that is not within the dial comes back at the latest when all is mended. */
  'mount policy set': ({ administrator }, random) => {
    const autoDatabaseMountDial = oneOf(random, ['Lossless', 'GoodAvailability', 'BestAvailability'] as const);
    const forcedDatabaseMountAfterHours = random.below(2) === 0 ? null : 1;
    return setsMountPolicy(administrator, { autoDatabaseMountDial, forcedDatabaseMountAfterHours });
  },
  /** No loss that is known of, but by then somebody must serve. */
  'forced mount after an hour': ({ administrator }) =>
    setsMountPolicy(administrator, { autoDatabaseMountDial: 'Lossless', forcedDatabaseMountAfterHours: 1 }),
} as const satisfies Record<string, Fault>;

/** Those of other files have plans of their own there. */
const allFaults = { ...faults, ...versionFaults, ...recoveryFaults, ...voteFaults };

export type FaultKind = keyof typeof allFaults;

/** One fault of a plan. It draws its chances from a seed of its own, so that a run without the others has the same one. */
export interface PlannedFault {
  /** Its name in `--only`: from 1 on, in the order of time. */
  readonly number: number;
  readonly kind: FaultKind;
  /** After the nemesis began. */
  readonly atMs: number;
  readonly lastsMs: number;
  readonly seed: number;
}

export interface NemesisPlan {
  readonly kinds: readonly FaultKind[];
  /** How long it goes on. */
  readonly durationMs: number;
  readonly faults: readonly PlannedFault[];
}

/** How often faults come, and how long they last; milliseconds. */
export interface NemesisPace {
  readonly durationMs: number;
  readonly meanPauseMs: number;
  /** One of these is drawn for each fault, which then lasts any time below it. */
  readonly longestMs: readonly number[];
}

export function stormPace(random: Random): NemesisPace {
  const durationMs = 15_000 + random.below(30_000);
  return { durationMs, meanPauseMs: 1_000 + random.below(6_000), longestMs: [300, 3_000, 12_000] };
}

/** What comes by a draw of its own, so that a seed without it befalls the same as before there was any. */
const apart: readonly FaultKind[] = ['copy removed', 'old owner wakes', 'noisy link', 'swizzle', 'disk nearly full'];
const drawnKinds = (Object.keys(faults) as FaultKind[]).filter((kind) => !apart.includes(kind));

/** In one of four seeds: one to three of this kind, which is apart. */
export function planApart(
  kind: FaultKind,
  durationMs: number,
  random: Random,
): readonly Omit<PlannedFault, 'number'>[] {
  if (random.below(4) !== 0) return [];
  return Array.from({ length: 1 + random.below(3) }, () => ({
    kind,
    atMs: random.below(durationMs),
    lastsMs: random.below(durationMs / 2),
    seed: random.below(0x1_0000_0000),
  }));
}

/** `only`: kinds to draw from; without it a random half of all. */
export function planNemesis(random: Random, pace: NemesisPace, only?: readonly FaultKind[]): NemesisPlan {
  const half = drawnKinds.filter(() => random.below(2) === 0);
  const kinds = only ?? (half.length > 0 ? half : ['kill' as const]);
  const planned: PlannedFault[] = [];
  let atMs = random.below(2 * pace.meanPauseMs);
  while (atMs < pace.durationMs) {
    const lastsMs = random.below(oneOf(random, pace.longestMs));
    const seed = random.below(0x1_0000_0000);
    planned.push({ number: planned.length + 1, kind: oneOf(random, kinds), atMs, lastsMs, seed });
    atMs += random.below(2 * pace.meanPauseMs);
  }
  return { kinds, durationMs: pace.durationMs, faults: planned };
}

/** The plan with further faults in between. */
export function withFaults(plan: NemesisPlan, further: readonly Omit<PlannedFault, 'number'>[]): NemesisPlan {
  const inOrder = [...plan.faults, ...further].sort((one, other) => one.atMs - other.atMs);
  const kinds = new Set([...plan.kinds, ...further.map(({ kind }) => kind)]);
  return { ...plan, kinds: [...kinds], faults: inOrder.map((fault, index) => ({ ...fault, number: index + 1 })) };
}

/** Ends when its time is over; every fault is over then. */
export async function runNemesis(cluster: SimulatedCluster, plan: NemesisPlan, log: FaultLog): Promise<void> {
  const startMs = cluster.time.nowMs;
  const open = new Map<PlannedFault, () => void>();
  const finish = (fault: PlannedFault): void => {
    const end = open.get(fault);
    open.delete(fault);
    log.ended(fault.kind);
    end?.();
  };
  for (const fault of plan.faults) {
    await cluster.sleep(startMs + fault.atMs - cluster.time.nowMs);
    log.began(fault.kind);
    cluster.story.tell('nemesis', `fault ${fault.number}: ${fault.kind}`);
    open.set(fault, allFaults[fault.kind](cluster, new SeededRandom(fault.seed)));
    cluster.time.after(fault.lastsMs, () => {
      if (open.has(fault)) finish(fault);
    });
  }
  await cluster.sleep(startMs + plan.durationMs - cluster.time.nowMs);
  for (const fault of open.keys()) finish(fault);
}

/** Everything that can be mended is mended. */
export function healEverything(cluster: SimulatedCluster): void {
  cluster.story.tell('world', 'everything is mended');
  cluster.network.healAll();
  for (const host of cluster.hosts) host.isGivenUp = false;
  for (const machine of [...cluster.hosts, cluster.hub]) mend(machine);
}

/** Its disk works again, and it runs. */
export function mend(machine: SimulatedHost | SimulatedHub): void {
  Object.assign(machine.disk, { slowMs: 0, isFailing: false, isFull: false, isNearlyFull: false });
  machine.disk.release();
  machine.resume();
  machine.start();
}
