/**
 * N19, a rolling update that goes wrong as such things do: hosts restart with the version before or after theirs, in any
 * order and back again, while everything else happens, and somewhere in between an administrator raises the format level.
 * The plan has a seed of its own, so that a run without it is what it was.
 */
import { type Random, SeededRandom } from '../base/random.ts';
import { raiseFormatLevel } from '../cluster/format-level.ts';
import type { Fault } from './fault.ts';
import type { FaultKind, PlannedFault } from './nemesis.ts';
import { earlierSoftware, presentSoftware } from './software.ts';

/** One run of so many is an update. */
const UPDATES = 6;
const LONGEST_MS = 5_000;

export const versionFaults = {
  'another version': (cluster, random) => {
    const host = cluster.hosts[random.below(cluster.hosts.length)];
    if (host === undefined) return () => undefined;
    host.kill('for another version');
    host.install(host.software === earlierSoftware ? presentSoftware : earlierSoftware);
    return () => host.start();
  },
  'format level raised': ({ administrator }) => {
    const level = presentSoftware.highest;
    administrator.change(`asks for format level ${level}`, (document) => raiseFormatLevel(document, level));
    return () => undefined;
  },
} as const satisfies Record<string, Fault>;

export function isOfVersions(kind: FaultKind): boolean {
  return Object.hasOwn(versionFaults, kind);
}

/** Most runs: none. */
export function planUpdate(seed: number, durationMs: number): readonly Omit<PlannedFault, 'number'>[] {
  const random = new SeededRandom(seed ^ 0x0bd8);
  if (random.below(UPDATES) > 0) return [];
  const at = (kind: FaultKind): Omit<PlannedFault, 'number'> => plannedAt(random, kind, durationMs);
  const restarts = Array.from({ length: 2 + random.below(6) }, () => at('another version'));
  return [...restarts, at('format level raised'), at('format level raised')];
}

function plannedAt(random: Random, kind: FaultKind, durationMs: number): Omit<PlannedFault, 'number'> {
  const [atMs, lastsMs, seed] = [durationMs, LONGEST_MS, 0x1_0000_0000].map((limit) => random.below(limit));
  return { kind, atMs: atMs ?? 0, lastsMs: lastsMs ?? 0, seed: seed ?? 0 };
}
