/**
 * What administrators do after a disaster, and what comes of it while everything else goes on: a backup takes the place of a
 * lost disk (N20), and a copy that may not lead by itself is made to, with Restore-StorageGroupCopy (N21). The plan has a
 * seed of its own, so that a run without them is what it was.
 */
import { type Random, SeededRandom } from '../base/random.ts';
import { resumeCopy, setMountPolicy, suspendCopy } from '../cluster/configuration-changes.ts';
import type { AutoDatabaseMountDial, RegisterDocument, ReplicationMode } from '../cluster/register-document.ts';
import { anyHost, bothWays, cut, type Fault, isSparable, nothing } from './fault.ts';
import type { FaultKind, PlannedFault } from './nemesis.ts';
import { SERVER, type SimulatedCluster, STORAGE_GROUP } from './simulated-cluster.ts';
import type { SimulatedHost } from './simulated-host.ts';

/** One run of so many has a copy that comes back from a backup, or one that is made active by force, which is async's everyday. */
const RESTORES = 6;
const FORCED = 12;
const FORCED_ASYNC = 2;
const INSIST_MS = 150;

export const recoveryFaults = {
  /** The backups are of the beginning, a disk is lost at the end. */
  'copy restored': (cluster, random) => {
    const backups = new Map(cluster.hosts.map((host) => [host, host.takeBackup()]));
    return () => {
      const host = anyHost(cluster, random);
      const backup = backups.get(host);
      if (backup === undefined || !isSparable(cluster, host)) return;
      host.restoreCopy(backup);
      host.start();
    };
  },
  /**
   * The active node is gone until the end, and the other copy waits for a word: in async because it lacks what no dial allows,
   * otherwise because it is suspended, with everything that was promised.
   */
  'activated by force': (cluster, random) => {
    const host = cluster.serving;
    const heir = cluster.hosts.find((other) => other !== host);
    if (host === undefined || heir === undefined) return nothing;
    const { administrator, time, timing, mode } = cluster;
    const waits = mode === 'async' ? waitsForDial : waitsSuspended;
    let isOver = false;
    let heal = nothing;
    const lose = (): void => {
      if (isOver) return;
      // Whoever gives the word has looked: a copy that is not there, or has nothing, is not made active by force.
      if ((heir.liveView?.endLsn ?? 0) === 0) return heal();
      if (host === cluster.serving) host.losePower();
      heal();
      if (random.below(2) === 0) time.after(timing.graceMs * 2, () => !isOver && heir.killCopy('before it is to lead'));
      time.after(timing.graceMs * 2 + 1, () => insist(cluster, heir, () => isOver));
    };
    administrator.change(`lets ${heir.name} wait`, waits.begin(heir), () => {
      if (isOver) return;
      if (mode === 'async') heal = cut(cluster, bothWays(host.name, [heir.name]));
      time.after(timing.graceMs * random.below(3), lose);
    });
    return () => {
      isOver = true;
      heal();
      host.start();
      administrator.change(`lets ${heir.name} go on`, waits.end(heir));
    };
  },
} as const satisfies Record<string, Fault>;

type Change = (host: SimulatedHost) => (document: RegisterDocument) => RegisterDocument | undefined;

interface Wait {
  readonly begin: Change;
  readonly end: Change;
}

function allows(autoDatabaseMountDial: AutoDatabaseMountDial): Change {
  return () => (document) => setMountPolicy(document, SERVER, { autoDatabaseMountDial });
}

const waitsForDial: Wait = { begin: allows('Lossless'), end: allows('BestAvailability') };

const waitsSuspended: Wait = {
  begin:
    ({ name }) =>
    (document) =>
      suspendCopy(document, STORAGE_GROUP, name, 'it waits for a word'),
  end:
    ({ name }) =>
    (document) =>
      resumeCopy(document, STORAGE_GROUP, name),
};

/** Again and again, until somebody serves; nobody accepts a loss where the mode allows none. */
function insist(cluster: SimulatedCluster, heir: SimulatedHost, isOver: () => boolean): void {
  const { group, mode } = cluster;
  const isAllowed = mode === 'async' || group?.inSync.includes(heir.name) === true;
  if (isOver() || cluster.serving !== undefined || !isAllowed) return;
  const again = (): void => void cluster.time.after(INSIST_MS, () => insist(cluster, heir, isOver));
  const isEmpty = heir.liveView?.endLsn === 0;
  if (heir.service === undefined || heir.isPaused || isEmpty) return again();
  heir.service.force(STORAGE_GROUP).then(
    (answer) => {
      cluster.story.tell('admin', `activates ${heir.name} by force: ${JSON.stringify(answer)}`);
      again();
    },
    (error: unknown) => cluster.unhandled(error),
  );
}

/** Most runs: none. In a long life nobody forces anything: a copy waits there for its hour (plan-absence.ts). */
export function planRecovery(
  seed: number,
  { mode, isStorm, durationMs }: { mode: ReplicationMode; isStorm: boolean; durationMs: number },
): readonly Omit<PlannedFault, 'number'>[] {
  const random = new SeededRandom(seed ^ 0x4ec0);
  const at = (kind: FaultKind): Omit<PlannedFault, 'number'> => plannedAt(random, kind, durationMs);
  const restored = random.below(RESTORES) === 0 ? [at('copy restored')] : [];
  // In async an old backup that is made active leaves the other copy with a database that is ahead of it: that takes a seed.
  const mayForce = isStorm && (mode !== 'async' || restored.length === 0);
  return [
    ...restored,
    ...(mayForce && random.below(mode === 'async' ? FORCED_ASYNC : FORCED) === 0
      ? [{ ...at('activated by force'), lastsMs: durationMs / 2 }]
      : []),
  ];
}

function plannedAt(random: Random, kind: FaultKind, durationMs: number): Omit<PlannedFault, 'number'> {
  const [atMs, lastsMs, seed] = [durationMs / 2, durationMs / 2, 0x1_0000_0000].map((limit) => random.below(limit));
  return { kind, atMs: atMs ?? 0, lastsMs: lastsMs ?? 0, seed: seed ?? 0 };
}
