/**
 * May a clustered mailbox server be moved to another machine, and what has to move? The rules of
 * Move-ClusteredMailboxServer: the target is one of its redundant machines, and every copy there is Healthy, so that the
 * move loses nothing and is over at once. All objections are returned, not just the first: an administrator who has
 * to mend three things wants to know of three.
 */
import type { SummaryCopyStatus } from './copy-status.ts';
import { member, type RegisterDocument } from './register-document.ts';

export interface HandOffFacts {
  readonly document: RegisterDocument;
  readonly server: string;
  readonly target: string;
  /** Status of the target's copy of each storage group. */
  readonly statusAtTarget: ReadonlyMap<string, SummaryCopyStatus>;
  /** Leave groups that are dismounted out of the health checks. */
  readonly ignoreDismounted: boolean;
}

export interface PlannedMove {
  readonly storageGroup: string;
  readonly from: string | null;
  readonly to: string;
}

export type HandOffDecision =
  | { readonly kind: 'move'; readonly moves: readonly PlannedMove[] }
  | { readonly kind: 'refused'; readonly objections: readonly string[] };

export function decideHandOff(facts: HandOffFacts): HandOffDecision {
  const server = member(facts.document.clusteredMailboxServers, facts.server);
  if (server === undefined) return { kind: 'refused', objections: [`there is no server ${facts.server}`] };
  if (!server.redundantMachines.includes(facts.target)) {
    return { kind: 'refused', objections: [`${facts.target} is not one of its redundant machines`] };
  }
  const moves: PlannedMove[] = [];
  const objections: string[] = [];
  for (const storageGroup of server.storageGroups) {
    const group = member(facts.document.storageGroups, storageGroup);
    if (group === undefined || group.active === facts.target) continue;
    const objection = objectionTo(facts, storageGroup);
    if (objection === undefined) moves.push({ storageGroup, from: group.active, to: facts.target });
    else objections.push(`${storageGroup}: ${objection}`);
  }
  return objections.length > 0 ? { kind: 'refused', objections } : { kind: 'move', moves };
}

function objectionTo(facts: HandOffFacts, storageGroup: string): string | undefined {
  const group = member(facts.document.storageGroups, storageGroup);
  if (group === undefined || (facts.ignoreDismounted && !group.mounted)) return undefined;
  if (!group.copies.includes(facts.target)) return `${facts.target} has no copy of it`;
  if (group.sharedStorage) return undefined;
  const status = facts.statusAtTarget.get(storageGroup) ?? 'ServiceDown';
  return status === 'Healthy' ? undefined : `its copy on ${facts.target} is ${status}`;
}
