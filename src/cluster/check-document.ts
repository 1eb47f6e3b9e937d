/**
 * Whether a parsed JSON value is a register document. By hand rather than by a schema library: the cluster's part stays
 * free of dependencies, and the relations between fields matter more than their shapes. Returns the first fault found,
 * in words, or undefined. Linear, and bounded before it looks into anything.
 */
import {
  MAX_CLUSTERED_MAILBOX_SERVERS,
  MAX_COMMENT_LENGTH,
  MAX_EPOCH,
  MAX_NODES,
  MAX_STORAGE_GROUPS,
} from './limits.ts';
import { isPossibleName } from './possible-name.ts';
import { isVoteSet } from './vote-set.ts';

type Fields = Record<string, unknown>;
type Check = (value: unknown, where: string) => string | undefined;

export function checkDocument(value: unknown): string | undefined {
  if (!isObject(value)) return 'it is not an object';
  return (
    firstFault([
      name(value['clusterId'], 'clusterId'),
      whole(value['version'], 'version'),
      value['formatLevel'] === undefined ? undefined : whole(value['formatLevel'], 'formatLevel'),
      namedRecords(value['nodes'], 'nodes', MAX_NODES, node),
      namedRecords(value['storageGroups'], 'storageGroups', MAX_STORAGE_GROUPS, storageGroup),
      namedRecords(
        value['clusteredMailboxServers'],
        'clusteredMailboxServers',
        MAX_CLUSTERED_MAILBOX_SERVERS,
        clusteredMailboxServer,
      ),
      value['evicted'] === undefined ? undefined : names(value['evicted'], 'evicted'),
      value['places'] === undefined ? undefined : namedRecords(value['places'], 'places', MAX_NODES, place),
      value['votes'] === undefined || isVoteSet(value['votes']) ? undefined : 'votes is not a set of votes',
    ]) ?? oneServerPerGroup(value)
  );
}

const place: Check = (value, where) => {
  if (!isObject(value)) return `${where} is not an object`;
  return firstFault([
    comment(value['address'], `${where}.address`),
    whole(value['clusterPort'], `${where}.clusterPort`),
    names(value['roles'], `${where}.roles`),
    namedRecords(value['copyPorts'], `${where}.copyPorts`, MAX_STORAGE_GROUPS, whole),
    namedRecords(value['addresses'], `${where}.addresses`, MAX_NODES, comment),
  ]);
};

const node: Check = (value, where) => {
  if (!isObject(value)) return `${where} is not an object`;
  return firstFault([
    whole(value['incarnation'], `${where}.incarnation`),
    whole(value['lease'], `${where}.lease`),
    value['formats'] === undefined ? undefined : formats(value['formats'], `${where}.formats`),
  ]);
};

const formats: Check = (value, where) => {
  if (!isObject(value)) return `${where} is not an object`;
  return firstFault([
    whole(value['lowest'], `${where}.lowest`),
    whole(value['highest'], `${where}.highest`),
    comment(value['software'], `${where}.software`),
  ]);
};

const storageGroup: Check = (value, where) => {
  if (!isObject(value)) return `${where} is not an object`;
  return (
    firstFault([
      epoch(value['epoch'], `${where}.epoch`),
      value['active'] === null ? undefined : name(value['active'], `${where}.active`),
      names(value['inSync'], `${where}.inSync`),
      names(value['copies'], `${where}.copies`),
      truth(value['mounted'], `${where}.mounted`),
      truth(value['circularLogging'], `${where}.circularLogging`),
      truth(value['sharedStorage'], `${where}.sharedStorage`),
      position(value['hint'], `${where}.hint`),
      oneOf(['sync', 'sync-strict', 'async'])(value['mode'], `${where}.mode`),
      namedRecords(value['suspended'], `${where}.suspended`, MAX_NODES, comment),
      value['givenUpBy'] === undefined ? undefined : name(value['givenUpBy'], `${where}.givenUpBy`),
      value['lossy'] === undefined ? undefined : lossy(value['lossy'], `${where}.lossy`),
    ]) ?? groupRelations(value, where)
  );
};

function groupRelations(group: Fields, where: string): string | undefined {
  const copies = group['copies'] as string[];
  const inSync = group['inSync'] as string[];
  const active = group['active'] as string | null;
  if (inSync.length === 0) return `${where}.inSync is empty`;
  const stranger = inSync.find((host) => !copies.includes(host));
  if (stranger !== undefined) return `${where}.inSync names ${stranger}, which has no copy`;
  if (group['mode'] === 'async' && group['sharedStorage'] === false && inSync.length > 1) {
    return `${where}.inSync names several hosts, but in async only one holds everything`;
  }
  if (active === null) return undefined;
  if (!copies.includes(active)) return `${where}.active names ${active}, which has no copy`;
  return inSync.includes(active) ? undefined : `${where}.active names ${active}, which is not in sync`;
}

