/**
 * APPEND (RFC 3501 6.3.11), of several messages too (MULTIAPPEND, RFC 3502): one record, so all of them or none. The
 * bytes are kept exactly as they came.
 */
import { parseInternalDate } from '../../../mail/internal-date.ts';
import { parseMessage } from '../../../mail/mime.ts';
import type { SessionLimits } from '../../limits.ts';
import { type Completion, defineCommand, type SessionContext } from '../command.ts';
import { printUids } from '../copy-uid.ts';
import { CommandRefused } from '../errors.ts';
import { existingFolder, orTryCreate, readFolderName } from '../folder-name.ts';
import { rightsIn, settableFlags } from '../folder-rights.ts';
import { type Flags, readFlagList } from '../read-flags.ts';
import type { ArgumentReader } from '../wire/arguments.ts';
import { SyntaxFault } from '../wire/token.ts';

interface Upload extends Flags {
  readonly dateMs: number | undefined;
  readonly bytes: Buffer;
}

function parse(args: ArgumentReader, limits: SessionLimits): { name: string; uploads: readonly Upload[] } {
  const name = readFolderName(args);
  const uploads: Upload[] = [];
  do {
    if (uploads.length >= limits.appendMessages) throw new SyntaxFault('Too many messages');
    uploads.push(readUpload(args));
  } while (!args.atEnd);
  return { name, uploads };
}

function readUpload(args: ArgumentReader): Upload {
  const flags = args.peekKind() === 'open' ? readFlagList(args) : { flags: 0, keywords: [] };
  const dateMs = args.peeksQuoted() ? readDate(args) : undefined;
  return { ...flags, dateMs, bytes: args.literal() };
}

function readDate(args: ArgumentReader): number {
  const dateMs = parseInternalDate(args.text());
  if (dateMs === undefined) throw new SyntaxFault('Not a date');
  return dateMs;
}

async function run(
  session: SessionContext,
  { name, uploads }: { name: string; uploads: readonly Upload[] },
): Promise<Completion> {
  const folder = existingFolder(session, name, { needs: 'i', orElse: 'TRYCREATE' });
  // RFC 3502 4: so a client calls the whole thing off.
  if (uploads.some(({ bytes }) => bytes.length === 0)) throw new CommandRefused(undefined, 'An empty message');
  const nowMs = session.clock.wallMs();
  const settable = settableFlags(rightsIn(session, folder));
  const messages = [];
  for (const { bytes, dateMs, ...given } of uploads) {
    // RFC 4314 4: flags that may not be set are left out.
    const flags = given.flags & settable.flags;
    const keywords = settable.keywords ? given.keywords : [];
    messages.push({ bytes, structure: parseMessage(bytes), flags, keywords, internalDateMs: dateMs ?? nowMs });
    await session.slice.step();
  }
  const { uidValidity, uids } = await orTryCreate(session.store.append(folder.id, messages));
  return { code: `APPENDUID ${uidValidity} ${printUids(uids)}` };
}

export const append = defineCommand({ name: 'APPEND', parse, run });
