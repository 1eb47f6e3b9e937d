/** Changes of the register that administrators make. Same shape as changes.ts: undefined when the condition fails. */
import { next, withGroup } from './changes.ts';
import { MAX_NODES } from './limits.ts';
import {
  type ClusteredMailboxServerRecord,
  type FailbackPolicy,
  type HostPlace,
  type LastMove,
  member,
  type RegisterDocument,
  type ReplicationMode,
  type StorageGroupRecord,
} from './register-document.ts';

type Changed = RegisterDocument | undefined;

export interface NewStorageGroup {
  readonly name: string;
  /** In the order of preference; the first one owns it to begin with. */
  readonly copies: readonly string[];
  readonly mode: ReplicationMode;
  readonly sharedStorage: boolean;
  readonly circularLogging: boolean;
}

/** Born at epoch 0 with an empty log: its first owner raises the epoch before it writes, like every owner. */
export function addStorageGroup(document: RegisterDocument, group: NewStorageGroup): Changed {
  const first = group.copies[0];
  if (first === undefined || member(document.storageGroups, group.name) !== undefined) return undefined;
  return withGroup(document, group.name, {
    epoch: 0,
    active: first,
    inSync: group.sharedStorage ? group.copies : [first],
    mounted: true,
    hint: { lsn: 0, generation: 0 },
    mode: group.mode,
    copies: group.copies,
    sharedStorage: group.sharedStorage,
    circularLogging: group.circularLogging,
    suspended: {},
  });
}

/** Only what nobody owns or is wanted: dismount it first. */
export function removeStorageGroup(document: RegisterDocument, name: string): Changed {
  const group = member(document.storageGroups, name);
  if (group === undefined || group.mounted) return undefined;
  const { [name]: _removed, ...storageGroups } = document.storageGroups;
  const clusteredMailboxServers = Object.fromEntries(
    Object.entries(document.clusteredMailboxServers).map(([server, record]) => [
      server,
      { ...record, storageGroups: record.storageGroups.filter((other) => other !== name) },
    ]),
  );
  return { ...next(document), storageGroups, clusteredMailboxServers };
}

/** With `comment` it begins suspended: it has nothing yet, and is to be seeded first. */
export function addCopy(document: RegisterDocument, storageGroup: string, host: string, comment?: string): Changed {
  return changeGroup(document, storageGroup, (group) =>
    group.copies.includes(host)
      ? undefined
      : {
          ...group,
          copies: [...group.copies, host],
          inSync: group.sharedStorage ? [...group.inSync, host] : group.inSync,
          suspended: comment === undefined ? group.suspended : { ...group.suspended, [host]: comment },
        },
  );
}

/**
 * Not the owner's, and not the last one that holds everything acknowledged. Whoever makes the in-sync set smaller, the owner
 * goes on waiting for the copy until it has seen that (C3), and the copy itself may not take over from now on. That another one in
 * sync is really there the register cannot say: `servingEpoch` is the epoch under which somebody was seen to serve a moment ago.
 */
export function removeCopy(
  document: RegisterDocument,
  storageGroup: string,
  host: string,
  servingEpoch: number | undefined,
): Changed {
  return changeGroup(document, storageGroup, (group) => {
    if (group.inSync.includes(host) && group.epoch !== servingEpoch) return undefined;
    const without = (hosts: readonly string[]) => hosts.filter((other) => other !== host);
    const inSync = without(group.inSync);
    if (group.active === host || !group.copies.includes(host) || inSync.length === 0) return undefined;
    const { [host]: _comment, ...suspended } = group.suspended;
    return { ...group, copies: without(group.copies), inSync, suspended };
  });
}

/** Suspending twice is no error: the comment is replaced. */
export function suspendCopy(document: RegisterDocument, storageGroup: string, host: string, comment: string): Changed {
  return changeGroup(document, storageGroup, (group) =>
    group.copies.includes(host) && group.active !== host
      ? { ...group, suspended: { ...group.suspended, [host]: comment } }
      : undefined,
  );
}

export function resumeCopy(document: RegisterDocument, storageGroup: string, host: string): Changed {
  return changeGroup(document, storageGroup, (group) => {
    if (!Object.hasOwn(group.suspended, host)) return undefined;
    const { [host]: _comment, ...suspended } = group.suspended;
    return { ...group, suspended };
  });
}

export function setMounted(document: RegisterDocument, storageGroup: string, mounted: boolean): Changed {
  return changeGroup(document, storageGroup, (group) =>
    group.mounted === mounted ? undefined : { ...group, mounted },
  );
}

/**
 * The owner learns the mode with its next epoch, which it raises when it sees the difference. Until then it obeys the
 * old mode with the set recorded here, which is right both ways: on the way to async it goes on waiting for the others,
 * although nobody but itself may lead without a look at the dial any more.
 */
export function setMode(document: RegisterDocument, storageGroup: string, mode: ReplicationMode): Changed {
  return changeGroup(document, storageGroup, (group) => {
    if (group.mode === mode || (mode === 'async' && group.active === null)) return undefined;
    const isAlone = mode === 'async' && !group.sharedStorage && group.active !== null;
    return { ...group, mode, inSync: isAlone ? [group.active] : group.inSync };
  });
}

