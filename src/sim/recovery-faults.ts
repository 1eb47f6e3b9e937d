/**
 * What administrators do after a disaster, and what comes of it while everything else goes on: a backup takes the place of a
 * lost disk (N20), and a copy that may not lead by itself is made to, with Restore-StorageGroupCopy (N21). The plan has a
 * seed of its own, so that a run without them is what it was.
 */
import { type Random, SeededRandom } from '../base/random.ts';
import { setMountPolicy } from '../cluster/configuration-changes.ts';
import type { ReplicationMode } from '../cluster/register-document.ts';
import { anyHost, bothWays, cut, type Fault, isSparable, nothing } from './fault.ts';
import type { FaultKind, PlannedFault } from './nemesis.ts';
import { SERVER, type SimulatedCluster, STORAGE_GROUP } from './simulated-cluster.ts';
import type { SimulatedHost } from './simulated-host.ts';

/** One run of so many has a copy that comes back from a backup; in async mode, one that is made active by force. */
const RESTORES = 6;
const FORCED = 2;
const INSIST_MS = 1_000;

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
  /** No loss is allowed; then the active node has more than the other one, and is gone until the end. */
  'activated by force': (cluster, random) => {
    const host = cluster.serving;
    const heir = cluster.hosts.find((other) => other !== host);
    if (host === undefined || heir === undefined) return nothing;
    const { administrator, time, timing } = cluster;
    let isOver = false;
    let heal = nothing;
    const behindMs = timing.graceMs * (1 + random.below(4));
    const lose = (): void => {
      if (isOver) return;
      if (host === cluster.serving) host.losePower();
      heal();
      time.after(timing.graceMs * 2, () => insist(cluster, heir, () => isOver));
    };
    administrator.change(
      'allows no loss',
      (document) => setMountPolicy(document, SERVER, { autoDatabaseMountDial: 'Lossless' }),
      () => {
        if (isOver) return;
        heal = cut(cluster, bothWays(host.name, [heir.name]));
        time.after(behindMs, lose);
      },
    );
    return () => {
      isOver = true;
      heal();
      host.start();
      administrator.change('sets the dial back', (document) =>
        setMountPolicy(document, SERVER, { autoDatabaseMountDial: 'BestAvailability' }),
      );
    };
  },
} as const satisfies Record<string, Fault>;

/** Again and again, until somebody serves. */
function insist(cluster: SimulatedCluster, heir: SimulatedHost, isOver: () => boolean): void {
  if (isOver() || cluster.serving !== undefined) return;
  const again = (): void => void cluster.time.after(INSIST_MS, () => insist(cluster, heir, isOver));
  if (heir.service === undefined || heir.isPaused) return again();
  heir.service.force(STORAGE_GROUP).then(
    (answer) => {
      cluster.story.tell('admin', `activates ${heir.name} by force: ${JSON.stringify(answer)}`);
      again();
    },
    (error: unknown) => cluster.unhandled(error),
  );
}

/** Most runs: none. */
export function planRecovery(
  seed: number,
  mode: ReplicationMode,
  durationMs: number,
): readonly Omit<PlannedFault, 'number'>[] {
  const random = new SeededRandom(seed ^ 0x4ec0);
  const at = (kind: FaultKind): Omit<PlannedFault, 'number'> => plannedAt(random, kind, durationMs);
  return [
    ...(random.below(RESTORES) === 0 ? [at('copy restored')] : []),
    ...(mode === 'async' && random.below(FORCED) === 0 ? [at('activated by force')] : []),
  ];
}

function plannedAt(random: Random, kind: FaultKind, durationMs: number): Omit<PlannedFault, 'number'> {
  const [atMs, lastsMs, seed] = [durationMs / 2, durationMs / 2, 0x1_0000_0000].map((limit) => random.below(limit));
  return { kind, atMs: atMs ?? 0, lastsMs: lastsMs ?? 0, seed: seed ?? 0 };
}
