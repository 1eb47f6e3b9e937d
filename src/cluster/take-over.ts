/**
 * Shall this host take a storage group over, now, and as what? The heart of C4 and C5; cases 2 to 11 of the protocol.
 *
 *   owner-restart  the register names this host, but nothing runs here under that epoch: the lock on the data folder
 *                  proves that the earlier process is gone. No lease to wait for; the in-sync set stays, because
 *                  its members still hold everything acknowledged
 *   in-sync        the owner's lease stood still for the grace (or it gave up): this copy has all that was answered
 *   dial           async: at most as many closed log files are missing as the administrators tolerate
 *   forced-after   async: nobody better came for as many hours as they allowed
 *
 * Everything else waits, with the reason in words. Several hosts that may: the later ones in the order of preference
 * hold back a little, so that they do not duel. Only a courtesy: the register's compare decides.
 */
import type { CopyView } from './copy-control.ts';
import { estimateLoss, isWithinDial, type LossEstimate } from './estimate-loss.ts';
import { copyUnfit, type MayNotMount, mountObstacle } from './mount.ts';
import {
  hasHeir,
  type LossyTakeOver,
  member,
  type RegisterDocument,
  type StorageGroupRecord,
  serverOf,
} from './register-document.ts';
import type { ClusterTiming } from './timing.ts';

export interface TakeOverFacts {
  readonly host: string;
  readonly storageGroup: string;
  readonly document: RegisterDocument;
  /** This host's copy; undefined when it has none running. */
  readonly view: CopyView | undefined;
  /** How long the owner's lease, or the lack of an owner, has been seen unchanged. */
  readonly stoodStillMs: number;
  /** For how long the register has named this host while nothing runs here. */
  readonly ownedIdleMs: number;
  /** It gave the group up a moment ago, for others to take. */
  readonly isAbstaining: boolean;
}

/** The epoch is drawn when it is taken. */
type Loss = Omit<LossyTakeOver, 'epoch'>;

export type TakeOverDecision =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'wait'; readonly reason: string }
  /** This host owns it, cannot lead, and another copy may: say so in the register. */
  | { readonly kind: 'give-up'; readonly reason: string }
  | {
      readonly kind: 'take';
      readonly how: 'owner-restart' | 'in-sync' | 'dial' | 'forced-after' | 'administrator';
      readonly inSync: readonly string[];
      readonly lossy: Loss | null;
    };

const HOUR_MS = 3_600_000;
/**
 * What a copy tells of itself may be this old when it is read here. After a move the hint is of this very moment, and a
 * log that looks too short for it is long enough as soon as the copy speaks again.
 */
const VIEW_AGE_MS = 500;

export function decideTakeOver(facts: TakeOverFacts, timing: ClusterTiming): TakeOverDecision {
  const group = member(facts.document.storageGroups, facts.storageGroup);
  if (group === undefined || !group.copies.includes(facts.host)) return { kind: 'nothing' };
  const server = serverOf(facts.document, facts.storageGroup)?.record;
  const obstacle = mountObstacle({ host: facts.host, group, server, view: facts.view });
  if (group.active === facts.host) return decideAsOwner(facts, group, obstacle, timing);
  if (!isFree(facts, group, timing)) return { kind: 'nothing' };
  if (obstacle !== undefined) return { kind: 'wait', reason: obstacle.reason };
  if (facts.isAbstaining)
    return { kind: 'wait', reason: 'it was given up here a moment ago, for another copy to lead' };
  if (group.inSync.includes(facts.host)) return take(facts, group, 'in-sync', null);
  if (group.mode !== 'async') {
    return { kind: 'wait', reason: `only ${group.inSync.join(', ')} holds everything that was promised` };
  }
  return decideWithLoss(facts, group);
}

/** An administrator's word, given twice: any loss is accepted and recorded. A living owner is not overruled. */
export function decideForced(facts: TakeOverFacts, timing: ClusterTiming): TakeOverDecision {
  const group = member(facts.document.storageGroups, facts.storageGroup);
  if (group === undefined || !group.copies.includes(facts.host)) {
    return { kind: 'wait', reason: `${facts.host} has no copy of it` };
  }
  const unfit = copyUnfit(facts.view);
  if (unfit !== undefined) return { kind: 'wait', reason: unfit.reason };
  if (group.active !== facts.host && !isFree(facts, group, timing)) {
    return { kind: 'wait', reason: `${group.active ?? 'another copy'} may still be active` };
  }
  const isWhole = facts.view?.restored !== true && !lossOf(facts, group).isLossy;
  const holdsAll = group.inSync.includes(facts.host) && isWhole;
  return take(facts, group, 'administrator', holdsAll ? null : lossRecord(facts, group, 'administrator'));
}

