/**
 * LIST (RFC 3501 6.3.8), extended (RFC 5258), with SPECIAL-USE (RFC 6154) and STATUS (RFC 5819). The attributes that
 * cost nothing here (children, special use) are always said; RETURN adds subscriptions and STATUS.
 */
import { compileListPattern } from '../../../mail/list-pattern.ts';
import type { Folder, SpecialUse } from '../../../store/mail-store.ts';
import type { SessionLimits } from '../../limits.ts';
import { type Completion, defineCommand, type SessionContext } from '../command.ts';
import { type ListedFolder, listFolders, printListed } from '../folder-list.ts';
import { decodeName } from '../folder-name.ts';
import { rightsIn } from '../folder-rights.ts';
import { printStatus, readStatusItems } from '../status-items.ts';
import type { ArgumentReader } from '../wire/arguments.ts';
import { SyntaxFault } from '../wire/token.ts';

interface ListArguments {
  readonly select: ReadonlySet<string>;
  readonly patterns: readonly string[];
  readonly returns: ReadonlySet<string>;
  readonly status: readonly string[];
  /** The question for the separator: an empty pattern, in the basic form. */
  readonly asksSeparator: boolean;
}

const selectOptions = new Set(['SUBSCRIBED', 'REMOTE', 'RECURSIVEMATCH', 'SPECIAL-USE']);
const returnOptions = new Set(['SUBSCRIBED', 'CHILDREN', 'SPECIAL-USE', 'STATUS']);

function parse(args: ArgumentReader, limits: SessionLimits): ListArguments {
  const select = args.peekKind() === 'open' ? readOptions(args, selectOptions) : new Set<string>();
  // RFC 5258 3.1: it modifies another option and means nothing without one.
  if (select.has('RECURSIVEMATCH') && !select.has('SUBSCRIBED')) throw new SyntaxFault('RECURSIVEMATCH stands alone');
  const reference = decodeName(args.astring());
  const isList = args.peekKind() === 'open';
  const patterns = isList ? args.list(() => args.listPattern()) : [args.listPattern()];
  if (patterns.length === 0 || patterns.length > limits.listPatterns) throw new SyntaxFault('Wrong patterns');
  let status: readonly string[] = [];
  let returns: ReadonlySet<string> = new Set();
  if (args.accepts('RETURN')) {
    returns = readOptions(args, returnOptions, () => {
      status = readStatusItems(args);
    });
  }
  const asksSeparator = !isList && select.size === 0 && patterns[0] === '';
  return {
    select,
    patterns: patterns.map((pattern) => reference + decodeName(pattern)),
    returns,
    status,
    asksSeparator,
  };
}

function readOptions(args: ArgumentReader, known: ReadonlySet<string>, onStatus?: () => void): ReadonlySet<string> {
  const options = args.list(() => {
    const option = args.keyword();
    if (!known.has(option)) throw new SyntaxFault('Unknown option');
    if (option === 'STATUS') onStatus?.();
    return option;
  });
  return new Set(options);
}

async function run(session: SessionContext, args: ListArguments): Promise<Completion> {
  if (args.asksSeparator) {
    session.out.text('* LIST (\\Noselect) "/" ""\r\n');
    return {};
  }
  const patterns = args.patterns.map(compileListPattern);
  for (const listed of listFolders(session)) {
    if (isSelected(listed, args, session) && patterns.some((fits) => fits(listed.name))) print(session, listed, args);
    await session.out.flushIfLarge();
    if (session.slice.isOver()) await session.slice.step();
  }
  return {};
}

function isSelected(
  { folder, subscribed, hasSubscribedBelow, isNamespace }: ListedFolder,
  { select }: ListArguments,
  session: SessionContext,
): boolean {
  if (select.has('SPECIAL-USE') && specialUseOf(session, folder) === null) return false;
  if (!select.has('SUBSCRIBED')) return folder !== undefined || isNamespace;
  return subscribed || (select.has('RECURSIVEMATCH') && hasSubscribedBelow);
}

function print(session: SessionContext, listed: ListedFolder, args: ListArguments): void {
  const childInfo = args.select.has('RECURSIVEMATCH') && listed.hasSubscribedBelow;
  const info = childInfo ? ' ("CHILDINFO" ("SUBSCRIBED"))' : '';
  session.out.text(`${printListed('LIST', attributesOf(listed, args, session), listed.name)}${info}\r\n`);
  if (args.status.length > 0 && listed.folder !== undefined && rightsIn(session, listed.folder).includes('r')) {
    session.out.text(printStatus(session, listed.folder, args.status));
  }
}

function attributesOf(listed: ListedFolder, { select, returns }: ListArguments, session: SessionContext): string[] {
  const attributes = [listed.isNamespace ? '\\Noselect' : listed.folder === undefined ? '\\NonExistent' : ''];
  attributes.push(listed.hasChildren ? '\\HasChildren' : '\\HasNoChildren');
  attributes.push(specialUseOf(session, listed.folder) ?? '');
  const tellsSubscription = select.has('SUBSCRIBED') || returns.has('SUBSCRIBED');
  if (tellsSubscription && listed.subscribed) attributes.push('\\Subscribed');
  return attributes.filter(Boolean);
}

/** Another one's Sent is not where this client should put what it sends. */
function specialUseOf(session: SessionContext, folder: Folder | undefined): SpecialUse | null {
  return folder === undefined || folder.mailboxId !== session.mailboxId ? null : folder.specialUse;
}

export const list = defineCommand({ name: 'LIST', parse, run });
