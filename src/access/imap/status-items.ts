/** The items of STATUS (RFC 3501 6.3.10), for STATUS itself and for LIST ... RETURN (STATUS (...)) (RFC 5819). */
import type { Folder } from '../../store/mail-store.ts';
import { appendLimitBytes } from '../limits.ts';
import type { SessionContext } from './command.ts';
import { printFolderName } from './folder-name.ts';
import { nameInSession } from './other-users.ts';
import type { ArgumentReader } from './wire/arguments.ts';
import { SyntaxFault } from './wire/token.ts';

type Item = (folder: Folder, session: SessionContext) => number;

const items = new Map<string, Item>([
  ['MESSAGES', (folder) => folder.messageCount],
  ['RECENT', countRecent],
  ['UIDNEXT', (folder) => folder.uidNext],
  ['UIDVALIDITY', (folder) => folder.uidValidity],
  ['UNSEEN', (folder) => folder.unseenCount],
  ['SIZE', (folder) => folder.sizeBytes], // RFC 8438
  ['DELETED', (folder, session) => session.store.deletedSum(folder.id).messages], // RFC 9208 4.1.4
  ['DELETED-STORAGE', (folder, session) => session.store.deletedSum(folder.id).sizeBytes],
  ['APPENDLIMIT', () => appendLimitBytes], // RFC 7889
]);

/** STATUS is asked often and finds something recent seldom: only then are the messages listed. */
function countRecent(folder: Folder, { recent, store }: SessionContext): number {
  return recent.isAllTold(folder.id, folder.uidNext) ? 0 : recent.count(folder.id, store.uids(folder.id));
}

/** Names of items, each once. */
export function readStatusItems(args: ArgumentReader): readonly string[] {
  const names = new Set(args.list(() => args.keyword()));
  for (const name of names) if (!items.has(name)) throw new SyntaxFault('Unknown status item');
  if (names.size === 0) throw new SyntaxFault('Status items are missing');
  return [...names];
}

export function printStatus(session: SessionContext, folder: Folder, names: readonly string[]): string {
  const values = names.map((name) => `${name} ${items.get(name)?.(folder, session) ?? 0}`);
  return `* STATUS ${printFolderName(nameInSession(session, folder))} (${values.join(' ')})\r\n`;
}