function decideAsOwner(
  facts: TakeOverFacts,
  group: StorageGroupRecord,
  obstacle: MayNotMount | undefined,
  timing: ClusterTiming,
): TakeOverDecision {
  if (obstacle === undefined) {
    // A move or a mode's change may have left the set as it was, with the owner in it; it stays (C5).
    return { kind: 'take', how: 'owner-restart', inSync: group.inSync, lossy: null };
  }
  const patienceMs = obstacle.obstacle === 'behind-hint' ? VIEW_AGE_MS : 0;
  const isHopeless =
    (obstacle.isLasting && facts.ownedIdleMs >= patienceMs) ||
    (isUnready(obstacle) && facts.ownedIdleMs >= timing.ownerPatienceMs);
  const mayInherit = hasHeir(group, facts.host) || (group.mode === 'async' && group.copies.length > 1);
  return isHopeless && mayInherit
    ? { kind: 'give-up', reason: obstacle.reason }
    : { kind: 'wait', reason: obstacle.reason };
}

function isUnready(obstacle: MayNotMount): boolean {
  return obstacle.obstacle === 'not-ready' || obstacle.obstacle === 'not-verified';
}

function isFree(facts: TakeOverFacts, group: StorageGroupRecord, timing: ClusterTiming): boolean {
  const graceMs = group.active === null ? 0 : timing.graceMs;
  return facts.stoodStillMs >= graceMs + rankOf(facts.host, group) * timing.watchMs;
}

/** How many others, better placed, could take it as well. */
function rankOf(host: string, group: StorageGroupRecord): number {
  const candidates = group.mode === 'async' ? group.copies : group.copies.filter((copy) => group.inSync.includes(copy));
  const others = candidates.filter((copy) => isElsewhere(copy, group) && !Object.hasOwn(group.suspended, copy));
  return Math.max(0, others.indexOf(host));
}

function isElsewhere(copy: string, group: StorageGroupRecord): boolean {
  return copy !== group.active && copy !== group.givenUpBy;
}

function decideWithLoss(facts: TakeOverFacts, group: StorageGroupRecord): TakeOverDecision {
  const server = serverOf(facts.document, facts.storageGroup)?.record;
  const dial = server?.autoDatabaseMountDial ?? 'Lossless';
  const loss = lossOf(facts, group);
  if (isWithinDial(loss, dial)) return take(facts, group, 'dial', lossRecord(facts, group, 'dial'));
  const forcedAfterHours = server?.forcedDatabaseMountAfterHours ?? null;
  if (forcedAfterHours !== null && facts.stoodStillMs >= forcedAfterHours * HOUR_MS) {
    return take(facts, group, 'forced-after', lossRecord(facts, group, 'forced-after'));
  }
  const waited = forcedAfterHours === null ? 'for Restore-StorageGroupCopy' : `for ${forcedAfterHours} h`;
  return {
    kind: 'wait',
    reason: `${loss.missingGenerations} log files are missing here, more than ${dial} tolerates; it waits ${waited}`,
  };
}

function lossOf(facts: TakeOverFacts, group: StorageGroupRecord): LossEstimate {
  return estimateLoss(group.hint, lastKept(facts));
}

/** Who was not in sync may have lost records even if it reached the hint: the old owner's last ones were published nowhere. */
function lossRecord(facts: TakeOverFacts, group: StorageGroupRecord, cause: Loss['cause']): Loss {
  return {
    from: group.active,
    to: facts.host,
    missingGenerations: lossOf(facts, group).missingGenerations,
    lastKept: lastKept(facts),
    hint: group.hint,
    cause,
  };
}

function lastKept(facts: TakeOverFacts): { lsn: number; generation: number } {
  return { lsn: facts.view?.durableLsn ?? 0, generation: facts.view?.generation ?? 0 };
}

function take(
  facts: TakeOverFacts,
  group: StorageGroupRecord,
  how: 'in-sync' | 'dial' | 'forced-after' | 'administrator',
  lossy: Loss | null,
): TakeOverDecision {
  return { kind: 'take', how, inSync: group.sharedStorage ? group.inSync : [facts.host], lossy };
}
