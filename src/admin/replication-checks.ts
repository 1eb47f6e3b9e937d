/** The checks of Test-ReplicationHealth, each a pure function from facts to what is wrong; undefined = nothing. */
import { HEALTHY_COPY_QUEUE } from '../cluster/copy-status.ts';
import { checkNetworks } from '../cluster/networks/check-networks.ts';
import {
  blockedReason,
  type ClusterFacts,
  copyFactsAt,
  isServing,
  passiveHosts,
  reachableHosts,
  reportOf,
  serverStatusOf,
  viewOf,
} from './cluster-facts.ts';
import type { AcceptorReport, ClusterNetworks, HostReport } from './context.ts';
import { adminLimits } from './limits.ts';
import { lostNetworks } from './network-facts.ts';
import { type StorageGroup, storageGroupsOf } from './objects.ts';

/** Log files inspected and not replayed above which a takeover would be slow (the figure of 2010's best copy selection). */
export const HEALTHY_REPLAY_QUEUE = 50;

export interface CheckResult {
  readonly server: string;
  readonly check: string;
  readonly error: string | undefined;
}

/** What can be said without the register: the network and the votes. */
export function quorumChecks(
  asked: string,
  hosts: readonly HostReport[],
  acceptors: readonly AcceptorReport[],
  registerFault: string | undefined,
  networks: ClusterNetworks,
): readonly CheckResult[] {
  const silent = hosts.filter((host) => !host.reachable).map((host) => host.host);
  const votes = acceptors.filter((acceptor) => acceptor.failure === null).length;
  const majority = Math.floor(acceptors.length / 2) + 1;
  const quorum =
    votes < majority
      ? `${votes} of ${acceptors.length} votes answer, ${majority} are needed: ${faults(acceptors)}`
      : (registerFault ?? lostVotes(acceptors, silent));
  return [
    {
      server: asked,
      check: 'ClusterNetwork',
      error: joined([...silent.map((host) => `${host} not reachable`), ...lostNetworks(networks, hosts)]),
    },
    { server: asked, check: 'ClusterNetworkRedundancy', error: joined(weaknesses(networks)) },
    { server: asked, check: 'QuorumGroup', error: quorum },
    ...witnessChecks(asked, acceptors),
  ];
}

/** Without a witness there is nothing to check. */
function witnessChecks(asked: string, acceptors: readonly AcceptorReport[]): readonly CheckResult[] {
  return (
    [
      ['share', 'FileShareQuorum'],
      ['process', 'WitnessQuorum'],
    ] as const
  ).flatMap(([kind, check]) => {
    const witnesses = acceptors.filter((acceptor) => acceptor.kind === kind);
    const error = witnesses.some((witness) => witness.failure !== null) ? faults(witnesses) : undefined;
    return witnesses.length === 0 ? [] : [{ server: asked, check, error }];
  });
}

/** What forming the cluster would refuse or warn of. */
function weaknesses({ networks, hosts }: ClusterNetworks): readonly string[] {
  const { refused, warnings } = checkNetworks(networks, hosts);
  return [...refused, ...warnings];
}

function joined(faults: readonly string[]): string | undefined {
  return faults.length === 0 ? undefined : faults.join('; ');
}

/** A host that answers and has no vote (its disk was replaced) looks well in everything else, until one more is missing. */
function lostVotes(acceptors: readonly AcceptorReport[], silentHosts: readonly string[]): string | undefined {
  const lost = acceptors.filter(({ kind, name }) => kind === 'host' && !silentHosts.includes(name));
  return lost.some((acceptor) => acceptor.failure !== null)
    ? `it stands, but not every vote counts: ${faults(lost)}`
    : undefined;
}

function faults(acceptors: readonly AcceptorReport[]): string {
  return acceptors.flatMap(({ name, failure }) => (failure === null ? [] : [`${name}: ${failure}`])).join('; ');
}

export function serverChecks(facts: ClusterFacts): readonly CheckResult[] {
  return Object.keys(facts.document.clusteredMailboxServers).flatMap((server) => {
    const groups = storageGroupsOf(facts.document).filter((group) => group.server === server);
    return [
      { server, check: 'CmsGroup', error: serverFault(facts, server) },
      { server, check: 'DBMountedFailover', error: each(groups, (group) => mountFault(facts, group)) },
      { server, check: 'DatabaseRedundancy', error: each(groups, (group) => redundancyFault(facts, group)) },
    ];
  });
}

function serverFault(facts: ClusterFacts, server: string): string | undefined {
  const status = serverStatusOf(facts, server);
  return status === undefined || status.state === 'Online' ? undefined : `${server} is ${status.state}`;
}

function mountFault(facts: ClusterFacts, group: StorageGroup): string | undefined {
  if (!group.record.mounted || isServing(facts, group)) return undefined;
  return `not served now (${blockedReason(facts, group) ?? 'it is being mounted'})`;
}

function redundancyFault(facts: ClusterFacts, group: StorageGroup): string | undefined {
  const { mode, inSync, copies, sharedStorage, active } = group.record;
  if (sharedStorage || copies.length < 2) return 'it has one copy only';
  if (mode === 'async') {
    const healthy = passiveHosts(group).some((host) => viewOf(facts, group.name, host)?.mayTakeOver ?? false);
    return healthy ? undefined : 'no passive copy could take over';
  }
  if (inSync.length > 1) return undefined;
  const exposed = active === null ? null : (reportOf(facts, group.name, active)?.upkeep?.exposedChanges ?? null);
  const count = exposed === null ? '' : `, ${exposed} changes on its disk alone`;
  return `only ${inSync.join(', ')} holds everything acknowledged${count}`;
}

