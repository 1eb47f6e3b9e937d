/** From the names that administrators write to the objects of the register. Names are compared without their case. */
import { Problem } from '../base/problem.ts';
import {
  type ClusteredMailboxServerRecord,
  type RegisterDocument,
  type StorageGroupRecord,
  serverOf,
} from '../cluster/register-document.ts';
import { nearestNames } from './nearest-names.ts';

export interface StorageGroup {
  /** As the register knows it. */
  readonly name: string;
  /** The clustered mailbox server that serves it. */
  readonly server: string;
  /** `mbx01\First Storage Group` */
  readonly identity: string;
  readonly record: StorageGroupRecord;
}

export interface ClusteredMailboxServer {
  readonly name: string;
  readonly record: ClusteredMailboxServerRecord;
}

export function storageGroupsOf(document: RegisterDocument): readonly StorageGroup[] {
  return Object.entries(document.storageGroups).map(([name, record]) => {
    const server = serverOf(document, name)?.name ?? '';
    return { name, server, identity: `${server}\\${name}`, record };
  });
}

/** By its name or by `server\name`. Problem('StorageGroupNotFound' | 'NameAmbiguous') */
export function findStorageGroup(document: RegisterDocument, identity: string): StorageGroup {
  const groups = storageGroupsOf(document);
  const wanted = identity.toLowerCase();
  const found = groups.filter((group) => [group.name, group.identity].some((name) => name.toLowerCase() === wanted));
  const [first, second] = found;
  if (first === undefined) {
    throw notFound(
      'StorageGroupNotFound',
      'storage group',
      identity,
      groups.map((group) => group.identity),
    );
  }
  if (second === undefined) return first;
  throw new Problem(
    'NameAmbiguous',
    `Cannot tell which storage group ${quoted(identity)} is: ${first.identity} or ${second.identity}. Write server\\name.`,
  );
}

/** All of them, or the one that `identity` names, or those of `server`. */
export function selectStorageGroups(
  document: RegisterDocument,
  filter: { identity: string | undefined; server: string | undefined },
): readonly StorageGroup[] {
  const server = filter.server === undefined ? undefined : findServer(document, filter.server).name;
  const groups =
    filter.identity === undefined ? storageGroupsOf(document) : [findStorageGroup(document, filter.identity)];
  return server === undefined ? groups : groups.filter((group) => group.server === server);
}

/** Problem('ClusteredMailboxServerNotFound') */
export function findServer(document: RegisterDocument, identity: string): ClusteredMailboxServer {
  const wanted = identity.toLowerCase();
  for (const [name, record] of Object.entries(document.clusteredMailboxServers)) {
    if (name.toLowerCase() === wanted) return { name, record };
  }
  const names = Object.keys(document.clusteredMailboxServers);
  throw notFound('ClusteredMailboxServerNotFound', 'clustered mailbox server', identity, names);
}

/** `name` as `names` spells it. */
export function sameName(names: readonly string[], name: string): string | undefined {
  return names.find((each) => each.toLowerCase() === name.toLowerCase());
}

export function hostNotFound(identity: string, names: readonly string[]): Problem {
  return new Problem('HostNotFound', `Cannot find host ${quoted(identity)}: it is none of ${names.join(', ')}.`);
}

/** The host whose copy is meant: the active one unless `server` is given. Problem('CopyNotFound'); `action`: for it. */
export function copyHost({ identity, record }: StorageGroup, server: string | undefined, action: string): string {
  const host = server === undefined ? record.active : sameName(record.copies, server);
  if (host !== null && host !== undefined) return host;
  const next =
    server === undefined ? 'Say which copy with -Server.' : `Hosts with a copy: ${record.copies.join(', ')}.`;
  throw new Problem('CopyNotFound', `Cannot ${action} ${identity}: no such copy. ${next}`);
}

function notFound(code: string, kind: string, identity: string, names: readonly string[]): Problem {
  const near = nearestNames(identity, names, 1)[0] ?? (names.length === 1 ? names[0] : undefined);
  const next = near === undefined ? '' : ` Did you mean ${quoted(near)}?`;
  return new Problem(code, `Cannot find ${kind} ${quoted(identity)}: there is none of this name.${next}`);
}

/** For messages that a person reads; a backslash stays single. */
export function quoted(text: string): string {
  return `"${text.slice(0, 200).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')}"`;
}

/** A record's place in the log as people read it: epoch:number (log/lsn.ts). */
export function formatPosition(lsn: number): string {
  return `${Math.floor(lsn / 2 ** 32)}:${lsn % 2 ** 32}`;
}

/** ISO 8601, or null. */
export function isoTime(timeMs: number | null): string | null {
  return timeMs === null ? null : new Date(timeMs).toISOString();
}
