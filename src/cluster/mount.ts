/**
 * May this host's copy lead its storage group, as far as the copy itself and the administrators' wishes go? Who owns it
 * is another question (take-over.ts).
 *
 * A copy in sync must reach the hint (C10, case 10): if its log ends earlier, the disk forgot what was promised on it,
 * and to lead with it would turn a local loss into everybody's.
 */
import type { CopyView } from './copy-control.ts';
import type { ClusteredMailboxServerRecord, StorageGroupRecord } from './register-document.ts';

export interface MountFacts {
  readonly host: string;
  readonly group: StorageGroupRecord;
  readonly server: ClusteredMailboxServerRecord | undefined;
  readonly view: CopyView | undefined;
}

export type MountObstacle =
  | 'stopped'
  | 'dismounted'
  | 'suspended'
  | 'not-ready'
  | 'failed'
  | 'seeding'
  | 'not-verified'
  | 'behind-hint'
  | 'restored';

export interface MayNotMount {
  readonly obstacle: MountObstacle;
  /** For the status, in words. */
  readonly reason: string;
  /** The copy will not get over it alone: another one should lead if it can. */
  readonly isLasting: boolean;
}

/** undefined: nothing stands in the way. */
export function mountObstacle(facts: MountFacts): MayNotMount | undefined {
  return wishAgainst(facts) ?? copyUnfit(facts.view) ?? behindHint(facts);
}

function wishAgainst({ host, group, server }: MountFacts): MayNotMount | undefined {
  if (server?.stopped !== undefined) return obstacle('stopped', `the server was stopped: ${server.stopped.reason}`);
  if (!group.mounted) return obstacle('dismounted', 'an administrator dismounted it');
  const comment = group.active === host ? undefined : group.suspended[host];
  return comment === undefined ? undefined : obstacle('suspended', `the copy on ${host} is suspended: ${comment}`);
}

/** What even an administrator's force does not override: there is nothing here that could serve. */
export function copyUnfit(view: CopyView | undefined): MayNotMount | undefined {
  if (view === undefined || view.state === 'starting' || view.state === 'stopped') {
    return obstacle('not-ready', 'the copy is starting');
  }
  if (view.state === 'failed')
    return lasting('failed', `the copy failed: ${view.failedMessage ?? 'no reason is known'}`);
  if (view.seeding) return lasting('seeding', 'the copy is being seeded');
  return view.mayTakeOver ? undefined : obstacle('not-verified', "the copy's log is not verified yet");
}

function behindHint({ host, group, view }: MountFacts): MayNotMount | undefined {
  if (view?.restored === true) {
    return lasting(
      'restored',
      'the copy comes from a backup and may lack what was acknowledged; bring back a copy that has it, or accept the loss with Restore-StorageGroupCopy',
    );
  }
  if (group.sharedStorage || view === undefined) return undefined;
  const isInSync = group.inSync.includes(host);
  // Whoever led wrote a record, and who joined the set held it: an empty log beside that is a new disk, not a small loss,
  // however few log files the dial tolerates.
  if (view.durableLsn === 0 && group.epoch > 0 && !(isInSync && group.inSync.length === 1)) {
    return lasting('behind-hint', 'the log here is empty, but records were promised; it is filled from another copy');
  }
  if (!isInSync) return undefined;
  if (view.durableLsn >= group.hint.lsn) return undefined;
  return lasting(
    'behind-hint',
    `the log here ends at ${view.durableLsn}, but ${group.hint.lsn} was promised; bring back a copy that has it, or accept the loss with Restore-StorageGroupCopy`,
  );
}

function obstacle(name: MountObstacle, reason: string): MayNotMount {
  return { obstacle: name, reason, isLasting: false };
}

function lasting(name: MountObstacle, reason: string): MayNotMount {
  return { obstacle: name, reason, isLasting: true };
}
