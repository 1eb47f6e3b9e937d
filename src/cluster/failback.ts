/**
 * Shall a storage group move back to the node that is preferred, after a failover took it away from there? Never, unless
 * an administrator said so: a move is a pause for clients, and the node that failed once is the likelier one to fail again.
 *
 *   prevent     the default: it stays where it is
 *   immediate   as soon as the preferred copy has been in sync for a while without a break
 *   window      the same, within certain hours of the day (UTC)
 *
 * Preferred is who stands first among `copies`. What an administrator moved stays where it was moved to. It is always a
 * move that loses nothing: only a copy in sync is a target, so in async nothing moves back by itself.
 */
import {
  type FailbackPolicy,
  member,
  type RegisterDocument,
  type StorageGroupRecord,
  serverOf,
} from './register-document.ts';

export interface FailbackFacts {
  readonly document: RegisterDocument;
  readonly storageGroup: string;
  /** Where it is active. */
  readonly host: string;
  /** For how long a copy has been in sync without a break; 0 for one that is not. */
  readonly inSyncForMs: (host: string) => number;
  /** Milliseconds since 1970. */
  readonly wallMs: number;
}

export type FailbackDecision =
  | { readonly kind: 'stay'; readonly reason: string }
  | { readonly kind: 'move'; readonly target: string };

const HOUR_MS = 3_600_000;

export function decideFailback(facts: FailbackFacts, policy: { readonly failbackAfterMs: number }): FailbackDecision {
  const group = member(facts.document.storageGroups, facts.storageGroup);
  if (group === undefined || group.active !== facts.host) return stay('it is not active here');
  const server = serverOf(facts.document, facts.storageGroup)?.record;
  const failback = server?.failback ?? { policy: 'prevent' };
  if (server === undefined || failback.policy === 'prevent') return stay('failback is prevented');
  if (!group.mounted || server.stopped !== undefined) return stay('it is not meant to be served');
  if (server.lastMove?.to === facts.host) return stay('an administrator moved it here');
  if (!isWithin(failback, facts.wallMs)) return stay('it is not the time of the day for it');
  const target = preferredInSync(group, facts.host);
  if (target === undefined) return stay('no copy that is preferred is in sync');
  const waitedMs = facts.inSyncForMs(target);
  return waitedMs < policy.failbackAfterMs
    ? stay(`${target} has been in sync for ${Math.floor(waitedMs / 1_000)} s only`)
    : { kind: 'move', target };
}

function stay(reason: string): FailbackDecision {
  return { kind: 'stay', reason };
}

function preferredInSync(group: StorageGroupRecord, host: string): string | undefined {
  return group.copies
    .slice(0, Math.max(0, group.copies.indexOf(host)))
    .find((copy) => group.inSync.includes(copy) && !Object.hasOwn(group.suspended, copy));
}

/** From one hour up to, and without, the other; over midnight when the first is the later one. */
function isWithin(failback: FailbackPolicy, wallMs: number): boolean {
  if (failback.policy !== 'window') return true;
  const hour = Math.floor(wallMs / HOUR_MS) % 24;
  const { fromHour, toHour } = failback;
  return fromHour <= toHour ? hour >= fromHour && hour < toHour : hour >= fromHour || hour < toHour;
}

/** Since when each copy has been in sync, as one host has seen it. */
export class InSyncWatch {
  readonly #sinceMs = new Map<string, number>();

  observe(inSync: readonly string[], nowMs: number): void {
    for (const host of this.#sinceMs.keys()) if (!inSync.includes(host)) this.#sinceMs.delete(host);
    for (const host of inSync) if (!this.#sinceMs.has(host)) this.#sinceMs.set(host, nowMs);
  }

  forMs(host: string, nowMs: number): number {
    return nowMs - (this.#sinceMs.get(host) ?? nowMs);
  }
}
