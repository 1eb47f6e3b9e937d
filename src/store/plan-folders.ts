/**
 * Decides what a change of mailboxes and folders means, from the database's present state, and says it as facts. Runs
 * on the active copy only, synchronously with applying, so nothing changes between the look and the deed.
 *
 * Folders follow RFC 9051 (and 3501) section 6.3: a missing parent is made along with its child, so every parent
 * exists; a folder with children cannot be deleted; INBOX cannot be deleted, and renaming it moves its messages away.
 */
import { Problem } from '../base/problem.ts';
import type { Random } from '../base/random.ts';
import { canonicalAddress } from '../mail/address.ts';
import { MAX_UID } from '../mail/limits.ts';
import { INBOX, normaliseMailboxName, parentNames } from '../mail/mailbox-name.ts';
import type { Tally } from './database.ts';
import type {
  CredentialSet,
  Fact,
  FoldersCreated,
  FoldersDeleted,
  MailboxCreated,
  NewFolder,
  SubscriptionSet,
} from './facts.ts';
import type { KeepingQueries } from './keeping-queries.ts';
import {
  CHANGE_SLICE_MESSAGES,
  MAX_FOLDERS_PER_MAILBOX,
  MAX_MAILBOX_TEXT_BYTES,
  MAX_SUBSCRIPTIONS_PER_MAILBOX,
} from './limits.ts';
import type { Folder, SpecialUse } from './mail-store.ts';
import { movePairs } from './plan-messages.ts';
import type { Queries } from './queries.ts';
import { runsOf } from './uid-ranges.ts';

/** What a plan may look at. */
export interface Present {
  readonly queries: Queries;
  readonly keeping: KeepingQueries;
  readonly tally: Readonly<Tally>;
  readonly wallMs: number;
}

const GUID_BYTES = 16;

const DEFAULT_FOLDERS: readonly { name: string; specialUse: SpecialUse | null }[] = [
  { name: INBOX, specialUse: null },
  { name: 'Drafts', specialUse: '\\Drafts' },
  { name: 'Sent', specialUse: '\\Sent' },
  { name: 'Trash', specialUse: '\\Trash' },
  { name: 'Junk', specialUse: '\\Junk' },
  { name: 'Archive', specialUse: '\\Archive' },
];

export function planMailbox(
  present: Present,
  random: Random,
  request: { address: string; displayName: string; credential: string | null },
): MailboxCreated {
  const { address, displayName, credential } = request;
  const addressKey = canonicalAddress(address);
  checkTexts(address, displayName, credential ?? '');
  if (present.queries.mailboxByKey(addressKey) !== undefined) {
    throw new Problem('MailboxExists', `Cannot create ${address}: this mailbox exists. Choose another address.`);
  }
  return {
    type: 'MailboxCreated',
    id: present.tally.nextMailboxId,
    guid: random.bytes(GUID_BYTES).toString('hex'),
    address,
    addressKey,
    displayName,
    credential,
    createdMs: present.wallMs,
    folders: newFolders(present, DEFAULT_FOLDERS),
  };
}

export function planCredential(present: Present, mailboxId: number, credential: string | null): CredentialSet {
  checkMailbox(present, mailboxId);
  checkTexts(credential ?? '');
  return { type: 'CredentialSet', mailboxId, credential };
}

export function planFolder(present: Present, mailboxId: number, wanted: string): FoldersCreated {
  const name = validName(wanted);
  checkMailbox(present, mailboxId);
  if (present.queries.folderByName(mailboxId, name) !== undefined) throw folderExists(name);
  return planMissing(present, mailboxId, [...parentNames(name), name]);
}

/** What is left to be moved when the records are there: of an INBOX with many messages. */
interface RenamePlan {
  readonly facts: readonly Fact[];
  readonly rest?: { readonly sourceId: number; readonly targetId: number; readonly uids: readonly number[] };
}

/** A rename is one record, and one more before it when parents are missing; of INBOX, a new folder and a move. */
export function planRename(present: Present, mailboxId: number, fromName: string, toName: string): RenamePlan {
  const from = folderNamed(present, mailboxId, fromName);
  const to = validName(toName);
  if (present.queries.folderByName(mailboxId, to) !== undefined) throw folderExists(to);
  if (from.name === INBOX) return planRenameOfInbox(present, from, to);
  if (to.startsWith(`${from.name}/`)) throw invalidName(to);
  const subtree = [from, ...childrenOf(present, from)];
  const renamed = subtree.map(({ id, name }) => ({ id, name: validName(to + name.slice(from.name.length)) }));
  const missing = planMissing(present, mailboxId, parentNames(to));
  const rename: Fact = { type: 'FoldersRenamed', mailboxId, folders: renamed };
  return { facts: missing.folders.length === 0 ? [rename] : [missing, rename] };
}

