/**
 * Decides what a change of messages means, from the database's present state, and says it as facts. Runs on the active
 * copy only, synchronously with applying.
 */

import { Problem } from '../base/problem.ts';
import { ALL_FLAGS, addKeywords, removeKeywords } from '../mail/flags.ts';
import { encodeStructure } from '../mail/structure-codec.ts';
import type { UidRange } from '../mail/uid-set.ts';
import { type Neighbours, rowsOf } from './existing.ts';
import type {
  AppendedMessage,
  FlagsChanged,
  MessagesAppended,
  MessagesCopied,
  MessagesMerged,
  MessagesMoved,
  UidPairs,
} from './facts.ts';
import { MAX_APPEND_BYTES, MAX_MESSAGE_BYTES } from './limits.ts';
import type { FlagChange, FlagMask, Folder, MessageRow, NewMessage } from './mail-store.ts';
import { UNLIMITED } from './mailbox-keeping.ts';
import type { Present } from './plan-folders.ts';
import { keywordColumn, type Queries } from './queries.ts';
import { checkRoom, checkUidsLeft, quotaOf } from './room.ts';
import { runsOf } from './uid-ranges.ts';

interface Group {
  readonly ranges: { first: number; last: number }[];
  readonly flags: number;
  readonly keywords: readonly string[];
}

export function planAppend(
  present: Present,
  folder: Folder,
  messages: readonly NewMessage[],
): MessagesAppended | MessagesMerged {
  const { tally } = present;
  checkUidsLeft(folder, messages.length);
  const planned = messages.map(
    (message, index): AppendedMessage => ({
      uid: folder.uidNext + index,
      bodyId: tally.nextBodyId + index,
      flags: message.flags & ALL_FLAGS,
      keywords: sorted(addKeywords([], message.keywords)),
      internalDateMs: message.internalDateMs,
      structure: encodeStructure(message.structure),
      bytes: message.bytes,
    }),
  );
  checkSizes(planned);
  const sizeBytes = planned.reduce((sum, { bytes }) => sum + bytes.length, 0);
  checkRoom(present, folder.mailboxId, { sizeBytes, messages: planned.length });
  const wereDelivered = messages.some(({ source }) => (source?.sender ?? source?.trace ?? null) !== null);
  if (!wereDelivered) return { type: 'MessagesAppended', folderId: folder.id, messages: planned };
  const merged = planned.map((message, index) => {
    const { sender = null, trace = null } = messages[index]?.source ?? {};
    return { ...message, sender, trace };
  });
  return { type: 'MessagesMerged', folderId: folder.id, messages: merged };
}

/** What `change` means for the messages of `runs`; undefined when it changes nothing. */
export function planFlags(
  queries: Queries,
  folderId: number,
  runs: readonly Neighbours[],
  change: FlagChange,
): FlagsChanged | undefined {
  const groups = new Map<string, Group>();
  for (const run of runs) groupRun(groups, rowsOf(queries, folderId, run), change);
  return groups.size === 0 ? undefined : { type: 'FlagsChanged', folderId, groups: [...groups.values()] };
}

interface CopyPlan {
  readonly source: Folder;
  readonly target: Folder;
  /** All of them exist. */
  readonly uids: readonly number[];
}

/** Undefined when there are no messages. Problem('MailboxFull' | 'FolderFull') */
export function planCopy(
  present: Present,
  type: 'MessagesCopied' | 'MessagesMoved',
  plan: CopyPlan,
): MessagesCopied | MessagesMoved | undefined {
  const { source, target, uids } = plan;
  if (uids.length === 0) return undefined;
  checkCopy(present, type, plan);
  const pairs = movePairs(runsOf(uids), target.uidNext);
  return { type, sourceFolderId: source.id, targetFolderId: target.id, pairs };
}

/** What the copies must lose of their flags, by the UIDs that they will have; undefined when nothing. */
export function planCopiedFlags(
  queries: Queries,
  { source, target, uids }: CopyPlan,
  keeps: FlagMask | undefined,
): FlagsChanged | undefined {
  if (keeps === undefined || (keeps.flags === ALL_FLAGS && keeps.keywords)) return undefined;
  const rows = runsOf(uids).flatMap(({ first, last }) => queries.messages(source.id, first, last, uids.length));
  const copies = rows.map((row, index) => ({ ...row, uid: target.uidNext + index }));
  const only = { flags: ALL_FLAGS & ~keeps.flags, keywords: !keeps.keywords };
  const groups = new Map<string, Group>();
  groupRun(groups, copies, { operation: 'replace', flags: 0, keywords: [], only });
  return groups.size === 0 ? undefined : { type: 'FlagsChanged', folderId: target.id, groups: [...groups.values()] };
}

/** Problem('MailboxFull' | 'FolderFull'). A move within a mailbox makes it no bigger. */
export function checkCopy(
  present: Present,
  type: 'MessagesCopied' | 'MessagesMoved',
  { source, target, uids }: CopyPlan,
): void {
  checkUidsLeft(target, uids.length);
  if (type === 'MessagesMoved' && source.mailboxId === target.mailboxId) return;
  const quota = quotaOf(present, target.mailboxId);
  if (quota.storageBytes === UNLIMITED && quota.messages === UNLIMITED) return;
  const sizes = runsOf(uids).map(({ first, last }) => present.queries.sizeBetween(source.id, first, last));
  const sizeBytes = sizes.reduce((sum, size) => sum + size, 0);
  checkRoom(present, target.mailboxId, { sizeBytes, messages: uids.length });
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

export function messageTooLarge(sizeBytes: number): Problem {
  return new Problem(
    'MessageTooLarge',
    `Cannot store ${sizeBytes} bytes: one message may have ${MAX_MESSAGE_BYTES}, one change ${MAX_APPEND_BYTES}.`,
  );
}

function checkSizes(messages: readonly AppendedMessage[]): void {
  let total = 0;
  for (const { bytes, structure } of messages) {
    if (bytes.length > MAX_MESSAGE_BYTES) throw messageTooLarge(bytes.length);
    total += bytes.length + structure.length;
  }
  if (total > MAX_APPEND_BYTES) throw messageTooLarge(total);
}

/** Neighbours with the same new flags share a run of the record. */
function groupRun(groups: Map<string, Group>, rows: readonly MessageRow[], change: FlagChange): void {
  let before: Group | undefined;
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
    const last = group.ranges.at(-1);
    if (before === group && last !== undefined) last.last = row.uid;
    else group.ranges.push({ first: row.uid, last: row.uid });
    before = group;
  }
}

function changed(row: MessageRow, change: FlagChange): { flags: number; keywords: readonly string[] } {
  const wanted = wantedFlags(row, change);
  const { only } = change;
  if (only === undefined) return wanted;
  const flags = (row.flags & ~only.flags) | (wanted.flags & only.flags);
  return { flags, keywords: only.keywords ? wanted.keywords : row.keywords };
}

function wantedFlags(row: MessageRow, change: FlagChange): { flags: number; keywords: readonly string[] } {
  const flags = change.flags & ALL_FLAGS;
  if (change.operation === 'replace') return { flags, keywords: sorted(addKeywords([], change.keywords)) };
  if (change.operation === 'add') {
    return { flags: row.flags | flags, keywords: sorted(addKeywords(row.keywords, change.keywords)) };
  }
  return { flags: row.flags & ~flags, keywords: removeKeywords(row.keywords, change.keywords) };
}

/** One order, so that equal sets of keywords are equal columns. */
function sorted(keywords: string[]): string[] {
  return keywords.length < 2 ? keywords : keywords.sort();
}
