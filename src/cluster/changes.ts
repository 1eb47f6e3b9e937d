/**
 * Every change of the register that ownership depends on, as a function of the document: it checks its condition (the
 * compare of the compare-and-set) and returns the next document, or undefined when the condition does not hold. What
 * administrators configure is in configuration-changes.ts.
 */
import { formatLevelOf, formatRange, reads, type SoftwareFormats } from './format-level.ts';
import { isSameMark, type LeaseMark, leaseMarkOf } from './lease.ts';
import {
  isEvicted,
  type LogPosition,
  type LossyTakeOver,
  member,
  type RegisterDocument,
  type StorageGroupRecord,
} from './register-document.ts';

/** An owner speaks for one group under one epoch; under any other it has no say. */
export interface OwnerClaim {
  readonly storageGroup: string;
  readonly host: string;
  readonly epoch: number;
}

/** A host under the incarnation of its present run, with a lease number that it has never used before. */
export interface NodeClaim {
  readonly host: string;
  readonly incarnation: number;
  readonly lease: number;
}

export interface TakeOverClaim extends NodeClaim {
  readonly storageGroup: string;
  /** What the taker has watched standing still. Any other mark means that somebody else moved in between. */
  readonly expected: LeaseMark;
  /** Above the group's. Not always by one: a copy may have promised more in an attempt that came to nothing. */
  readonly epoch: number;
  readonly inSync: readonly string[];
  readonly lossy: Omit<LossyTakeOver, 'epoch'> | null;
}

export function formCluster(
  clusterId: string,
  formatLevel: number = formatRange.highest,
): (document: RegisterDocument | undefined) => RegisterDocument | undefined {
  return (document) =>
    document === undefined
      ? { clusterId, version: 1, formatLevel, nodes: {}, storageGroups: {}, clusteredMailboxServers: {} }
      : undefined;
}

/**
 * A start of a host's cluster service: the run before it, if it still lives, is superseded. undefined when its software
 * does not read what the cluster writes (C11), and for a host that was evicted.
 */
export function startNode(
  document: RegisterDocument,
  host: string,
  formats: SoftwareFormats,
): RegisterDocument | undefined {
  if (!reads(formats, formatLevelOf(document)) || isEvicted(document, host)) return undefined;
  const incarnation = (member(document.nodes, host)?.incarnation ?? 0) + 1;
  return { ...next(document), nodes: { ...document.nodes, [host]: { incarnation, lease: 0, formats } } };
}

export function renewLease(document: RegisterDocument, claim: NodeClaim): RegisterDocument | undefined {
  return isCurrentRun(document, claim) ? { ...next(document), nodes: withLease(document, claim) } : undefined;
}

/** C4, and C5 when `expected.active` is the host itself. Counts as a renewal of the taker's lease. */
export function takeOver(document: RegisterDocument, claim: TakeOverClaim): RegisterDocument | undefined {
  const group = member(document.storageGroups, claim.storageGroup);
  if (group === undefined || !group.copies.includes(claim.host) || !isCurrentRun(document, claim)) return undefined;
  if (!isAsExpected(leaseMarkOf(document, claim.storageGroup), claim) || claim.epoch <= group.epoch) return undefined;
  const { lossy: _before, givenUpBy: _nobody, ...kept } = group;
  const taken: StorageGroupRecord = {
    ...kept,
    epoch: claim.epoch,
    active: claim.host,
    inSync: claim.inSync,
    ...(claim.lossy === null
      ? keptLoss(group)
      : { lossy: { ...claim.lossy, epoch: claim.epoch }, hint: claim.lossy.lastKept }),
  };
  return { ...withGroup(document, claim.storageGroup, taken), nodes: withLease(document, claim) };
}

/** An owner that takes its own group again does not compete with its own renewals for other groups. */
function isAsExpected(mark: LeaseMark | undefined, { expected, host }: TakeOverClaim): boolean {
  if (expected.active !== host) return isSameMark(mark, expected);
  return mark?.active === host && mark.epoch === expected.epoch;
}

/** A loss stays on record until the next one: an owner that restarts right after it must still report it. */
function keptLoss(group: StorageGroupRecord): { lossy?: LossyTakeOver } {
  return group.lossy === undefined ? {} : { lossy: group.lossy };
}

