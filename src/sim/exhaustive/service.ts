/**
 * The cluster service of a host as steps: which calls it begins, what their closures decide on the register's document,
 * and what follows from each outcome. Mirrors cluster-service.ts, take-over-driver.ts, node-session.ts and
 * in-sync-membership.ts around the production decisions and changes.
 *
 * Left out, and so not proved by the search: giving up in the register, hints, planned moves, administrators' words.
 */
import { assert } from '../../base/assert.ts';
import { growInSync, renewLease, shrinkInSync, startNode, takeOver } from '../../cluster/changes.ts';
import type { CopyView } from '../../cluster/copy-control.ts';
import { formatRange } from '../../cluster/format-level.ts';
import { leaseMarkOf } from '../../cluster/lease.ts';
import { member, type RegisterDocument } from '../../cluster/register-document.ts';
import type { TakeOverDecision } from '../../cluster/take-over.ts';
import { defaultTiming } from '../../cluster/timing.ts';
import { activate, changeCommit, durableLsn, endLsn, epochFloor, stepDown } from './copies.ts';
import { beginCall, type Decided, type Machine, type Outcome } from './rounds.ts';
import type { Rules } from './rules.ts';
import { GROUP, groupOf, type ValueTree } from './value-tree.ts';
import { type Call, type Disk, HOSTS, type HostIndex, otherHost, type World, withHost } from './world.ts';

/** Longer than every grace and every patience. */
const LONG_MS = 60_000;
const GENERATION = 1;
export const FORMATS = { ...formatRange, software: 'modelled' };

function emptyCall(kind: Call['kind'], epoch: number): Call {
  return { kind, epoch, writes: [], drawn: [] };
}

function viewOf(disk: Disk, isActive: boolean): CopyView {
  return {
    state: isActive ? 'active' : 'passive',
    epochSeen: epochFloor(disk),
    endLsn: endLsn(disk),
    durableLsn: durableLsn(disk),
    generation: GENERATION,
    copyQueueLength: 0,
    replayQueueLength: 0,
    failedMessage: null,
    seeding: false,
    resynchronizing: false,
    initializing: false,
    mayTakeOver: true,
  };
}

function consider(world: World, host: HostIndex, document: RegisterDocument, rules: Rules): TakeOverDecision {
  const { disk, active } = world.hosts[host];
  const facts = {
    host: HOSTS[host],
    storageGroup: GROUP,
    document,
    view: viewOf(disk, active !== undefined),
    stoodStillMs: LONG_MS,
    ownedIdleMs: LONG_MS,
    isAbstaining: false,
  };
  return rules.decideTakeOver(facts, defaultTiming);
}

// ── calls begin ────────────────────────────────────────────────────────────────────────────────────────────────────

export function beginJoin(world: World, host: HostIndex): World {
  return beginCall(world, host, emptyCall('join', 0));
}

/** The watcher saw `document`: take over, find out about an old promise, or nothing (undefined). */
export function look(
  world: World,
  host: HostIndex,
  document: RegisterDocument,
  rules: Rules,
): { readonly world: World; readonly epoch: number; readonly does: 'take' | 'settle' } | undefined {
  const { disk, seat } = world.hosts[host];
  const group = groupOf(document);
  const seen = epochFloor(disk);
  if (consider(world, host, document, rules).kind === 'take') {
    const epoch = Math.max(group.epoch, seen) + 1;
    const expected = leaseMarkOf(document, GROUP);
    assert(expected !== undefined, 'The storage group stays in the register');
    const promised = rules.promisesFirst
      ? withHost(world, host, { disk: { ...disk, epochPromised: Math.max(epoch, disk.epochPromised) } })
      : world;
    const begun = beginCall(promised, host, { ...emptyCall('take', epoch), expected });
    return { world: begun, epoch, does: 'take' };
  }
  const isOldPromise = seen > group.epoch && seen > seat.settledEpoch;
  const epoch = seat.unsettledEpoch === 0 && isOldPromise ? seen : seat.unsettledEpoch;
  if (epoch === 0) return undefined;
  const noted = withHost(world, host, { seat: { ...seat, unsettledEpoch: epoch } });
  return { world: beginCall(noted, host, emptyCall('settle', epoch)), epoch, does: 'settle' };
}

