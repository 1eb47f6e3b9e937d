/**
 * The copies' part of a step: appending, following, acknowledging, committing, and what an activation and its end do to a
 * log. Mirrors src/replication with its own commit point and common point; a record is received in the same step in which
 * it is read from the active copy's log, because a frame under way longer than that only arrives as one sent later.
 */
import { CommitPoint } from '../../replication/commit-point.ts';
import { type EpochEnd, lastCommonLsn } from '../../replication/common-point.ts';
import { CopyHosts } from '../../replication/copy-hosts.ts';
import type { Rules } from './rules.ts';
import {
  type ActiveState,
  type Disk,
  describeLsn,
  epochOf,
  HOST_INDICES,
  HOSTS,
  type HostIndex,
  isClientRecord,
  lsnOf,
  otherHost,
  proposerOf,
  type World,
  withHost,
  withViolation,
} from './world.ts';

export function epochFloor(disk: Disk): number {
  return Math.max(disk.epochInUse, disk.epochPromised);
}

export function durableLsn(disk: Disk): number {
  return disk.log[disk.durable - 1] ?? 0;
}

export function endLsn(disk: Disk): number {
  return disk.log.at(-1) ?? 0;
}

function epochEnds(log: readonly number[]): EpochEnd[] {
  const ends = new Map<number, number>();
  for (const lsn of log) ends.set(epochOf(lsn), lsn);
  return [...ends].map(([epoch, lastLsn]) => ({ epoch, lastLsn }));
}

// ── the commit point ───────────────────────────────────────────────────────────────────────────────────────────────

/** Changes the active copy's commit point by the production rules, and notes what may be acknowledged from then on. */
export function changeCommit(world: World, host: HostIndex, change: (commit: CommitPoint) => void): World {
  const { active } = world.hosts[host];
  if (active === undefined) return world;
  const commit = restored(host, active);
  change(commit);
  return noteAcknowledged(withHost(world, host, { active: savedFrom(commit, host, active.epoch) }), host);
}

function restored(host: HostIndex, active: ActiveState): CommitPoint {
  const self = HOSTS[host];
  const other = HOSTS[otherHost(host)];
  const commit = new CommitPoint({
    mode: 'sync',
    copies: new CopyHosts(self, HOSTS),
    inSync: active.inSync,
    startLsn: active.committed,
  });
  if (active.isJoining) commit.startJoining(other);
  if (active.isUndecided) commit.setUndecided(other);
  commit.remoteDurable(other, active.otherDurable);
  commit.localDurable(active.localDurable);
  return commit;
}

function savedFrom(commit: CommitPoint, host: HostIndex, epoch: number): ActiveState {
  const other = HOSTS[otherHost(host)];
  return {
    epoch,
    inSync: commit.inSync,
    isJoining: commit.isJoining(other),
    isUndecided: commit.isUndecided(other),
    otherDurable: commit.durableAt(other),
    localDurable: commit.durableAt(HOSTS[host]),
    committed: commit.committed,
  };
}

function noteAcknowledged(world: World, host: HostIndex): World {
  const { active, disk } = world.hosts[host];
  const { acknowledged } = world.observed;
  const fresh = disk.log.filter(
    (lsn) => isClientRecord(lsn) && lsn <= (active?.committed ?? 0) && !acknowledged.includes(lsn),
  );
  if (fresh.length === 0) return world;
  const all = [...acknowledged, ...fresh].sort((left, right) => left - right);
  return { ...world, observed: { ...world.observed, acknowledged: all } };
}

// ── the active copy ────────────────────────────────────────────────────────────────────────────────────────────────

export function append(world: World, host: HostIndex, rules: Rules): World {
  const { active, disk } = world.hosts[host];
  if (active === undefined) return world;
  const log = [...disk.log, endLsn(disk) + 1];
  const appended = withHost({ ...world, used: { ...world.used, records: world.used.records + 1 } }, host, {
    disk: { ...disk, log },
  });
  return rules.waitsForSync ? appended : reportDurable(appended, host, endLsn({ ...disk, log }));
}

export function sync(world: World, host: HostIndex): World {
  const { disk } = world.hosts[host];
  const synced = withHost(world, host, { disk: { ...disk, durable: disk.log.length } });
  return reportDurable(synced, host, endLsn(disk));
}

function reportDurable(world: World, host: HostIndex, lsn: number): World {
  if (lsn <= (world.hosts[host].active?.localDurable ?? lsn)) return world;
  return changeCommit(world, host, (commit) => commit.localDurable(lsn));
}

export function activate(world: World, host: HostIndex, epoch: number, inSync: readonly string[]): World {
  const { disk, seat } = world.hosts[host];
  const log = [...disk.log, lsnOf(epoch, 1)];
  const durable = lsnOf(epoch, 1);
  const commit = new CommitPoint({
    mode: 'sync',
    copies: new CopyHosts(HOSTS[host], HOSTS),
    inSync,
    startLsn: inSync.length === 1 ? durable : 0,
  });
  commit.localDurable(durable);
  const leading = withHost({ ...world, channel: undefined }, host, {
    disk: { ...disk, epochInUse: Math.max(disk.epochInUse, epoch), log, durable: log.length },
    seat: { ...seat, activeEpoch: epoch, activeInSync: inSync },
    active: savedFrom(commit, host, epoch),
  });
  return noteOwner(noteAcknowledged(leading, host), host, epoch);
}

