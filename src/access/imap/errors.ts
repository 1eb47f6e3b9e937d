/**
 * What went wrong, as a client is told: a status, a response code (RFC 5530 and others), a text of ours. The one place
 * where a Problem's code becomes IMAP's. Details are for the log.
 */
import { isProblem } from '../../base/problem.ts';
import { SessionEnded } from './output.ts';
import { SyntaxFault } from './wire/token.ts';

export interface Reply {
  readonly status: 'NO' | 'BAD';
  readonly code: string | undefined;
  readonly text: string;
}

/** A command is refused; thrown by whoever finds out. */
export class CommandRefused extends Error {
  override name = 'CommandRefused';
  readonly code: string | undefined;

  constructor(code: string | undefined, text: string) {
    super(text);
    this.code = code;
  }
}

const replyByProblem: Readonly<Record<string, readonly [code: string | undefined, text: string]>> = {
  FolderNotFound: ['NONEXISTENT', 'No such folder'],
  FolderExists: ['ALREADYEXISTS', 'The folder exists already'],
  FolderNameInvalid: ['CANNOT', 'This name is not possible'],
  FolderNotEmpty: ['HASCHILDREN', 'The folder has folders below it'],
  MessageTooLarge: ['TOOBIG', 'The message is too big'],
  TooManyFolders: ['LIMIT', 'There are too many folders'],
  MailboxFull: ['OVERQUOTA', 'The mailbox is full'],
  TooManyRights: ['LIMIT', 'There are too many identifiers'],
  TooManyAnnotations: ['METADATA TOOMANY', 'There are too many annotations'],
  FolderFull: ['LIMIT', 'The folder takes no more messages'],
  BodyDamaged: ['CORRUPTION', 'A message is damaged on this copy'],
  DiskFailed: ['UNAVAILABLE', 'The disk has failed, try again later'],
  DatabaseDamaged: ['UNAVAILABLE', 'The database is damaged, try again later'],
};

/** 'close' when nothing may be said any more; 'internal' when it is our own mistake, to be logged. */
export function replyFor(error: unknown): Reply | 'close' | 'internal' {
  if (error instanceof SessionEnded || isProblem(error, 'NotActive')) return 'close';
  if (error instanceof SyntaxFault) return { status: 'BAD', code: undefined, text: error.message };
  if (error instanceof CommandRefused) return { status: 'NO', code: error.code, text: error.message };
  if (!isProblem(error)) return 'internal';
  const known = Object.hasOwn(replyByProblem, error.code) ? replyByProblem[error.code] : undefined;
  if (known !== undefined) return { status: 'NO', code: known[0], text: known[1] };
  return error.temporary ? { status: 'NO', code: 'UNAVAILABLE', text: 'Try again later' } : 'internal';
}