export function planDelete(present: Present, mailboxId: number, wanted: string): FoldersDeleted {
  const folder = folderNamed(present, mailboxId, wanted);
  if (folder.name === INBOX) throw invalidName(folder.name);
  if (childrenOf(present, folder).length > 0) {
    throw new Problem('FolderNotEmpty', `Cannot delete ${folder.name}: it has children. Delete them first.`);
  }
  return { type: 'FoldersDeleted', folderIds: [folder.id] };
}

/** Undefined when it is so already. A name without a folder may be subscribed (RFC 3501 section 6.3.6). */
export function planSubscription(
  present: Present,
  mailboxId: number,
  wanted: string,
  subscribed: boolean,
): SubscriptionSet | undefined {
  const name = validName(wanted);
  checkMailbox(present, mailboxId);
  const names = present.queries.subscriptions(mailboxId);
  if (names.includes(name) === subscribed) return undefined;
  if (subscribed && names.length >= MAX_SUBSCRIPTIONS_PER_MAILBOX) throw tooMany('subscriptions');
  return { type: 'SubscriptionSet', mailboxId, name, subscribed };
}

function checkTexts(...texts: readonly string[]): void {
  if (texts.every((text) => Buffer.byteLength(text) <= MAX_MAILBOX_TEXT_BYTES)) return;
  throw new Problem('MailboxInvalid', 'Cannot change the mailbox: a text is too long. Shorten it.');
}

function checkMailbox(present: Present, mailboxId: number): void {
  if (present.queries.mailboxById(mailboxId) !== undefined) return;
  throw new Problem('MailboxNotFound', `Cannot find mailbox ${mailboxId}: it does not exist.`);
}

export function folderOrProblem(present: Present, folderId: number): Folder {
  const folder = present.queries.folderById(folderId);
  if (folder === undefined) throw folderNotFound(String(folderId));
  return folder;
}

function planRenameOfInbox(present: Present, inbox: Folder, to: string): RenamePlan {
  const created = planMissing(present, inbox.mailboxId, [...parentNames(to), to]);
  const uids = present.queries.uids(inbox.id);
  const target = created.folders.at(-1);
  if (uids.length === 0 || target === undefined) return { facts: [created] };
  const pairs = movePairs(runsOf(uids.slice(0, CHANGE_SLICE_MESSAGES)), 1);
  const moved: Fact = { type: 'MessagesMoved', sourceFolderId: inbox.id, targetFolderId: target.id, pairs };
  const rest = { sourceId: inbox.id, targetId: target.id, uids: uids.slice(CHANGE_SLICE_MESSAGES) };
  return { facts: [created, moved], rest };
}

/** Those of `names` that do not exist; maybe none. */
function planMissing(present: Present, mailboxId: number, names: readonly string[]): FoldersCreated {
  const missing = names.filter((name) => present.queries.folderByName(mailboxId, name) === undefined);
  if (missing.length > 0 && present.queries.folders(mailboxId).length + missing.length > MAX_FOLDERS_PER_MAILBOX) {
    throw tooMany('folders');
  }
  const folders = newFolders(
    present,
    missing.map((name) => ({ name, specialUse: null })),
  );
  return { type: 'FoldersCreated', mailboxId, folders };
}

/** UIDVALIDITY is the time in seconds, but grows with every folder made, so that no name and value come twice. */
function newFolders(
  { tally, wallMs }: Present,
  folders: readonly { name: string; specialUse: SpecialUse | null }[],
): NewFolder[] {
  const firstValidity = Math.max(Math.floor(wallMs / 1000), tally.lastUidValidity + 1, 1);
  if (firstValidity + folders.length > MAX_UID) throw tooMany('folders');
  return folders.map(({ name, specialUse }, index) => ({
    id: tally.nextFolderId + index,
    name,
    uidValidity: firstValidity + index,
    specialUse,
  }));
}

function folderNamed(present: Present, mailboxId: number, wanted: string): Folder {
  const folder = present.queries.folderByName(mailboxId, validName(wanted));
  if (folder === undefined) throw folderNotFound(wanted);
  return folder;
}

function childrenOf(present: Present, folder: Folder): Folder[] {
  const prefix = `${folder.name}/`;
  return present.queries.folders(folder.mailboxId).filter(({ name }) => name.startsWith(prefix));
}

/** The one spelling of it. Problem('FolderNameInvalid') */
export function validName(wanted: string): string {
  const name = normaliseMailboxName(wanted);
  if (name === undefined) throw invalidName(wanted);
  return name;
}

function invalidName(name: string): Problem {
  return new Problem(
    'FolderNameInvalid',
    `Cannot use ${JSON.stringify(name)} as a folder's name here. Choose another.`,
  );
}

function folderExists(name: string): Problem {
  return new Problem('FolderExists', `Cannot create ${JSON.stringify(name)}: a folder of this name exists.`);
}

function folderNotFound(name: string): Problem {
  return new Problem('FolderNotFound', `Cannot find folder ${JSON.stringify(name)}: it does not exist.`);
}

function tooMany(what: string): Problem {
  return new Problem('TooManyFolders', `Cannot add to the mailbox: it has too many ${what}. Delete some first.`);
}
