/**
 * FETCH and UID FETCH (RFC 3501 6.4.5). One message after the other; what is read without PEEK gets \Seen once its
 * bytes have been read, and the same response says so.
 */

import { isProblem, messageOf } from '../../../base/problem.ts';
import { FLAG_SEEN } from '../../../mail/flags.ts';
import { formatInternalDate } from '../../../mail/internal-date.ts';
import { UidSet } from '../../../mail/uid-set.ts';
import type { MessageRow } from '../../../store/mail-store.ts';
import { type CommandDefinition, type Completion, defineCommand, type SessionContext } from '../command.ts';
import { CommandRefused } from '../errors.ts';
import { type FetchItem, readFetchItems } from '../fetch-items.ts';
import { printSection } from '../fetch-section.ts';
import { demandSelected, selectedFlags } from '../folder-rights.ts';
import { messageRows } from '../message-rows.ts';
import { type MessageSet, type Numbering, readMessageSet, resolveMessages } from '../message-set.ts';
import { SessionEnded } from '../output.ts';
import { printFlags } from '../print-flags.ts';
import { printBody, printEnvelope } from '../print-structure.ts';
import type { SelectedFolder } from '../selected-folder.ts';

interface FetchArguments {
  readonly set: MessageSet;
  readonly items: readonly FetchItem[];
}

async function run(session: SessionContext, { set, items }: FetchArguments): Promise<Completion> {
  const folder = demandSelected(session, session.selectedFolder(), 'r');
  const uids = resolveMessages(folder, set);
  const maySee = (selectedFlags(session, folder).flags & FLAG_SEEN) !== 0;
  const setsSeen = maySee && !folder.readOnly && items.some((item) => item.kind === 'section' && !item.peek);
  const count = { printed: 0, gone: 0, damaged: 0 };
  for (const row of messageRows(session.store, folder, uids, session.limits.rows)) {
    const marksSeen = setsSeen && (row.flags & FLAG_SEEN) === 0;
    count[await printOrSkip(session, folder, row, { items, marksSeen })]++;
    await session.out.flushIfLarge();
    if (session.slice.isOver()) await session.slice.step();
  }
  if (count.damaged > 0) throw new CommandRefused('CORRUPTION', 'A message is damaged on this copy');
  return count.printed < uids.length ? { code: 'EXPUNGEISSUED', text: 'Some messages are gone' } : {};
}

interface Printing {
  readonly items: readonly FetchItem[];
  readonly marksSeen: boolean;
}

/**
 * A message that is damaged, or was expunged while the client was slow, is left out: the others are worth having. Once
 * part of it has left, only the end of the connection is honest.
 */
async function printOrSkip(
  session: SessionContext,
  folder: SelectedFolder,
  row: MessageRow,
  printing: Printing,
): Promise<'printed' | 'gone' | 'damaged'> {
  const mark = session.out.mark();
  try {
    await printMessage(session, folder, row, printing);
    return 'printed';
  } catch (error) {
    if (error instanceof SessionEnded) throw error;
    const fields = { folderId: folder.folderId, uid: row.uid, reason: messageOf(error) };
    session.logger.error(fields, 'imap.message.unreadable');
    if (!session.out.rewind(mark)) throw new SessionEnded('A message broke off in the middle', { cause: error });
    if (isProblem(error, 'BodyDamaged')) return 'damaged';
    if (isProblem(error, 'BodyNotFound')) return 'gone';
    throw error;
  }
}

async function printMessage(
  session: SessionContext,
  folder: SelectedFolder,
  row: MessageRow,
  { items, marksSeen }: Printing,
): Promise<void> {
  session.out.text(`* ${folder.sequenceOf(row.uid) ?? 0} FETCH (`);
  let separator = '';
  for (const item of items) {
    if (marksSeen && item.kind === 'flags') continue; // they come last, as they are then
    session.out.text(separator);
    separator = ' ';
    if (item.kind === 'section') await printSection(session, row, item);
    else session.out.text(printItem(session, folder, row, item.kind));
  }
  if (marksSeen) session.out.text(separator + (await markSeen(session, folder, row)));
  session.out.text(')\r\n');
}

function printItem(
  session: SessionContext,
  folder: SelectedFolder,
  row: MessageRow,
  kind: Exclude<FetchItem['kind'], 'section'>,
): string {
  switch (kind) {
    case 'uid':
      return `UID ${row.uid}`;
    case 'flags':
      return printKnownFlags(folder, row);
    case 'internalDate':
      return `INTERNALDATE "${formatInternalDate(row.internalDateMs)}"`;
    case 'size':
      return `RFC822.SIZE ${row.sizeBytes}`;
    case 'envelope':
      return `ENVELOPE ${printEnvelope(session.store.envelope(row.bodyId))}`;
    case 'body':
      return `BODY ${printBody(session.store.structure(row.bodyId).root, false)}`;
    case 'bodyStructure':
      return `BODYSTRUCTURE ${printBody(session.store.structure(row.bodyId).root, true)}`;
  }
}

async function markSeen(session: SessionContext, folder: SelectedFolder, row: MessageRow): Promise<string> {
  const change = { operation: 'add', flags: FLAG_SEEN, keywords: [] } as const;
  const [now] = await session.store.changeFlags(folder.folderId, UidSet.of([row.uid]), change);
  return printKnownFlags(folder, now ?? row);
}

function printKnownFlags(folder: SelectedFolder, row: MessageRow): string {
  folder.flagsKnown(row);
  return `FLAGS ${printFlags(row, folder.isRecent(row.uid))}`;
}

function define(name: string, numbering: Numbering): CommandDefinition {
  return defineCommand({
    name,
    needsSelected: true,
    announcement: numbering === 'uid' ? 'all' : 'withoutExpunge',
    parse: (args, limits) => {
      const set = readMessageSet(args, numbering);
      const items = readFetchItems(args, limits.fetchItems);
      // RFC 3501 6.4.8: UID FETCH always tells the UID.
      const needsUid = numbering === 'uid' && !items.some((item) => item.kind === 'uid');
      return { set, items: needsUid ? [{ kind: 'uid' } as const, ...items] : items };
    },
    run,
  });
}

export const fetch = define('FETCH', 'sequence');
export const uidFetch = define('UID FETCH', 'uid');
