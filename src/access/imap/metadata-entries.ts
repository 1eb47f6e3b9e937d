/**
 * Entries of METADATA (RFC 5464 3.2): names in any case that begin with /private or /shared. Private values belong to
 * whoever is logged in, shared ones to the folder or, for the name "", to the mailbox as a whole.
 */
import { type Annotation, type AnnotationPlace, SHARED, WHOLE_MAILBOX } from '../../store/mailbox-keeping.ts';
import type { SessionLimits } from '../limits.ts';
import type { SessionContext } from './command.ts';
import { existingFolder } from './folder-name.ts';
import type { ArgumentReader } from './wire/arguments.ts';
import { SyntaxFault } from './wire/token.ts';

/** Printable ASCII but for / * and %. */
const ENTRY = /^\/(?:private|shared)(?:\/[ -$&-)+-.0-~]+)+$/;

export type Scope = 'private' | 'shared';

/** In the one spelling that is kept. */
export function readEntry(args: ArgumentReader, limits: SessionLimits): string {
  const entry = args.astring().toLowerCase();
  if (entry.length > limits.metadataNameBytes || !ENTRY.test(entry)) throw new SyntaxFault('Not an entry of metadata');
  return entry;
}

export function scopeOf(entry: string): Scope {
  return entry.startsWith('/private') ? 'private' : 'shared';
}

/** Where the entries of a scope are kept; `name` "" is the mailbox as a whole. `needs`: rights in the folder. */
export function placeOf(session: SessionContext, name: string, scope: Scope, needs = 'l'): AnnotationPlace {
  const owner = scope === 'private' ? session.mailboxId : SHARED;
  if (name === '') return { mailboxId: session.mailboxId, folderId: WHOLE_MAILBOX, owner };
  const { id, mailboxId } = existingFolder(session, name, { needs });
  return { mailboxId, folderId: id, owner };
}

/** Of the scopes that the entries name. */
export function annotationsAt(
  session: SessionContext,
  name: string,
  entries: readonly string[],
): readonly Annotation[] {
  const scopes = new Set(entries.map(scopeOf));
  return [...scopes].flatMap((scope) => session.store.settings.annotations(placeOf(session, name, scope)));
}