/** C3. sync-strict never goes on with one copy. */
export function shrinkInSync(
  document: RegisterDocument,
  claim: OwnerClaim & { readonly inSync: readonly string[] },
): RegisterDocument | undefined {
  const group = ownedGroup(document, claim);
  if (group === undefined || !claim.inSync.includes(claim.host)) return undefined;
  const isSmaller =
    claim.inSync.length < group.inSync.length && claim.inSync.every((host) => group.inSync.includes(host));
  if (!isSmaller || (group.mode === 'sync-strict' && claim.inSync.length < 2)) return undefined;
  return withGroup(document, claim.storageGroup, { ...group, inSync: claim.inSync });
}

/** C3. In async nobody but the active holds everything acknowledged, however small the distance. */
export function growInSync(
  document: RegisterDocument,
  claim: OwnerClaim & { readonly joiner: string },
): RegisterDocument | undefined {
  const group = ownedGroup(document, claim);
  if (group === undefined || group.mode === 'async' || group.inSync.includes(claim.joiner)) return undefined;
  if (!group.copies.includes(claim.joiner) || Object.hasOwn(group.suspended, claim.joiner)) return undefined;
  return withGroup(document, claim.storageGroup, { ...group, inSync: [...group.inSync, claim.joiner] });
}

export function publishHint(
  document: RegisterDocument,
  claim: OwnerClaim & { readonly hint: LogPosition },
): RegisterDocument | undefined {
  const group = ownedGroup(document, claim);
  if (group === undefined || claim.hint.lsn <= group.hint.lsn) return undefined;
  return withGroup(document, claim.storageGroup, { ...group, hint: claim.hint });
}

/** Nobody owns it; whoever may take it over need not wait for the grace. The owner must have stopped before. */
export function giveUp(document: RegisterDocument, claim: OwnerClaim): RegisterDocument | undefined {
  const group = ownedGroup(document, claim);
  return group && withGroup(document, claim.storageGroup, { ...group, active: null, givenUpBy: claim.host });
}

/**
 * Case 16: the owner, drained, hands over. The in-sync set stays: the old owner holds everything up to this point, and
 * every later commit needs it until the new owner shrinks the set, so the move exposes nothing. In async the target is
 * the new and only holder.
 */
export function moveTo(
  document: RegisterDocument,
  claim: OwnerClaim & { readonly target: string; readonly hint: LogPosition },
): RegisterDocument | undefined {
  const group = ownedGroup(document, claim);
  if (group === undefined || claim.target === claim.host || !group.copies.includes(claim.target)) return undefined;
  if (group.mode !== 'async' && !group.inSync.includes(claim.target)) return undefined;
  return withGroup(document, claim.storageGroup, {
    ...group,
    epoch: group.epoch + 1,
    active: claim.target,
    inSync: group.mode === 'async' ? [claim.target] : group.inSync,
    hint: claim.hint.lsn > group.hint.lsn ? claim.hint : group.hint,
  });
}

export function isOwner(document: RegisterDocument, claim: OwnerClaim): boolean {
  return ownedGroup(document, claim) !== undefined;
}

function ownedGroup(document: RegisterDocument, claim: OwnerClaim): StorageGroupRecord | undefined {
  const group = member(document.storageGroups, claim.storageGroup);
  return group?.active === claim.host && group.epoch === claim.epoch ? group : undefined;
}

function isCurrentRun(document: RegisterDocument, claim: NodeClaim): boolean {
  const node = member(document.nodes, claim.host);
  return node?.incarnation === claim.incarnation && claim.lease > node.lease;
}

function withLease(document: RegisterDocument, claim: NodeClaim): RegisterDocument['nodes'] {
  const { incarnation, lease } = claim;
  return { ...document.nodes, [claim.host]: { ...document.nodes[claim.host], incarnation, lease } };
}

export function withGroup(document: RegisterDocument, name: string, group: StorageGroupRecord): RegisterDocument {
  return { ...next(document), storageGroups: { ...document.storageGroups, [name]: group } };
}

export function next(document: RegisterDocument): RegisterDocument {
  return { ...document, version: document.version + 1 };
}

/** Several changes as one: those whose condition fails are left out; undefined when all are. */
export function compose(
  document: RegisterDocument,
  changes: readonly ((document: RegisterDocument) => RegisterDocument | undefined)[],
): RegisterDocument | undefined {
  let result = document;
  for (const change of changes) result = change(result) ?? result;
  return result === document ? undefined : { ...result, version: document.version + 1 };
}
