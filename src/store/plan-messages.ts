/**
 * Decides what a change of messages means, from the database's present state, and says it as facts. Runs on the active
 * copy only, synchronously with applying.
 *
 * UIDs come from the client as a set; what is there of it is found by walking its intervals. A run in a fact may jump
 * over UIDs that do not exist, because here it is known that nothing lies between.
 */
import { encodeStructure } from '../mail/structure-codec.ts';
import { Problem } from '../base/problem.ts';
import { SYSTEM_FLAGS } from '../mail/flags.ts';
import type { Tally } from './database.ts';
import type {
  AppendedMessage,
  FlagsChanged,
  MessagesAppended,
  MessagesCopied,
  MessagesExpunged,
  MessagesMoved,
  UidPairs,
} from './facts.ts';
import { MAX_APPEND_BYTES, MAX_MESSAGE_BYTES, MAX_UID } from './limits.ts';
import type { FlagChange, Folder, MessageRow, NewMessage } from './mail-store.ts';
import { keywordColumn, type Queries } from './queries.ts';
import type { UidRange } from './uid-ranges.ts';

export function planAppend(tally: Readonly<Tally>, folder: Folder, messages: readonly NewMessage[]): MessagesAppended {
  checkSizes(messages.map(({ bytes }) => bytes.length));
  checkUidsLeft(folder, messages.length);
  const planned = messages.map(
    (message, index): AppendedMessage => ({
      uid: folder.uidNext + index,
      bodyId: tally.nextBodyId + index,
      flags: message.flags,
      keywords: sortedKeywords(message.keywords),
      internalDateMs: message.internalDateMs,
      structure: encodeStructure(message.structure),
      bytes: message.bytes,
    }),
  );
  return { type: 'MessagesAppended', folderId: folder.id, messages: planned };
}

/**
 * At most `limit` messages of `within` are looked at; `next` is the first UID that was not. `fact` is undefined when
 * nothing differs.
 */
export function planFlags(
  queries: Queries,
  folderId: number,
  within: UidRange,
  change: FlagChange,
  limit: number,
): { fact: FlagsChanged | undefined; next: number } {
  const rows = queries.messages(folderId, within.first, within.last, limit);
  const groups = new Map<string, { ranges: UidRange[]; flags: number; keywords: readonly string[] }>();
  let before: object | undefined;
  for (const row of rows) {
    const { flags, keywords } = changed(row, change);
    const column = keywordColumn(keywords);
    if (flags === row.flags && column === keywordColumn(row.keywords)) {
      before = undefined;
      continue;
    }
    const key = `${flags} ${column}`;
    const group = groups.get(key) ?? { ranges: [], flags, keywords };
    groups.set(key, group);
    extend(group.ranges, row.uid, before === group);
    before = group;
  }
  const fact: FlagsChanged = { type: 'FlagsChanged', folderId, groups: [...groups.values()] };
  const last = rows.at(-1);
  const next = rows.length < limit || last === undefined ? within.last + 1 : last.uid + 1;
  return { fact: groups.size === 0 ? undefined : fact, next };
}

/** As planFlags, for the removal of messages with \Deleted. */
export function planExpunge(
  queries: Queries,
  folderId: number,
  within: UidRange,
  limit: number,
): { fact: MessagesExpunged | undefined; next: number } {
  const rows = queries.messages(folderId, within.first, within.last, limit);
  const ranges: UidRange[] = [];
  let follows = false;
  for (const row of rows) {
    const isDeleted = (row.flags & SYSTEM_FLAGS.deleted) !== 0;
    if (isDeleted) extend(ranges, row.uid, follows);
    follows = isDeleted;
  }
  const last = rows.at(-1);
  const next = rows.length < limit || last === undefined ? within.last + 1 : last.uid + 1;
  return { fact: ranges.length === 0 ? undefined : { type: 'MessagesExpunged', folderId, ranges }, next };
}

/** Undefined when none of the messages exists. */
export function planCopy(
  type: 'MessagesCopied' | 'MessagesMoved',
  source: Folder,
  target: Folder,
  uids: readonly number[],
  runs: readonly UidRange[],
): MessagesCopied | MessagesMoved | undefined {
  if (uids.length === 0) return undefined;
  checkUidsLeft(target, uids.length);
  return { type, sourceFolderId: source.id, targetFolderId: target.id, pairs: movePairs(runs, target.uidNext) };
}

/** Runs without gaps get UIDs one behind the other. */
export function movePairs(runs: readonly UidRange[], firstTarget: number): UidPairs[] {
  let target = firstTarget;
  return runs.map(({ first, last }) => {
    const pair = { source: first, target, count: last - first + 1 };
    target += pair.count;
    return pair;
  });
}

export function checkUidsLeft(folder: Folder, count: number): void {
  if (folder.uidNext + count <= MAX_UID) return;
  throw new Problem('FolderFull', `Cannot add to ${folder.name}: its UIDs are used up. Move its messages to a new folder.`);
}

export function messageTooLarge(sizeBytes: number): Problem {
  return new Problem(
    'MessageTooLarge',
    `Cannot store ${sizeBytes} bytes: one message may have ${MAX_MESSAGE_BYTES}, one change ${MAX_APPEND_BYTES}.`,
  );
}

function checkSizes(sizesBytes: readonly number[]): void {
  let total = 0;
  for (const size of sizesBytes) {
    if (size > MAX_MESSAGE_BYTES) throw messageTooLarge(size);
    total += size;
  }
  if (total > MAX_APPEND_BYTES) throw messageTooLarge(total);
}

/** `follows`: the message before this one in the folder is the end of the last run. */
function extend(ranges: UidRange[], uid: number, follows: boolean): void {
  const last = ranges.at(-1);
  if (follows && last !== undefined) ranges[ranges.length - 1] = { first: last.first, last: uid };
  else ranges.push({ first: uid, last: uid });
}

function changed(row: MessageRow, change: FlagChange): { flags: number; keywords: readonly string[] } {
  if (change.operation === 'replace') return { flags: change.flags, keywords: sortedKeywords(change.keywords) };
  if (change.operation === 'add') {
    return { flags: row.flags | change.flags, keywords: sortedKeywords([...row.keywords, ...change.keywords]) };
  }
  const removed = new Set(change.keywords.map((keyword) => keyword.toLowerCase()));
  return {
    flags: row.flags & ~change.flags,
    keywords: row.keywords.filter((keyword) => !removed.has(keyword.toLowerCase())),
  };
}

/** Sorted, and each once: keywords differ by more than case (RFC 9051 section 2.3.2); the first spelling stays. */
function sortedKeywords(keywords: readonly string[]): readonly string[] {
  if (keywords.length < 2) return keywords;
  const byKey = new Map<string, string>();
  for (const keyword of keywords) {
    const key = keyword.toLowerCase();
    if (!byKey.has(key)) byKey.set(key, keyword);
  }
  return [...byKey.keys()].sort().map((key) => byKey.get(key) ?? key);
}
