/**
 * SEARCH and UID SEARCH (RFC 3501 6.4.4), with RETURN (RFC 4731). Message after message is held against the criteria;
 * what is in its bytes is read only when a criterion asks for it and the content index cannot tell.
 */

import { type DecodedField, decodedHeader, decodedText } from '../../../mail/decoded-text.ts';
import { decodeEncodedWords } from '../../../mail/encoded-word.ts';
import { matches, type SearchableMessage, type SearchKey } from '../../../mail/search.ts';
import type { MailStore, MessageRow } from '../../../store/mail-store.ts';
import { type CommandDefinition, type Completion, defineCommand, type SessionContext } from '../command.ts';
import { printUids } from '../copy-uid.ts';
import { CommandRefused } from '../errors.ts';
import { IndexedSearch } from '../indexed-search.ts';
import { messageRows } from '../message-rows.ts';
import type { Numbering } from '../message-set.ts';
import { namedMessages } from '../named-messages.ts';
import { type PendingKey, readSearchKeys } from '../search-keys.ts';
import type { SelectedFolder } from '../selected-folder.ts';
import type { ArgumentReader } from '../wire/arguments.ts';
import { string } from '../wire/print.ts';
import { SyntaxFault } from '../wire/token.ts';

interface SearchArguments {
  /** Undefined for the plain form of the answer. */
  readonly returns: ReadonlySet<string> | undefined;
  readonly charset: string;
  readonly key: PendingKey;
}

const returnOptions = new Set(['MIN', 'MAX', 'ALL', 'COUNT']);
const charsets = new Set(['UTF-8', 'US-ASCII']);

function parse(args: ArgumentReader): SearchArguments {
  const returns = args.accepts('RETURN') ? readReturns(args) : undefined;
  const charset = args.accepts('CHARSET') ? args.astring().toUpperCase() : 'UTF-8';
  // In another charset the criteria may not even be readable; run() refuses it.
  if (!charsets.has(charset)) args.skipAll();
  const key = charsets.has(charset) ? readSearchKeys(args) : () => ({ key: 'all' }) as const;
  return { returns, charset, key };
}

function readReturns(args: ArgumentReader): ReadonlySet<string> {
  const names = new Set(args.list(() => args.keyword()));
  for (const name of names) if (!returnOptions.has(name)) throw new SyntaxFault('Unknown return option');
  return names.size === 0 ? new Set(['ALL']) : names;
}

async function run(session: SessionContext, args: SearchArguments, numbering: Numbering): Promise<Completion> {
  if (!charsets.has(args.charset)) throw new CommandRefused('BADCHARSET (UTF-8 US-ASCII)', 'Unknown charset');
  const folder = session.selectedFolder();
  const key = args.key(folder);
  const named = namedMessages(key, folder.uids);
  const uids = named.isAnswer ? present(named.uids, folder) : await matching(session, folder, key, named.uids);
  const found = numbering === 'uid' ? uids : uids.map((uid) => folder.sequenceOf(uid) ?? 0);
  if (args.returns !== undefined) printExtended(session, found, args.returns, numbering);
  else await printPlain(session, found);
  return {};
}

function present(uids: ArrayLike<number>, folder: SelectedFolder): readonly number[] {
  return Array.from(uids).filter((uid) => !folder.isGone(uid));
}

async function matching(
  session: SessionContext,
  folder: SelectedFolder,
  key: SearchKey,
  named: ArrayLike<number>,
): Promise<readonly number[]> {
  const { store, slice, limits } = session;
  const index = await IndexedSearch.ask(store, folder.folderId, key);
  const uids = index?.candidates(key, named) ?? named;
  slice.begin();
  const found: number[] = [];
  for (const row of messageRows(store, folder, uids, limits.rows)) {
    const sequence = folder.sequenceOf(row.uid) ?? 0;
    if (matches(key, searchable(store, folder, row, sequence, index))) found.push(row.uid);
    if (slice.isOver()) await slice.step();
  }
  return found;
}

function searchable(
  store: MailStore,
  folder: SelectedFolder,
  row: MessageRow,
  sequence: number,
  index: IndexedSearch | undefined,
): SearchableMessage {
  let header: readonly DecodedField[] | undefined;
  let text: string | undefined;
  let subject: string | undefined;
  return {
    uid: row.uid,
    sequence,
    flags: row.flags,
    keywords: row.keywords,
    recent: folder.isRecent(row.uid),
    internalDateMs: row.internalDateMs,
    sizeBytes: row.sizeBytes,
    modseq: row.modseq,
    header: () => (header ??= readHeader(store, row)),
    subject: () => (subject ??= decodeEncodedWords(store.envelope(row.bodyId).subject ?? '')),
    indexed: (key) => index?.tell(key, row.uid),
    text: () => (text ??= decodedText(store.body(row.bodyId), store.structure(row.bodyId))),
  };
}

function readHeader(store: MailStore, row: MessageRow): readonly DecodedField[] {
  const structure = store.structure(row.bodyId);
  return decodedHeader(store.body(row.bodyId, 0, structure.root.headerEnd), structure);
}

async function printPlain(session: SessionContext, found: readonly number[]): Promise<void> {
  session.out.text('* SEARCH');
  for (const number of found) {
    session.out.text(` ${number}`);
    await session.out.flushIfLarge();
  }
  session.out.text('\r\n');
}

/** RFC 4731 3.1: MIN, MAX and ALL only when something was found. */
function printExtended(
  session: SessionContext,
  found: readonly number[],
  returns: ReadonlySet<string>,
  numbering: Numbering,
): void {
  const parts = [`* ESEARCH (TAG ${string(session.tag)})`];
  if (numbering === 'uid') parts.push('UID');
  const [min] = found;
  if (min !== undefined) {
    if (returns.has('MIN')) parts.push(`MIN ${min}`);
    if (returns.has('MAX')) parts.push(`MAX ${found.at(-1)}`);
    if (returns.has('ALL')) parts.push(`ALL ${printUids(found)}`);
  }
  if (returns.has('COUNT')) parts.push(`COUNT ${found.length}`);
  session.out.text(`${parts.join(' ')}\r\n`);
}

function define(name: string, numbering: Numbering): CommandDefinition {
  return defineCommand({
    name,
    needsSelected: true,
    announcement: numbering === 'uid' ? 'all' : 'withoutExpunge',
    parse,
    run: (session, args) => run(session, args, numbering),
  });
}

export const search = define('SEARCH', 'sequence');
export const uidSearch = define('UID SEARCH', 'uid');