export function beginShrink(world: World, host: HostIndex, rules: Rules): World {
  const epoch = world.hosts[host].active?.epoch ?? 0;
  const asked = changeCommit(world, host, (commit) => {
    commit.setUndecided(HOSTS[otherHost(host)]);
    if (!rules.shrinksByRegister) commit.inSyncRecorded([HOSTS[host]]);
  });
  return beginCall(asked, host, emptyCall('shrink', epoch));
}

export function beginGrow(world: World, host: HostIndex, rules: Rules): World {
  const epoch = world.hosts[host].active?.epoch ?? 0;
  const asked = changeCommit(world, host, (commit) => {
    if (!rules.requiresJoiner) return;
    commit.startJoining(HOSTS[otherHost(host)]);
    commit.setUndecided(HOSTS[otherHost(host)]);
  });
  return beginCall(asked, host, emptyCall('grow', epoch));
}

export function beginRenewal(world: World, host: HostIndex): World {
  const used = { ...world.used, renewals: world.used.renewals + 1 };
  return beginCall({ ...world, used }, host, emptyCall('renew', world.hosts[host].active?.epoch ?? 0));
}

// ── what a call decides on the document as it is ───────────────────────────────────────────────────────────────────

export function decideCall(rules: Rules) {
  return (world: World, host: HostIndex, call: Call, document: RegisterDocument, attempt: number): Decided => {
    const { incarnation, active } = world.hosts[host];
    const self = HOSTS[host];
    const claim = { storageGroup: GROUP, host: self, epoch: call.epoch };
    switch (call.kind) {
      case 'join': {
        const joined = startNode(document, self, FORMATS);
        return { document: joined, call: drew(call, (joined && member(joined.nodes, self)?.incarnation) ?? 0) };
      }
      case 'settle':
        return { document: undefined, call };
      case 'renew':
        return {
          document: renewLease(document, { host: self, incarnation, lease: attempt }),
          call: drew(call, attempt),
        };
      case 'shrink': {
        const inSync = [self];
        return { document: active && shrinkInSync(document, { ...claim, inSync }), call };
      }
      case 'grow':
        return { document: active && growInSync(document, { ...claim, joiner: HOSTS[otherHost(host)] }), call };
      case 'take':
        return decideTake(world, host, call, document, attempt, rules);
    }
  };
}

function decideTake(
  world: World,
  host: HostIndex,
  call: Call,
  document: RegisterDocument,
  attempt: number,
  rules: Rules,
): Decided {
  const decision = consider(world, host, document, rules);
  const { expected, epoch } = call;
  if (decision.kind !== 'take' || expected === undefined) return { document: undefined, call };
  const { inSync, lossy } = decision;
  const node = { host: HOSTS[host], incarnation: world.hosts[host].incarnation, lease: attempt };
  return {
    document: takeOver(document, { ...node, storageGroup: GROUP, expected, epoch, inSync, lossy }),
    call: drew(call, attempt),
  };
}

function drew(call: Call, number: number): Call {
  return { ...call, drawn: [...call.drawn, number] };
}

// ── calls end ──────────────────────────────────────────────────────────────────────────────────────────────────────

export function finishCall({ values, rules }: Pick<Machine, 'values' | 'rules'>) {
  return (world: World, host: HostIndex, outcome: Outcome): World => {
    const { call } = world.hosts[host];
    assert(call !== undefined, 'Only a call that was begun ends');
    const idle = withHost(world, host, { call: undefined, round: undefined });
    const document = 'value' in outcome ? values.document(outcome.value) : undefined;
    const told = document === undefined ? idle : reconcile(idle, host, document, isMembership(call));
    switch (call.kind) {
      case 'join':
        return document === undefined ? told : joined(told, host, document, call);
      case 'renew':
        return told;
      case 'settle':
        return outcome.kind === 'unchanged' ? settled(told, host, call.epoch, values.document(outcome.value)) : told;
      case 'take':
        return finishTake(told, host, call, outcome, document, rules);
      case 'shrink':
      case 'grow':
        return finishMembership(told, host, call, document, rules);
    }
  };
}