export function setCircularLogging(
  document: RegisterDocument,
  storageGroup: string,
  circularLogging: boolean,
): Changed {
  return changeGroup(document, storageGroup, (group) =>
    group.circularLogging === circularLogging ? undefined : { ...group, circularLogging },
  );
}

export interface NewServer {
  readonly name: string;
  readonly storageGroups: readonly string[];
  readonly redundantMachines: readonly string[];
}

/** Dial and forced mount start with the values of 2007: BestAvailability, Unlimited. */
export function addServer(document: RegisterDocument, server: NewServer): Changed {
  if (member(document.clusteredMailboxServers, server.name) !== undefined) return undefined;
  if (!server.storageGroups.every((group) => member(document.storageGroups, group) !== undefined)) return undefined;
  return withServer(document, server.name, {
    storageGroups: server.storageGroups,
    redundantMachines: server.redundantMachines,
    autoDatabaseMountDial: 'BestAvailability',
    forcedDatabaseMountAfterHours: null,
  });
}

export function assignStorageGroup(document: RegisterDocument, server: string, storageGroup: string): Changed {
  if (member(document.storageGroups, storageGroup) === undefined) return undefined;
  if (Object.values(document.clusteredMailboxServers).some((other) => other.storageGroups.includes(storageGroup))) {
    return undefined;
  }
  return changeServer(document, server, (record) => ({
    ...record,
    storageGroups: [...record.storageGroups, storageGroup],
  }));
}

export function setFailback(document: RegisterDocument, server: string, failback: FailbackPolicy): Changed {
  return changeServer(document, server, (record) => ({ ...record, failback }));
}

/** A machine that may serve it from now on. */
export function addMachine(document: RegisterDocument, server: string, host: string): Changed {
  return changeServer(document, server, (record) =>
    record.redundantMachines.includes(host)
      ? undefined
      : { ...record, redundantMachines: [...record.redundantMachines, host] },
  );
}

export function removeMachine(document: RegisterDocument, server: string, host: string): Changed {
  return changeServer(document, server, (record) =>
    record.redundantMachines.includes(host)
      ? { ...record, redundantMachines: record.redundantMachines.filter((other) => other !== host) }
      : undefined,
  );
}

/** Its copies and its vote are gone before. It learns it from here, should it come back, and so does who still lists it. */
export function evictNode(document: RegisterDocument, host: string): Changed {
  const { evicted = [], places = {}, ...others } = document;
  if (evicted.includes(host)) return undefined;
  const { [host]: _gone, ...left } = places;
  return {
    ...next(others),
    evicted: [...evicted, host].slice(-MAX_NODES),
    ...(Object.keys(left).length === 0 ? {} : { places: left }),
  };
}

/** Who did not hear of it learns it from here. */
export function placeNode(document: RegisterDocument, host: string, place: HostPlace): Changed {
  const before = member(document.places ?? {}, host);
  if (before !== undefined && JSON.stringify(before) === JSON.stringify(place)) return undefined;
  return { ...next(document), places: { ...document.places, [host]: place } };
}

/** It may join again, in a new folder. */
export function readmitNode(document: RegisterDocument, host: string): Changed {
  const { evicted = [], ...others } = document;
  const left = evicted.filter((name) => name !== host);
  if (left.length === evicted.length) return undefined;
  return { ...next(others), ...(left.length === 0 ? {} : { evicted: left }) };
}

export type MountPolicy = Pick<ClusteredMailboxServerRecord, 'autoDatabaseMountDial' | 'forcedDatabaseMountAfterHours'>;

/** What may be mounted although records may be missing; matters in async only. */
export function setMountPolicy(document: RegisterDocument, server: string, policy: Partial<MountPolicy>): Changed {
  return changeServer(document, server, (record) => {
    const changed = { ...record, ...policy };
    const isSame =
      changed.autoDatabaseMountDial === record.autoDatabaseMountDial &&
      changed.forcedDatabaseMountAfterHours === record.forcedDatabaseMountAfterHours;
    return isSame ? undefined : changed;
  });
}

export function stopServer(document: RegisterDocument, server: string, reason: string): Changed {
  return changeServer(document, server, (record) => ({ ...record, stopped: { reason } }));
}

export function startServer(document: RegisterDocument, server: string): Changed {
  return changeServer(document, server, ({ stopped, ...record }) => (stopped === undefined ? undefined : record));
}

export function recordMove(document: RegisterDocument, server: string, lastMove: LastMove): Changed {
  return changeServer(document, server, (record) => ({ ...record, lastMove }));
}

function changeGroup(
  document: RegisterDocument,
  name: string,
  change: (group: StorageGroupRecord) => StorageGroupRecord | undefined,
): Changed {
  const group = member(document.storageGroups, name);
  const changed = group && change(group);
  return changed && withGroup(document, name, changed);
}

function changeServer(
  document: RegisterDocument,
  name: string,
  change: (server: ClusteredMailboxServerRecord) => ClusteredMailboxServerRecord | undefined,
): Changed {
  const server = member(document.clusteredMailboxServers, name);
  const changed = server && change(server);
  return changed && withServer(document, name, changed);
}

function withServer(document: RegisterDocument, name: string, server: ClusteredMailboxServerRecord): RegisterDocument {
  return { ...next(document), clusteredMailboxServers: { ...document.clusteredMailboxServers, [name]: server } };
}
