/**
 * STORE and UID STORE (RFC 3501 6.4.6). A long set is changed in parts, each a record of its own: the flags of one
 * message change at once, those of a whole folder need not.
 */
import { ALL_FLAGS } from '../../../mail/flags.ts';
import { UidSet } from '../../../mail/uid-set.ts';
import type { FlagChange, FlagMask, MessageRow } from '../../../store/mail-store.ts';
import { type CommandDefinition, defineCommand, type SessionContext } from '../command.ts';
import { notPermitted, selectedFlags } from '../folder-rights.ts';
import { type MessageSet, type Numbering, readMessageSet, resolveMessages } from '../message-set.ts';
import { printFlags } from '../print-flags.ts';
import { readFlags } from '../read-flags.ts';
import { refuseReadOnly } from '../read-only.ts';
import type { SelectedFolder } from '../selected-folder.ts';
import type { ArgumentReader } from '../wire/arguments.ts';
import { SyntaxFault } from '../wire/token.ts';

interface StoreArguments {
  readonly set: MessageSet;
  readonly change: FlagChange;
  readonly silent: boolean;
}

const operations = new Map<string, FlagChange['operation']>([
  ['FLAGS', 'replace'],
  ['+FLAGS', 'add'],
  ['-FLAGS', 'remove'],
]);

function parse(args: ArgumentReader, numbering: Numbering): StoreArguments {
  const set = readMessageSet(args, numbering);
  const item = args.keyword();
  const silent = item.endsWith('.SILENT');
  const operation = operations.get(silent ? item.slice(0, -'.SILENT'.length) : item);
  if (operation === undefined) throw new SyntaxFault('Unknown item to store');
  return { set, silent, change: { operation, ...readFlags(args) } };
}

async function run(session: SessionContext, { set, change, silent }: StoreArguments, numbering: Numbering) {
  const folder = refuseReadOnly(session.selectedFolder());
  const only = settable(selectedFlags(session, folder), change);
  const uids = resolveMessages(folder, set);
  const { rows: partSize } = session.limits;
  let changed = 0;
  for (let start = 0; start < uids.length; start += partSize) {
    const part = uids.slice(start, start + partSize);
    const told = new Set(part.filter((uid) => folder.hasFlagNews(uid)));
    const rows = await session.store.changeFlags(folder.folderId, UidSet.of(part), { ...change, only });
    changed += rows.length;
    if (silent) noteSilently(folder, rows, told);
    else printRows(session, folder, rows, numbering);
    await session.out.flushIfLarge();
    await session.slice.step();
  }
  return changed < uids.length ? { code: 'EXPUNGEISSUED', text: 'Some messages are gone' } : {};
}

/** RFC 4314 4: what may not be changed is left as it is; when that is everything, the command is refused. */
function settable(only: FlagMask, { operation, flags, keywords }: FlagChange): FlagMask {
  const names = operation === 'replace' && flags === 0 && keywords.length === 0 ? ALL_FLAGS : flags;
  if ((names & only.flags) !== 0 || (keywords.length > 0 && only.keywords)) return only;
  if (names === 0 && keywords.length === 0) return only;
  throw notPermitted();
}

/** What others had changed before is still to be told; our own change is not. */
function noteSilently(folder: SelectedFolder, rows: readonly MessageRow[], told: ReadonlySet<number>): void {
  for (const row of rows) if (!told.has(row.uid)) folder.flagsKnown(row);
}

function printRows(
  session: SessionContext,
  folder: SelectedFolder,
  rows: readonly MessageRow[],
  numbering: Numbering,
): void {
  for (const row of rows) {
    const sequence = folder.sequenceOf(row.uid);
    if (sequence === undefined) continue;
    const uid = numbering === 'uid' ? `UID ${row.uid} ` : '';
    session.out.text(`* ${sequence} FETCH (${uid}FLAGS ${printFlags(row, folder.isRecent(row.uid))})\r\n`);
    folder.flagsKnown(row);
  }
}

function define(name: string, numbering: Numbering): CommandDefinition {
  return defineCommand({
    name,
    needsSelected: true,
    announcement: numbering === 'uid' ? 'all' : 'withoutExpunge',
    parse: (args) => parse(args, numbering),
    run: (session, args) => run(session, args, numbering),
  });
}

export const store = define('STORE', 'sequence');
export const uidStore = define('UID STORE', 'uid');