function isMembership(call: Call): boolean {
  return call.kind === 'shrink' || call.kind === 'grow';
}

/** What the register certainly holds, held against what runs here. */
function reconcile(world: World, host: HostIndex, document: RegisterDocument, isMembershipChange: boolean): World {
  const { seat } = world.hosts[host];
  if (seat.activeEpoch === 0) return world;
  const group = groupOf(document);
  if (group.active !== HOSTS[host] || group.epoch !== seat.activeEpoch) return stepDown(world, host);
  if (group.inSync.length === seat.activeInSync.length) return world;
  const noted = withHost(world, host, { seat: { ...seat, activeInSync: group.inSync } });
  return isMembershipChange ? noted : changeCommit(noted, host, (commit) => commit.inSyncRecorded(group.inSync));
}

function joined(world: World, host: HostIndex, document: RegisterDocument, call: Call): World {
  const incarnation = member(document.nodes, HOSTS[host])?.incarnation ?? 0;
  return call.drawn.includes(incarnation) ? withHost(world, host, { incarnation }) : world;
}

function settled(world: World, host: HostIndex, epoch: number, document: RegisterDocument): World {
  const { seat } = world.hosts[host];
  const known = withHost(world, host, { seat: { ...seat, unsettledEpoch: 0, settledEpoch: epoch } });
  return unfenceUnlessUsed(known, host, epoch, document);
}

function finishTake(
  world: World,
  host: HostIndex,
  { epoch, drawn }: Call,
  outcome: Outcome,
  document: RegisterDocument | undefined,
  rules: Rules,
): World {
  const { seat } = world.hosts[host];
  if (document === undefined) {
    const isSafe = !rules.unknownMayHappen || (outcome.kind !== 'unknown' && seat.unsettledEpoch === 0);
    if (isSafe) return unfence(world, host, epoch);
    return withHost(world, host, { seat: { ...seat, unsettledEpoch: epoch } });
  }
  const known = withHost(world, host, { seat: { ...seat, unsettledEpoch: 0 } });
  const group = groupOf(document);
  const isMine = group.active === HOSTS[host] && group.epoch === epoch;
  const isSent = drawn.includes(member(document.nodes, HOSTS[host])?.lease ?? -1);
  const isGranted = outcome.kind === 'changed' && isMine && isSent;
  const mayLead = epoch >= epochFloor(known.hosts[host].disk);
  if ((isGranted || !rules.checksOwner) && mayLead) {
    return activate(known, host, epoch, rules.checksOwner ? group.inSync : [HOSTS[host]]);
  }
  return unfenceUnlessUsed(known, host, epoch, document);
}

function finishMembership(
  world: World,
  host: HostIndex,
  call: Call,
  document: RegisterDocument | undefined,
  rules: Rules,
): World {
  const { active } = world.hosts[host];
  if (active === undefined || active.epoch !== call.epoch) return world;
  if (document === undefined && rules.unknownMayHappen) return world;
  const asked = call.kind === 'shrink' ? [HOSTS[host]] : HOSTS;
  const now = document !== undefined && isFulfilled(call, host, document) ? asked : active.inSync;
  return changeCommit(world, host, (commit) => commit.inSyncRecorded(now));
}

function isFulfilled(call: Call, host: HostIndex, document: RegisterDocument): boolean {
  const group = groupOf(document);
  if (group.active !== HOSTS[host] || group.epoch !== call.epoch) return false;
  return call.kind === 'shrink'
    ? group.inSync.every((member) => member === HOSTS[host])
    : group.inSync.includes(HOSTS[otherHost(host)]);
}

function unfence(world: World, host: HostIndex, epoch: number): World {
  const { disk } = world.hosts[host];
  return disk.epochPromised === epoch ? withHost(world, host, { disk: { ...disk, epochPromised: 0 } }) : world;
}

/** An epoch that somebody leads is no broken promise: the fence is right where it is. */
function unfenceUnlessUsed(world: World, host: HostIndex, epoch: number, document: RegisterDocument): World {
  return groupOf(document).epoch < epoch ? unfence(world, host, epoch) : world;
}

export function peekedDocument(values: ValueTree, value: string): RegisterDocument {
  return values.document(Number(value));
}
