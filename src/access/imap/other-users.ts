/**
 * Folders of other mailboxes of the storage group, by name (RFC 2342, "other users"): `Other Users/`, the address, `/` and
 * the folder's own name. A folder of one's own that is called so keeps its name and comes first.
 */
import { HIERARCHY_SEPARATOR, normaliseMailboxName } from '../../mail/mailbox-name.ts';
import type { Folder, Mailbox } from '../../store/mail-store.ts';
import type { SessionContext } from './command.ts';

export const OTHER_USERS = 'Other Users';
const PREFIX = OTHER_USERS + HIERARCHY_SEPARATOR;

export interface FolderPlace {
  readonly mailboxId: number;
  /** The folder's own name in that mailbox. */
  readonly name: string;
}

/** Where a name leads, whether or not a folder is there. Undefined when no folder may be called so, or nobody is. */
export function placeOfName(session: SessionContext, name: string): FolderPlace | undefined {
  const normal = normaliseMailboxName(name);
  if (normal === undefined) return undefined;
  const own = { mailboxId: session.mailboxId, name: normal };
  if (!isOthers(normal) || session.store.folderByName(own.mailboxId, normal) !== undefined) return own;
  const [address = '', ...levels] = normal.slice(PREFIX.length).split(HIERARCHY_SEPARATOR);
  const mailbox = session.store.mailboxByAddress(address);
  const theirs = normaliseMailboxName(levels.join(HIERARCHY_SEPARATOR));
  if (mailbox === undefined || theirs === undefined || mailbox.id === session.mailboxId) return undefined;
  return { mailboxId: mailbox.id, name: theirs };
}

/** As this session calls the folder. */
export function nameInSession(session: SessionContext, folder: Folder): string {
  if (folder.mailboxId === session.mailboxId) return folder.name;
  const mailbox = session.store.mailboxById(folder.mailboxId);
  return mailbox === undefined ? folder.name : `${prefixOf(mailbox)}${folder.name}`;
}

/** Of a name in the one spelling that is kept. */
export function isOthers(name: string): boolean {
  return name === OTHER_USERS || name.startsWith(PREFIX);
}

function prefixOf(mailbox: Mailbox): string {
  return `${PREFIX}${mailbox.address}${HIERARCHY_SEPARATOR}`;
}