const clusteredMailboxServer: Check = (value, where) => {
  if (!isObject(value)) return `${where} is not an object`;
  return firstFault([
    names(value['storageGroups'], `${where}.storageGroups`),
    names(value['redundantMachines'], `${where}.redundantMachines`),
    oneOf(['Lossless', 'GoodAvailability', 'BestAvailability'])(
      value['autoDatabaseMountDial'],
      `${where}.autoDatabaseMountDial`,
    ),
    value['forcedDatabaseMountAfterHours'] === null
      ? undefined
      : whole(value['forcedDatabaseMountAfterHours'], `${where}.forcedDatabaseMountAfterHours`),
    value['lastMove'] === undefined ? undefined : lastMove(value['lastMove'], `${where}.lastMove`),
    value['failback'] === undefined ? undefined : failback(value['failback'], `${where}.failback`),
    value['stopped'] === undefined ? undefined : stopped(value['stopped'], `${where}.stopped`),
  ]);
};

const lastMove: Check = (value, where) => {
  if (!isObject(value)) return `${where} is not an object`;
  return firstFault([
    value['from'] === null ? undefined : name(value['from'], `${where}.from`),
    name(value['to'], `${where}.to`),
    comment(value['comment'], `${where}.comment`),
    whole(value['atMs'], `${where}.atMs`),
  ]);
};

const failback: Check = (value, where) => {
  if (!isObject(value)) return `${where} is not an object`;
  if (value['policy'] !== 'window')
    return oneOf(['prevent', 'immediate', 'window'])(value['policy'], `${where}.policy`);
  return firstFault([hour(value['fromHour'], `${where}.fromHour`), hour(value['toHour'], `${where}.toHour`)]);
};

const hour: Check = (value, where) =>
  whole(value, where) ?? ((value as number) < 24 ? undefined : `${where} is not an hour of the day`);

const stopped: Check = (value, where) =>
  isObject(value) ? comment(value['reason'], `${where}.reason`) : `${where} is not an object`;

const lossy: Check = (value, where) => {
  if (!isObject(value)) return `${where} is not an object`;
  return firstFault([
    whole(value['epoch'], `${where}.epoch`),
    value['from'] === null ? undefined : name(value['from'], `${where}.from`),
    name(value['to'], `${where}.to`),
    whole(value['missingGenerations'], `${where}.missingGenerations`),
    position(value['lastKept'], `${where}.lastKept`),
    position(value['hint'], `${where}.hint`),
    oneOf(['dial', 'forced-after', 'administrator'])(value['cause'], `${where}.cause`),
  ]);
};

const position: Check = (value, where) => {
  if (!isObject(value)) return `${where} is not an object`;
  return firstFault([whole(value['lsn'], `${where}.lsn`), whole(value['generation'], `${where}.generation`)]);
};

/** A storage group that two servers claim would be stopped by the one and started by the other. */
function oneServerPerGroup(document: Fields): string | undefined {
  const claimed = new Set<string>();
  for (const server of Object.values(document['clusteredMailboxServers'] as Record<string, Fields>)) {
    for (const group of server['storageGroups'] as string[]) {
      if (claimed.has(group)) return `two clustered mailbox servers claim ${group}`;
      claimed.add(group);
    }
  }
  return undefined;
}

function namedRecords(value: unknown, where: string, maxCount: number, check: Check): string | undefined {
  if (!isObject(value)) return `${where} is not an object`;
  const entries = Object.entries(value);
  if (entries.length > maxCount) return `${where} has ${entries.length} members, more than ${maxCount}`;
  for (const [key, entry] of entries) {
    if (!isPossibleName(key)) return `${where} has a member with an impossible name`;
    const fault = check(entry, `${where}[${key}]`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

const names: Check = (value, where) => {
  if (!Array.isArray(value) || value.length > MAX_STORAGE_GROUPS) return `${where} is not a list of names`;
  if (!value.every(isPossibleName)) return `${where} is not a list of names`;
  return new Set(value).size === value.length ? undefined : `${where} names something twice`;
};

const name: Check = (value, where) => (isPossibleName(value) ? undefined : `${where} is not a name`);

const comment: Check = (value, where) =>
  typeof value === 'string' && value.length <= MAX_COMMENT_LENGTH ? undefined : `${where} is not a comment`;

const truth: Check = (value, where) => (typeof value === 'boolean' ? undefined : `${where} is not true or false`);

const epoch: Check = (value, where) =>
  whole(value, where) ?? ((value as number) <= MAX_EPOCH ? undefined : `${where} is used up`);

const whole: Check = (value, where) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : `${where} is not a whole number`;

function oneOf(words: readonly string[]): Check {
  return (value, where) =>
    typeof value === 'string' && words.includes(value) ? undefined : `${where} is none of ${words.join(', ')}`;
}

function firstFault(faults: readonly (string | undefined)[]): string | undefined {
  return faults.find((fault) => fault !== undefined);
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
