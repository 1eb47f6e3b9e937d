/**
 * What the cluster has decided: the one small document that all of it agrees on. It changes only by compare-and-set
 * (register.ts), by the functions of changes/, each of which raises `version` by one.
 *
 * `parseRegisterDocument` is the gateway: after it the invariants below hold and nobody checks them again. It keeps
 * fields that it does not know, so that an older host does not erase what a newer one wrote.
 *
 *   inSync has at least one member, all of them in copies
 *   active is in copies and in inSync
 *   in async nobody but one host is in inSync (unless the storage is shared): others may be close, but hold not everything
 *   every name is a possible key: none that every object already answers to ("__proto__", "constructor")
 */
import { Problem } from '../base/problem.ts';
import { checkDocument } from './check-document.ts';
import type { SoftwareFormats } from './format-level.ts';
import type { VoteSet } from './vote-set.ts';

export type ReplicationMode = 'sync' | 'sync-strict' | 'async';
export type AutoDatabaseMountDial = 'Lossless' | 'GoodAvailability' | 'BestAvailability';

/** A position in a storage group's log: the LSN and the generation of the log file that holds it. */
export interface LogPosition {
  readonly lsn: number;
  readonly generation: number;
}

export interface NodeRecord {
  /** Raised by every start of the host's cluster service; the lower one of two that run at once must stop. */
  readonly incarnation: number;
  /**
   * Sequence of renewals. The holder draws every number from its own counter and never twice within an incarnation,
   * so that a watcher which sees the same number twice has seen the same renewal twice.
   */
  readonly lease: number;
  /** What the software of its present run reads; absent: it is older than levels. */
  readonly formats?: SoftwareFormats;
}

/** A takeover that may have lost records, kept for the loss report until the next one. */
export interface LossyTakeOver {
  readonly epoch: number;
  readonly from: string | null;
  readonly to: string;
  /** Closed log files that the new active lacks. */
  readonly missingGenerations: number;
  readonly lastKept: LogPosition;
  readonly hint: LogPosition;
  readonly cause: 'dial' | 'forced-after' | 'administrator';
}

export interface StorageGroupRecord {
  readonly epoch: number;
  /** The host that owns it; null after it was given up, until somebody takes it. */
  readonly active: string | null;
  /** Copies that hold everything acknowledged. */
  readonly inSync: readonly string[];
  /** What administrators want (Mount-, Dismount-Database). Whether it serves now is in the copy's view. */
  readonly mounted: boolean;
  /** A committed position that the active published: whoever is in sync must reach it (case 10, C10). */
  readonly hint: LogPosition;
  readonly mode: ReplicationMode;
  /** Hosts with a copy, in the order of preference. */
  readonly copies: readonly string[];
  /** One set of files that all `copies` reach (SCC): whoever owns it has everything. */
  readonly sharedStorage: boolean;
  readonly circularLogging: boolean;
  /** Host to the administrator's comment. */
  readonly suspended: Readonly<Record<string, string>>;
  readonly lossy?: LossyTakeOver;
  /** Who gave it up, while `active` is null for that reason: others need not wait for that host. */
  readonly givenUpBy?: string;
}

export interface LastMove {
  readonly from: string | null;
  readonly to: string;
  readonly comment: string;
  /** Milliseconds since 1970, for people. */
  readonly atMs: number;
}

/** Hours of the day, UTC. */
export type FailbackPolicy =
  | { readonly policy: 'prevent' | 'immediate' }
  | { readonly policy: 'window'; readonly fromHour: number; readonly toHour: number };

export interface ClusteredMailboxServerRecord {
  readonly storageGroups: readonly string[];
  readonly redundantMachines: readonly string[];
  readonly autoDatabaseMountDial: AutoDatabaseMountDial;
  /** Hours; null = Unlimited = never. */
  readonly forcedDatabaseMountAfterHours: number | null;
  readonly lastMove?: LastMove;
  /** Absent = prevent. */
  readonly failback?: FailbackPolicy;
  /** Set by Stop-ClusteredMailboxServer; nothing of it is mounted until Start. */
  readonly stopped?: { readonly reason: string };
}

/** Where a host is, as its line in the others' list of hosts says. */
export interface HostPlace {
  readonly address: string;
  readonly clusterPort: number;
  readonly roles: readonly string[];
  /** By storage group. */
  readonly copyPorts: Readonly<Record<string, number>>;
  /** By network. */
  readonly addresses: Readonly<Record<string, string>>;
}

export interface RegisterDocument {
  readonly clusterId: string;
  readonly version: number;
  /** At which the cluster writes (format-level.ts); absent: the first one. */
  readonly formatLevel?: number;
  readonly nodes: Readonly<Record<string, NodeRecord>>;
  readonly storageGroups: Readonly<Record<string, StorageGroupRecord>>;
  readonly clusteredMailboxServers: Readonly<Record<string, ClusteredMailboxServerRecord>>;
  /** Nodes that an administrator has evicted and not added again; absent: none. Who comes back learns it here. */
  readonly evicted?: readonly string[];
  /** Nodes that were added since the cluster was formed: who missed the order learns here where they are. Absent: none. */
  readonly places?: Readonly<Record<string, HostPlace>>;
  /** Once it was changed: the set of votes that was decided last. Absent while it is as the cluster was formed. */
  readonly votes?: VoteSet;
}

/** Throws Problem('RegisterDocumentInvalid'), which names the field. */
export function parseRegisterDocument(value: unknown): RegisterDocument {
  const fault = checkDocument(value);
  if (fault !== undefined) {
    throw new Problem('RegisterDocumentInvalid', `Cannot use the cluster register: ${fault}. Restore an acceptor.`);
  }
  return value as RegisterDocument;
}

/** The member called `key`, and never something that every object inherits. */
export function member<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/** Whether `host` was evicted. One that still has a part in anything was not, whatever is noted. */
export function isEvicted(document: RegisterDocument, host: string): boolean {
  if (!(document.evicted ?? []).includes(host)) return false;
  const servers = Object.values(document.clusteredMailboxServers);
  const groups = Object.values(document.storageGroups);
  return (
    !servers.some((server) => server.redundantMachines.includes(host)) &&
    !groups.some((group) => group.copies.includes(host))
  );
}

/** Whether a copy other than the one on `host` holds everything acknowledged, and may be used. */
export function hasHeir(group: StorageGroupRecord, host: string): boolean {
  return group.inSync.some((other) => other !== host && !Object.hasOwn(group.suspended, other));
}

/** The clustered mailbox server that serves `storageGroup`, with its name. */
export function serverOf(
  document: RegisterDocument,
  storageGroup: string,
): { name: string; record: ClusteredMailboxServerRecord } | undefined {
  for (const [name, record] of Object.entries(document.clusteredMailboxServers)) {
    if (record.storageGroups.includes(storageGroup)) return { name, record };
  }
  return undefined;
}
