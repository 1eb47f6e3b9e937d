/**
 * What the one who is logged in may do in a folder (RFC 4314): everything in one's own, elsewhere what was given. Rights
 * are looked up for each command, so that one that is taken away is gone at once, also in the folder that is selected.
 */
import { ALL_FLAGS, FLAG_DELETED, FLAG_SEEN } from '../../mail/flags.ts';
import type { FlagMask, Folder } from '../../store/mail-store.ts';
import { ALL_RIGHTS } from '../../store/mailbox-keeping.ts';
import type { SessionContext } from './command.ts';
import { CommandRefused } from './errors.ts';
import type { SelectedFolder } from './selected-folder.ts';

const NOT_SEEN_OR_DELETED = ALL_FLAGS & ~(FLAG_SEEN | FLAG_DELETED);

export function rightsIn(session: SessionContext, folder: Pick<Folder, 'id' | 'mailboxId'>): string {
  if (folder.mailboxId === session.mailboxId) return ALL_RIGHTS;
  return session.store.settings.rightsOf(folder.id, session.mailboxId);
}

/** Of the folder that is selected; refuses when one of `needed` is missing. */
export function demandSelected(session: SessionContext, selected: SelectedFolder, needed: string): SelectedFolder {
  const rights = rightsIn(session, { id: selected.folderId, mailboxId: selected.mailboxId });
  if (hasAll(rights, needed)) return selected;
  throw notPermitted();
}

export function hasAll(rights: string, needed: string): boolean {
  return needed.split('').every((right) => rights.includes(right));
}

export function hasAny(rights: string, wanted: string): boolean {
  return wanted.split('').some((right) => rights.includes(right));
}

/** The flags that may be set and taken away: s is \Seen, t is \Deleted, w all others. */
export function settableFlags(rights: string): FlagMask {
  const seen = rights.includes('s') ? FLAG_SEEN : 0;
  const deleted = rights.includes('t') ? FLAG_DELETED : 0;
  const others = rights.includes('w') ? NOT_SEEN_OR_DELETED : 0;
  return { flags: seen | deleted | others, keywords: rights.includes('w') };
}

export function selectedFlags(session: SessionContext, selected: SelectedFolder): FlagMask {
  return settableFlags(rightsIn(session, { id: selected.folderId, mailboxId: selected.mailboxId }));
}

export function notPermitted(): CommandRefused {
  return new CommandRefused('NOPERM', 'The rights that this needs are not there');
}
