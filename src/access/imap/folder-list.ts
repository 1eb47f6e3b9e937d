/**
 * What LIST and LSUB know of a mailbox's folders: names, attributes, who has children, who is subscribed. Those of others
 * that may be listed come under their names here. Computed once per command, in time linear in the number of folders.
 */
import { parentNames } from '../../mail/mailbox-name.ts';
import type { Folder } from '../../store/mail-store.ts';
import type { SessionContext } from './command.ts';
import { printFolderName } from './folder-name.ts';
import { nameInSession } from './other-users.ts';

export interface ListedFolder {
  readonly name: string;
  /** Undefined for a name that is only subscribed to, or only stands above one that is. */
  readonly folder: Folder | undefined;
  readonly subscribed: boolean;
  readonly hasChildren: boolean;
  readonly hasSubscribedBelow: boolean;
  /** No folder, but folders of others below it. */
  readonly isNamespace: boolean;
}

/** Folders and subscribed names, by name; INBOX first, as people expect it. */
export function listFolders(session: SessionContext): readonly ListedFolder[] {
  const shared = session.store.settings.sharedFolders(session.mailboxId);
  const listed = [...shared, ...session.store.folders(session.mailboxId)];
  // Last, so that a folder of one's own goes before one of another user that has the same name here.
  const folders = new Map(listed.map((folder) => [nameInSession(session, folder), folder]));
  const namespace = new Set(shared.flatMap((folder) => parentNames(nameInSession(session, folder))));
  const subscribed = new Set(session.store.subscriptions(session.mailboxId));
  const withChildren = new Set([...folders.keys()].flatMap(parentNames));
  const aboveSubscribed = new Set([...subscribed].flatMap(parentNames));
  const names = new Set([...folders.keys(), ...namespace, ...subscribed, ...aboveSubscribed]);
  return [...names].sort(byName).map((name) => ({
    name,
    folder: folders.get(name),
    subscribed: subscribed.has(name),
    hasChildren: withChildren.has(name),
    hasSubscribedBelow: aboveSubscribed.has(name),
    isNamespace: namespace.has(name) && !folders.has(name),
  }));
}

/** By code points: the same on every machine. */
function byName(a: string, b: string): number {
  if (a === 'INBOX' || b === 'INBOX') return a === b ? 0 : a === 'INBOX' ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

export function printListed(command: 'LIST' | 'LSUB', attributes: readonly string[], name: string): string {
  return `* ${command} (${attributes.join(' ')}) "/" ${printFolderName(name)}`;
}
