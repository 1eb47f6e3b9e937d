/** Names of folders between the wire (modified UTF-7, RFC 3501 5.1.3) and the store (NFC). */
import { isProblem } from '../../base/problem.ts';
import { decodeModifiedUtf7, encodeModifiedUtf7, normaliseMailboxName } from '../../mail/mailbox-name.ts';
import type { Folder } from '../../store/mail-store.ts';
import type { SessionContext } from './command.ts';
import { CommandRefused } from './errors.ts';
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

/** The client's own folder of that name. Where it could be created and the command tried again, that is the code. */
export function existingFolder(
  session: SessionContext,
  name: string,
  code: 'NONEXISTENT' | 'TRYCREATE' = 'NONEXISTENT',
): Folder {
  const normal = normaliseMailboxName(name);
  const folder = normal === undefined ? undefined : session.store.folderByName(session.mailboxId, normal);
  if (folder === undefined) throw new CommandRefused(code, 'No such folder');
  return folder;
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

/** A name that is to come into being; a separator at the end only says that folders will follow (RFC 3501 6.3.3). */
export function newFolderName(name: string): string {
  const normal = normaliseMailboxName(name.endsWith('/') ? name.slice(0, -1) : name);
  if (normal === undefined) throw new CommandRefused('CANNOT', 'This name is not possible');
  return normal;
}
