/** Whether something still fits into a mailbox, and into a folder. */
import { Problem } from '../base/problem.ts';
import { MAX_UID } from '../mail/limits.ts';
import type { Folder } from './mail-store.ts';
import type { MailboxQuota } from './mailbox-keeping.ts';
import type { Present } from './plan-folders.ts';

/** Problem('MailboxNotFound') */
export function quotaOf(present: Pick<Present, 'keeping'>, mailboxId: number): MailboxQuota {
  const quota = present.keeping.quota(mailboxId);
  if (quota !== undefined) return quota;
  throw new Problem('MailboxNotFound', `Cannot find mailbox ${mailboxId}: it does not exist.`);
}

export interface Growth {
  readonly sizeBytes: number;
  readonly messages: number;
}

export function hasRoom(quota: MailboxQuota, growth: Growth): boolean {
  return (
    quota.usedBytes + growth.sizeBytes <= quota.storageBytes && quota.usedMessages + growth.messages <= quota.messages
  );
}

/** Problem('MailboxFull') */
export function checkRoom(present: Present, mailboxId: number, growth: Growth): void {
  if (hasRoom(quotaOf(present, mailboxId), growth)) return;
  throw new Problem('MailboxFull', 'Cannot add to the mailbox: it is full. Delete messages, or raise its limit.');
}

export function checkUidsLeft(folder: Folder, count: number): void {
  if (folder.uidNext + count <= MAX_UID) return;
  throw new Problem(
    'FolderFull',
    `Cannot add to ${folder.name}: its UIDs are used up. Move its messages to a new folder.`,
  );
}
