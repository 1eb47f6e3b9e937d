/** Names of folders between the wire (modified UTF-7, RFC 3501 5.1.3) and the store (NFC). */
import { isProblem } from '../../base/problem.ts';
import { decodeModifiedUtf7, encodeModifiedUtf7, parentNames } from '../../mail/mailbox-name.ts';
import type { Folder } from '../../store/mail-store.ts';
import type { SessionContext } from './command.ts';
import { CommandRefused } from './errors.ts';
import { hasAll, notPermitted, rightsIn } from './folder-rights.ts';
import { type FolderPlace, isOthers, placeOfName } from './other-users.ts';
import type { ArgumentReader } from './wire/arguments.ts';
import { astring } from './wire/print.ts';
import { SyntaxFault } from './wire/token.ts';

/** A name as the client means it; whether a folder can be called so is another question. */
export function readFolderName(args: ArgumentReader): string {
  return decodeName(args.astring());
}

export function decodeName(name: string): string {
  const decoded = decodeModifiedUtf7(name);
  if (decoded === undefined) throw new SyntaxFault('The name is not in modified UTF-7');
  return decoded;
}

export function printFolderName(name: string): string {
  return astring(encodeModifiedUtf7(name));
}

interface Wanted {
  /** Rights that the one who is logged in must have there. */
  readonly needs: string;
  /** Where it could be created and the command tried again, that is the code. */
  readonly orElse?: 'NONEXISTENT' | 'TRYCREATE';
}

/** RFC 4314 4: to whom may not list a folder it looks as if it were not there. */
export function existingFolder(session: SessionContext, name: string, wanted: Wanted): Folder {
  const place = placeOfName(session, name);
  const folder = place && session.store.folderByName(place.mailboxId, place.name);
  const rights = folder === undefined ? '' : rightsIn(session, folder);
  if (folder !== undefined && hasAll(rights, wanted.needs)) return folder;
  if (rights.includes('l')) throw notPermitted();
  throw new CommandRefused(wanted.orElse ?? 'NONEXISTENT', 'No such folder');
}

/** The folder looked up a moment ago may be gone when its turn to change comes. */
export async function orTryCreate<Result>(change: Promise<Result>): Promise<Result> {
  try {
    return await change;
  } catch (error) {
    if (!isProblem(error, 'FolderNotFound')) throw error;
    throw new CommandRefused('TRYCREATE', 'No such folder');
  }
}

/**
 * Where a folder is to come into being; a separator at the end only says that folders will follow (RFC 3501 6.3.3). In
 * another mailbox the right to create is asked of the folder above it that is there.
 */
export function newFolderPlace(session: SessionContext, name: string): FolderPlace {
  const place = placeOfName(session, name.endsWith('/') ? name.slice(0, -1) : name);
  if (place === undefined) throw new CommandRefused('CANNOT', 'This name is not possible');
  if (place.mailboxId === session.mailboxId) {
    if (isOthers(place.name)) throw new CommandRefused('CANNOT', 'This name stands for other users');
    return place;
  }
  const above = parentNames(place.name).map((each) => session.store.folderByName(place.mailboxId, each));
  const parent = above.findLast((folder) => folder !== undefined);
  if (parent === undefined || !rightsIn(session, parent).includes('k')) throw notPermitted();
  return place;
}