function noteOwner(world: World, host: HostIndex, epoch: number): World {
  const { owners } = world.observed;
  const owner = proposerOf(world, host);
  const before = owners.find(([led]) => led === epoch)?.[1];
  if (before !== undefined && before !== owner)
    return withViolation(world, `two owners of epoch ${epoch}: ${before} and ${owner}`);
  return { ...world, observed: { ...world.observed, owners: [...owners, [epoch, owner]] } };
}

export function stepDown(world: World, host: HostIndex): World {
  const { seat, disk } = world.hosts[host];
  const channel = world.channel?.source === host ? undefined : world.channel;
  return withHost({ ...world, channel }, host, {
    seat: { ...seat, activeEpoch: 0, activeInSync: [] },
    active: undefined,
    disk: { ...disk, durable: disk.log.length },
  });
}

// ── the passive copy ───────────────────────────────────────────────────────────────────────────────────────────────

/** Hello, the common point, and the cut of what lies beyond it. */
export function connect(world: World, target: HostIndex, rules: Rules): World {
  const source = otherHost(target);
  const { active, disk: sourceDisk } = world.hosts[source];
  const { disk } = world.hosts[target];
  if (active === undefined) return world;
  if (rules.refusesLowerEpochs && epochFloor(disk) > active.epoch) return stepDown(world, source);
  const common = lastCommonLsn(epochEnds(sourceDisk.log), epochEnds(disk.log));
  const log = disk.log.filter((lsn) => lsn <= common);
  const follows = withHost(world, target, {
    disk: { ...disk, epochInUse: Math.max(disk.epochInUse, active.epoch), log, durable: log.length },
  });
  const channel = { source, acknowledging: endLsn({ ...disk, log }), acknowledged: 0 };
  return { ...follows, channel };
}

/** The next record that the target lacks, or undefined when it has them all. */
export function nextRecord(world: World, target: HostIndex): number | undefined {
  const end = endLsn(world.hosts[target].disk);
  return world.hosts[otherHost(target)].disk.log.find((lsn) => lsn > end);
}

/** Received, synced, and acknowledged if nothing higher was promised (C2). */
export function receive(world: World, target: HostIndex, lsn: number, rules: Rules): World {
  const source = otherHost(target);
  const { disk } = world.hosts[target];
  const { channel } = world;
  const epoch = world.hosts[source].active?.epoch ?? 0;
  if (channel === undefined) return world;
  if (rules.refusesLowerEpochs && epochFloor(disk) > epoch) return stepDown(world, source);
  const log = [...disk.log, lsn];
  const received = withHost(world, target, { disk: { ...disk, log, durable: log.length } });
  return { ...received, channel: { ...channel, acknowledging: lsn } };
}

export function acknowledge(world: World): World {
  const { channel } = world;
  if (channel === undefined) return world;
  const { source, acknowledging } = channel;
  const arrived = { ...world, channel: { ...channel, acknowledging: 0, acknowledged: acknowledging } };
  return changeCommit(arrived, source, (commit) => commit.remoteDurable(HOSTS[otherHost(source)], acknowledging));
}

/** What was under way on it is lost. */
export function disconnect(world: World): World {
  const { channel } = world;
  if (channel === undefined) return world;
  return changeCommit({ ...world, channel: undefined }, channel.source, (commit) =>
    commit.stopJoining(HOSTS[otherHost(channel.source)]),
  );
}

// ── what must hold ─────────────────────────────────────────────────────────────────────────────────────────────────

/** Who leads has every record that was acknowledged in its epoch or before it. */
export function activeCopiesHoldAll(world: World): string | undefined {
  for (const host of HOST_INDICES) {
    const { active, disk } = world.hosts[host];
    if (active === undefined) continue;
    const lost = world.observed.acknowledged.find((lsn) => epochOf(lsn) <= active.epoch && !disk.log.includes(lsn));
    if (lost !== undefined) {
      return `record ${describeLsn(lost)} was acknowledged, and ${HOSTS[host]} leads epoch ${active.epoch} without it`;
    }
  }
  return undefined;
}

/** Whoever the register names as in sync holds, synced, every record that was acknowledged: it may lead next. */
export function inSyncHoldAll(world: World, inSync: readonly string[]): string | undefined {
  for (const host of HOST_INDICES) {
    if (!inSync.includes(HOSTS[host])) continue;
    const { disk } = world.hosts[host];
    const held = disk.log.slice(0, disk.durable);
    const lost = world.observed.acknowledged.find((lsn) => !held.includes(lsn));
    if (lost !== undefined) {
      return `record ${describeLsn(lost)} was acknowledged, and ${HOSTS[host]}, in sync by the register, lacks it`;
    }
  }
  return undefined;
}
