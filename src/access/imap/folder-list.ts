/**
 * What LIST and LSUB know of a mailbox's folders: names, attributes, who has children, who is subscribed. Computed once
 * per command, in time linear in the number of folders.
 */
import { parentNames } from '../../mail/mailbox-name.ts';
import type { Folder } from '../../store/mail-store.ts';
import type { SessionContext } from './command.ts';
import { printFolderName } from './folder-name.ts';

export interface ListedFolder {
  readonly name: string;
  /** Undefined for a name that is only subscribed to, or only stands above one that is. */
  readonly folder: Folder | undefined;
  readonly subscribed: boolean;
  readonly hasChildren: boolean;
  readonly hasSubscribedBelow: boolean;
}

/** Folders and subscribed names, by name; INBOX first, as people expect it. */
export function listFolders(session: SessionContext): readonly ListedFolder[] {
  const folders = new Map(session.store.folders(session.mailboxId).map((folder) => [folder.name, folder]));
  const subscribed = new Set(session.store.subscriptions(session.mailboxId));
  const withChildren = new Set([...folders.keys()].flatMap(parentNames));
  const aboveSubscribed = new Set([...subscribed].flatMap(parentNames));
  const names = new Set([...folders.keys(), ...subscribed, ...aboveSubscribed]);
  return [...names].sort(byName).map((name) => ({
    name,
    folder: folders.get(name),
    subscribed: subscribed.has(name),
    hasChildren: withChildren.has(name),
    hasSubscribedBelow: aboveSubscribed.has(name),
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