/** One row for each machine and check, over all its passive copies. */
export function machineChecks(facts: ClusterFacts): readonly CheckResult[] {
  const machines = new Set(Object.values(facts.document.storageGroups).flatMap((group) => group.copies));
  const reachable = reachableHosts(facts);
  return [...machines].flatMap((machine) => {
    const passive = storageGroupsOf(facts.document).filter((group) => passiveHosts(group).includes(machine));
    const down = reachable.has(machine) ? undefined : `${machine} does not answer`;
    const node = passive.length === 0 ? [] : [{ server: machine, check: 'PassiveNodeUp', error: down }];
    const copies = copyChecks.map(({ check, fault }) => ({
      server: machine,
      check,
      error: each(passive, (group) => fault(facts, group, machine)),
    }));
    const here = storageGroupsOf(facts.document).filter((group) => group.record.copies.includes(machine));
    const files = fileChecks.map(({ check, fault }) => ({
      server: machine,
      check,
      error: each(here, (group) => fault(facts, group, machine)),
    }));
    return [
      ...node,
      { server: machine, check: 'ReplayService', error: down },
      ...(passive.length === 0 ? [] : copies),
      ...(here.length === 0 ? [] : files),
    ];
  });
}

type CopyFault = (facts: ClusterFacts, group: StorageGroup, host: string) => string | undefined;

const copyChecks: readonly { readonly check: string; readonly fault: CopyFault }[] = [
  { check: 'SGCopySuspended', fault: suspendedFault },
  { check: 'SGCopyFailed', fault: failedFault },
  { check: 'SGInitializing', fault: initializingFault },
  { check: 'SGCopyQueueLength', fault: copyQueueFault },
  { check: 'SGReplayQueueLength', fault: replayQueueFault },
];

/** Of every copy, the active one too. */
const fileChecks: readonly { readonly check: string; readonly fault: CopyFault }[] = [
  { check: 'SGCopyDamage', fault: damageFault },
  { check: 'SGCopyQuarantine', fault: quarantineFault },
  { check: 'SGCopyDiskSpace', fault: roomFault },
];

function suspendedFault(facts: ClusterFacts, group: StorageGroup, host: string): string | undefined {
  if (!copyFactsAt(facts, group.name, host).isSuspended) return undefined;
  const reason = group.record.suspended[host] ?? '';
  return reason === '' ? 'suspended' : `suspended: ${reason}`;
}

function failedFault(facts: ClusterFacts, group: StorageGroup, host: string): string | undefined {
  const copy = copyFactsAt(facts, group.name, host);
  if (!copy.isReachable) return 'the copy does not answer';
  return copy.isFailed ? (viewOf(facts, group.name, host)?.failedMessage ?? 'no reason is known') : undefined;
}

function initializingFault(facts: ClusterFacts, group: StorageGroup, host: string): string | undefined {
  return copyFactsAt(facts, group.name, host).isInitializing
    ? 'the copy is starting, or waits for the active one'
    : undefined;
}

function copyQueueFault(facts: ClusterFacts, group: StorageGroup, host: string): string | undefined {
  const length = viewOf(facts, group.name, host)?.copyQueueLength ?? 0;
  return length >= HEALTHY_COPY_QUEUE ? `${length} log files are not yet copied` : undefined;
}

function replayQueueFault(facts: ClusterFacts, group: StorageGroup, host: string): string | undefined {
  const length = viewOf(facts, group.name, host)?.replayQueueLength ?? 0;
  return length >= HEALTHY_REPLAY_QUEUE ? `${length} log files are not yet replayed` : undefined;
}

/** What the scrub or a read found and nobody has mended yet, and copies that hold something else at the same position. */
function damageFault(facts: ClusterFacts, group: StorageGroup, host: string): string | undefined {
  const { damage = [], comparisons = [] } = reportOf(facts, group.name, host)?.maintenance ?? {};
  const different = comparisons
    .filter(({ result }) => result === 'Different')
    .map((other) => `it differs from the copy on ${other.host} in folders ${other.differentFolders.join(', ')}`);
  return joined([...damage, ...different]);
}

/** Mail that nobody takes. What a seed has put aside is no fault: it waits for a word that may never come. */
function quarantineFault(facts: ClusterFacts, group: StorageGroup, host: string): string | undefined {
  const waiting = reportOf(facts, group.name, host)?.upkeep?.quarantine?.waiting ?? 0;
  return waiting === 0 ? undefined : `${waiting} messages in quarantine are not taken: Get-QuarantinedChange says why`;
}

function roomFault(facts: ClusterFacts, group: StorageGroup, host: string): string | undefined {
  const room = reportOf(facts, group.name, host)?.upkeep?.room;
  if (room === undefined) return undefined;
  const { freeBytes, isLogFull, isShort } = room;
  const free = freeBytes === null ? '' : `, ${Math.floor(freeBytes / 1024 ** 2)} MiB free`;
  if (isLogFull) return `the disk is full: no further log file fits${free}`;
  if (isShort) return `the disk is nearly full${free}: this copy takes no more of what is new`;
  return freeBytes !== null && freeBytes < adminLimits.lowRoomBytes ? `the disk is nearly full${free}` : undefined;
}

function each(groups: readonly StorageGroup[], fault: (group: StorageGroup) => string | undefined): string | undefined {
  const found = groups.flatMap((group) => {
    const error = fault(group);
    return error === undefined ? [] : [`${group.identity}: ${error}`];
  });
  return joined(found);
}
