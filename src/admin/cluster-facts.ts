/** What is known about the cluster at one moment, and the first conclusions that several commands draw from it. */
import type { CopyView } from '../cluster/copy-control.ts';
import { type CopyFacts, copyFacts, type SummaryCopyStatus, summaryCopyStatus } from '../cluster/copy-status.ts';
import { mountObstacle } from '../cluster/mount.ts';
import { type RegisterDocument, serverOf } from '../cluster/register-document.ts';
import { type ServerStatus, serverStatus } from '../cluster/server-status.ts';
import type { AdminContext, ClusterNetworks, CopyReport, HostReport } from './context.ts';
import { type StorageGroup, storageGroupsOf } from './objects.ts';

export interface ClusterFacts {
  readonly document: RegisterDocument;
  readonly copies: readonly CopyReport[];
  readonly hosts: readonly HostReport[];
  readonly networks: ClusterNetworks;
}

export async function gatherFacts(context: AdminContext): Promise<ClusterFacts> {
  const [document, copies, hosts] = await Promise.all([
    context.register(),
    context.copyReports(),
    context.hostReports(),
  ]);
  return { document, copies, hosts, networks: context.networks };
}

export function reportOf(facts: ClusterFacts, storageGroup: string, host: string): CopyReport | undefined {
  return facts.copies.find((report) => report.storageGroup === storageGroup && report.host === host);
}

export function viewOf(facts: ClusterFacts, storageGroup: string, host: string): CopyView | undefined {
  return reportOf(facts, storageGroup, host)?.view ?? undefined;
}

export function copyFactsAt(facts: ClusterFacts, storageGroup: string, host: string): CopyFacts {
  return copyFacts(facts.document, storageGroup, host, viewOf(facts, storageGroup, host));
}

export function copyStatusAt(facts: ClusterFacts, storageGroup: string, host: string): SummaryCopyStatus {
  return summaryCopyStatus(copyFactsAt(facts, storageGroup, host));
}

/** Hosts with a passive copy; all that have one while nobody owns the storage group. */
export function passiveHosts(group: StorageGroup): readonly string[] {
  return group.record.copies.filter((host) => host !== group.record.active);
}

/** Whether clients of the storage group are served at this moment. */
export function isServing(facts: ClusterFacts, group: StorageGroup): boolean {
  const { active } = group.record;
  return active !== null && viewOf(facts, group.name, active)?.state === 'active';
}

/** Why nobody can lead the storage group without help; undefined when it is served, or will be by itself. */
export function blockedReason(facts: ClusterFacts, group: StorageGroup): string | undefined {
  if (isServing(facts, group)) return undefined;
  const { mode, inSync, copies } = group.record;
  const server = serverOf(facts.document, group.name)?.record;
  const reasons: string[] = [];
  for (const host of mode === 'async' ? copies : inSync) {
    const view = viewOf(facts, group.name, host);
    const obstacle = mountObstacle({ host, group: group.record, server, view });
    if (view === undefined) reasons.push(`${host} holds everything acknowledged and does not answer`);
    else if (obstacle?.isLasting) reasons.push(`${host}: ${obstacle.reason}`);
    else return undefined;
  }
  return reasons.join('; ');
}

export function serverStatusOf(facts: ClusterFacts, server: string): ServerStatus | undefined {
  const groups = storageGroupsOf(facts.document);
  const blocked = groups.flatMap((group) => {
    const reason = blockedReason(facts, group);
    return reason === undefined ? [] : [[group.name, reason] as const];
  });
  return serverStatus({
    document: facts.document,
    server,
    reachableHosts: reachableHosts(facts),
    serving: new Set(groups.filter((group) => isServing(facts, group)).map((group) => group.name)),
    blocked: new Map(blocked),
  });
}

export function reachableHosts(facts: Pick<ClusterFacts, 'hosts'>): ReadonlySet<string> {
  return new Set(facts.hosts.filter((report) => report.reachable).map((report) => report.host));
}
