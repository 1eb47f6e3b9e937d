/**
 * Liveness as L1 means it: behind a storm not everything is mended, only the smallest core that should live: a majority of
 * the votes, and a copy that may lead. What is outside of it stays broken. A cluster that secretly needs it for anything waits
 * for ever there, and where everything comes back nobody would notice.
 *
 * Whether the core should have lived is judged when it has not, by what the register says then: a change that was under way
 * when the storm ended may have left the only copies that may lead outside, and nobody promises anything about that.
 */
import type { Random } from '../base/random.ts';
import { serverOf } from '../cluster/register-document.ts';
import { bothWays, cut, oneOf } from './fault.ts';
import { mend } from './nemesis.ts';
import { CLIENTS, type SimulatedCluster, STORAGE_GROUP, Violation } from './simulated-cluster.ts';
import type { SimulatedHost } from './simulated-host.ts';

export interface SmallestCore {
  /** The vote that it has to do without, and with it the machine, when a machine has it. */
  readonly outside: string;
  readonly hosts: readonly SimulatedHost[];
}

/** What became of a seed's core: it lived, or it need not have. */
export type CoreOutcome = 'lived' | 'excused';

/** undefined when the votes that would be left cannot decide anything: one of them has lost its disk. */
export function drawCore(cluster: SimulatedCluster, random: Random): SmallestCore | undefined {
  const outside = cluster.votes[random.below(cluster.votes.length)];
  const isReadable = (vote: string): boolean => vote === outside || cluster.isReadable(vote);
  if (outside === undefined || cluster.hasMovingVotes || !cluster.votes.every(isReadable)) return undefined;
  return { outside, hosts: cluster.hosts.filter(({ name }) => name !== outside) };
}

/** Violation('L1') when it does not serve within `limitMs` and should. Whether a change is answered is for the caller to see. */
export async function liveInCore(
  cluster: SimulatedCluster,
  { core, random, limitMs }: { core: SmallestCore; random: Random; limitMs: number },
): Promise<CoreOutcome> {
  const votes = cluster.votes.filter((vote) => vote !== core.outside);
  cluster.story.tell('world', `only ${votes.join(' and ')} are mended`);
  cluster.network.healAll();
  leaveBroken(cluster, core.outside, random);
  for (const machine of [...core.hosts, cluster.hub]) mend(machine);
  if (await cluster.until(() => isServed(cluster, core), limitMs)) return 'lived';
  const heir = core.hosts.find((host) => mayLead(cluster, host));
  if (heir !== undefined)
    throw new Violation('L1', `${heir.name} may lead, and ${limitMs} ms later nobody serves: ${cluster.health()}`);
  cluster.story.tell('world', 'none of them may lead');
  return 'excused';
}

function leaveBroken(cluster: SimulatedCluster, outside: string, random: Random): void {
  const host = cluster.hosts.find(({ name }) => name === outside);
  const ends = [...cluster.votes, cluster.hub.name, CLIENTS].filter((end) => end !== outside);
  const cutOff = (): void => void cut(cluster, bothWays(outside, ends));
  if (host === undefined) return cutOff();
  host.isGivenUp = true;
  oneOf(random, [() => host.kill(), () => host.losePower(), () => host.pause(false), cutOff])();
}

function isServed({ owner }: SimulatedCluster, { hosts }: SmallestCore): boolean {
  return owner !== undefined && hosts.includes(owner);
}

/** By itself and without a loss, as the register stands. */
function mayLead(cluster: SimulatedCluster, host: SimulatedHost): boolean {
  const document = cluster.register.chosen();
  const { group } = cluster;
  if (document === undefined || group === undefined || !host.isUp) return false;
  if (!group.mounted || serverOf(document, STORAGE_GROUP)?.record.stopped !== undefined) return false;
  const holdsAll = cluster.mode === 'async' ? group.active === host.name : group.inSync.includes(host.name);
  // Its disk was replaced, and nobody was left to fill it or to take it out of the set.
  const hasLost = (host.view?.endLsn ?? 0) < host.durableLsn;
  return holdsAll && !hasLost && group.copies.includes(host.name) && !UNFIT.has(cluster.statusOf(host));
}

const UNFIT: ReadonlySet<string> = new Set(['NotSupported', 'Disabled', 'Seeding', 'Suspended', 'Failed', 'Stopped']);
