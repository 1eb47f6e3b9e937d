/**
 * Decides what becomes of removed messages and what still fits into a mailbox, from the database's present state. Runs
 * on the active copy only, synchronously with applying: the time of a removal is decided here, once, for every copy.
 */
import { Problem } from '../base/problem.ts';
import { parentNames } from '../mail/mailbox-name.ts';
import type { UidRange } from '../mail/uid-set.ts';
import type { FoldersCreated, MessagesExpunged } from './facts.ts';
import type {
  AnnotationsSet,
  FolderRanges,
  MailboxLimitsSet,
  MessagesRetained,
  RetainedPurged,
  RetainedRestored,
  RightsSet,
} from './keeping-facts.ts';
import { MAX_ANNOTATIONS, MAX_RETENTION_MS, MAX_RIGHTS } from './limits.ts';
import type { Folder } from './mail-store.ts';
import {
  ALL_MAILBOXES,
  ALL_RIGHTS,
  ANYONE,
  type AnnotationChange,
  type DeletedItem,
  type FolderRights,
  type MailboxLimits,
  WHOLE_MAILBOX,
} from './mailbox-keeping.ts';
import { folderOrProblem, type Present } from './plan-folders.ts';
import { checkRoom, checkUidsLeft, quotaOf } from './room.ts';
import { runsOf } from './uid-ranges.ts';

/** What an expunge of these UIDs is: kept as deleted items, unless the mailbox keeps none. */
export function planRemoval(
  present: Present,
  folder: Folder,
  ranges: readonly UidRange[],
): MessagesRetained | MessagesExpunged {
  if (quotaOf(present, folder.mailboxId).retentionMs === 0) {
    return { type: 'MessagesExpunged', folderId: folder.id, ranges };
  }
  return { type: 'MessagesRetained', folderId: folder.id, ranges, removedMs: present.wallMs };
}

export function planPurge(items: readonly DeletedItem[]): RetainedPurged {
  const byFolder = new Map<number, number[]>();
  for (const { folderId, uid } of items) byFolder.set(folderId, [...(byFolder.get(folderId) ?? []), uid]);
  const folders = [...byFolder].map(
    ([folderId, uids]): FolderRanges => ({ folderId, ranges: runsOf(uids.sort((a, b) => a - b)) }),
  );
  return { type: 'RetainedPurged', folders };
}

/** Problem('MailboxFull' | 'FolderFull') */
export function planRestore(present: Present, target: Folder, items: readonly DeletedItem[]): RetainedRestored {
  checkUidsLeft(target, items.length);
  const sizeBytes = items.reduce((sum, item) => sum + item.sizeBytes, 0);
  checkRoom(present, target.mailboxId, { sizeBytes, messages: items.length });
  const messages = items.map(({ folderId, uid }, index) => ({ folderId, uid, targetUid: target.uidNext + index }));
  return { type: 'RetainedRestored', targetFolderId: target.id, messages };
}

export function planLimits(present: Present, mailboxId: number, change: Partial<MailboxLimits>): MailboxLimitsSet {
  if (mailboxId !== ALL_MAILBOXES) quotaOf(present, mailboxId);
  const limits = { ...present.keeping.limits(mailboxId), ...change };
  for (const limit of Object.values(limits)) if (limit !== null && !isLimit(limit)) throw limitInvalid();
  if ((limits.retentionMs ?? 0) > MAX_RETENTION_MS) throw limitInvalid();
  return { type: 'MailboxLimitsSet', mailboxId, limits };
}

/** Only what changes something. Problem('TooManyAnnotations' | 'FolderNotFound') */
export function planAnnotations(present: Present, change: AnnotationChange): AnnotationsSet {
  const { mailboxId, folderId, owner } = change.place;
  if (folderId !== WHOLE_MAILBOX) folderOrProblem(present, folderId);
  const known = new Map(present.keeping.annotations(change.place).map(({ name, value }) => [name, value]));
  const values = change.values.filter(({ name, value }) => {
    const before = known.get(name);
    return value === null ? before !== undefined : before === undefined || !before.equals(value);
  });
  const names = new Set(known.keys());
  for (const { name, value } of values) {
    if (value === null) names.delete(name);
    else names.add(name);
  }
  if (names.size > MAX_ANNOTATIONS && names.size > known.size) throw tooManyAnnotations();
  return { type: 'AnnotationsSet', mailboxId, folderId, ownerId: owner, values };
}

/** Undefined when it is so already. Problem('FolderNotFound' | 'MailboxNotFound' | 'RightsInvalid' | 'TooManyRights') */
export function planRights(present: Present, folderId: number, wanted: FolderRights): RightsSet | undefined {
  const { granteeId } = wanted;
  const { mailboxId } = folderOrProblem(present, folderId);
  if (granteeId !== ANYONE) quotaOf(present, granteeId);
  const rights = inOrder(wanted.rights);
  if (granteeId === mailboxId || wanted.rights.split('').some((right) => !ALL_RIGHTS.includes(right)))
    throw rightsInvalid();
  const known = present.keeping.rights(folderId);
  const before = known.find((each) => each.granteeId === granteeId)?.rights ?? '';
  if (before === rights) return undefined;
  if (before === '' && known.length >= MAX_RIGHTS) throw tooManyRights();
  return { type: 'RightsSet', folderId, granteeId, rights };
}

/** What is known of a folder that is made below another one: its rights are those of the parent. */
export function inheritedRights(present: Present, created: FoldersCreated): RightsSet[] {
  const [top] = created.folders;
  const parentName = top === undefined ? undefined : parentNames(top.name).at(-1);
  const parent = parentName && present.queries.folderByName(created.mailboxId, parentName);
  if (!parent) return [];
  const rights = present.keeping.rights(parent.id);
  return created.folders.flatMap(({ id }) =>
    rights.map((each): RightsSet => ({ type: 'RightsSet', folderId: id, ...each })),
  );
}

/** Each right once. */
export function inOrder(rights: string): string {
  return ALL_RIGHTS.split('')
    .filter((right) => rights.includes(right))
    .join('');
}

function rightsInvalid(): Problem {
  return new Problem('RightsInvalid', 'Cannot set the rights: these cannot be given, or not to this mailbox.');
}

function tooManyRights(): Problem {
  return new Problem(
    'TooManyRights',
    `Cannot set the rights: ${MAX_RIGHTS} may have some in a folder. Take some away.`,
  );
}

function tooManyAnnotations(): Problem {
  return new Problem(
    'TooManyAnnotations',
    `Cannot keep the annotations: there may be ${MAX_ANNOTATIONS} in one place. Remove some first.`,
  );
}

function isLimit(limit: number): boolean {
  return Number.isSafeInteger(limit) && limit >= 0;
}

function limitInvalid(): Problem {
  return new Problem('LimitInvalid', 'Cannot set the limit: it is not a number that can be kept. Choose another.');
}
