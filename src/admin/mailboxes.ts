/** Mailboxes as administration shows them, and the questions about them to an active copy. */
import { z } from 'zod';
import { Problem } from '../base/problem.ts';
import type { Column, Row } from './command.ts';
import type { AdminContext } from './context.ts';
import { type GivenLimits, limitCells, limitColumns, limitStatus, printSize } from './mailbox-limits.ts';
import { isoTime, type StorageGroup, storageGroupsOf } from './objects.ts';

const quotaSchema = z.object({
  retentionMs: z.number(),
  warningBytes: z.number(),
  storageBytes: z.number(),
  messages: z.number(),
  usedBytes: z.number(),
  usedMessages: z.number(),
});
export type MailboxLimitsRow = z.infer<typeof quotaSchema>;

const mailboxSchema = z.object({
  guid: z.string(),
  address: z.string(),
  displayName: z.string(),
  createdMs: z.number(),
  /** Not told of a mailbox that was just made. */
  quota: quotaSchema.optional(),
});
export type ListedMailbox = z.infer<typeof mailboxSchema>;

/** The copy's method `mailboxes`: body {}, answer a list of store/mail-store.ts Mailbox, without the credential. */
export async function listMailboxes(context: AdminContext, group: StorageGroup): Promise<readonly ListedMailbox[]> {
  return understood('mailboxes', z.array(mailboxSchema), await context.askActiveCopy(group.name, 'mailboxes', {}));
}

/** The copy's method `create-mailbox`: body { address, displayName, credential }, answer the Mailbox. */
export async function createMailbox(
  context: AdminContext,
  group: StorageGroup,
  mailbox: { address: string; displayName: string; credential: string | null },
): Promise<ListedMailbox> {
  return understood(
    'create-mailbox',
    mailboxSchema,
    await context.askActiveCopy(group.name, 'create-mailbox', mailbox),
  );
}

const limitsSchema = z.object({
  retentionMs: z.number().nullable(),
  warningBytes: z.number().nullable(),
  storageBytes: z.number().nullable(),
  messages: z.number().nullable(),
});

/** As set for the storage group as a whole. */
export async function defaultLimits(context: AdminContext, group: StorageGroup) {
  return understood(
    'get-limits',
    limitsSchema,
    await context.askActiveCopy(group.name, 'get-limits', { address: null }),
  );
}

/** `address` null: the storage group's defaults. */
export async function setLimits(
  context: AdminContext,
  group: StorageGroup,
  request: { address: string | null; limits: GivenLimits },
): Promise<void> {
  if (Object.keys(request.limits).length === 0) {
    throw new Problem('NothingToSet', 'Cannot change limits: nothing was given. Give at least one limit.');
  }
  await context.askActiveCopy(group.name, 'set-limits', request);
}

const deletedItemSchema = z.object({
  folderId: z.number(),
  uid: z.number(),
  folderName: z.string(),
  internalDateMs: z.number(),
  sizeBytes: z.number(),
  removedMs: z.number(),
  subject: z.string().nullable(),
});
export type ListedItem = z.infer<typeof deletedItemSchema>;

export async function listDeletedItems(
  context: AdminContext,
  { group, mailbox }: FoundMailbox,
  limit: number,
): Promise<readonly ListedItem[]> {
  const question = { address: mailbox.address, limit };
  return understood(
    'deleted-items',
    z.array(deletedItemSchema),
    await context.askActiveCopy(group.name, 'deleted-items', question),
  );
}

/** `items` null: all of them. Returns how many came back. */
export async function restoreDeletedItems(
  context: AdminContext,
  { group, mailbox }: FoundMailbox,
  request: { items: readonly { folderId: number; uid: number }[] | null; folderName: string | null },
): Promise<number> {
  const question = { address: mailbox.address, ...request };
  const answer = await context.askActiveCopy(group.name, 'restore-items', question);
  return understood('restore-items', z.object({ restored: z.number() }), answer).restored;
}

export interface FoundMailbox {
  readonly group: StorageGroup;
  readonly mailbox: ListedMailbox;
}

/** One mailbox by its address, alias, display name or GUID. Problem('MailboxNotFound' | 'ParameterInvalid') */
export async function findMailbox(context: AdminContext, identity: string): Promise<FoundMailbox> {
  const groups = storageGroupsOf(await context.register());
  const lists = await Promise.all(
    groups.map(async (group) => (await listMailboxes(context, group)).map((mailbox) => ({ group, mailbox }))),
  );
  const found = lists.flat().filter(({ group, mailbox }) => isNamed(mailboxRow(group, mailbox), identity));
  if (found.length === 1 && found[0] !== undefined) return found[0];
  if (found.length === 0) throw noMailbox(identity);
  throw new Problem('ParameterInvalid', `Cannot tell which mailbox ${identity} is: give the mail address.`);
}

export function noMailbox(identity: string): Problem {
  return new Problem('MailboxNotFound', `Cannot find mailbox ${identity}: there is none. Get-Mailbox lists all.`);
}

export function isNamed(row: Row, identity: string): boolean {
  const keys = ['PrimarySmtpAddress', 'Alias', 'DisplayName', 'Guid'] as const;
  return keys.some((key) => String(row[key]).toLowerCase() === identity.toLowerCase());
}

/** Hosts may run different versions: what another one answered is checked like any input. */
function understood<T>(method: string, schema: z.ZodType<T>, answer: unknown): T {
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  throw new Problem(
    'AnswerInvalid',
    `Cannot understand the answer to ${method}: ${result.error.issues[0]?.message ?? ''}. The hosts may run different versions.`,
  );
}

export const mailboxColumns: readonly Column[] = [
  { name: 'Identity', type: 'text', description: 'The mail address.' },
  { name: 'Name', type: 'text', description: 'The display name, or the alias where there is none.' },
  { name: 'Alias', type: 'text', description: 'What stands before the @.' },
  { name: 'DisplayName', type: 'text', description: 'The name that people see.' },
  { name: 'PrimarySmtpAddress', type: 'text', description: 'The mail address.' },
  { name: 'ServerName', type: 'text', description: 'The clustered mailbox server.' },
  { name: 'StorageGroup', type: 'text', description: 'The storage group that holds it.' },
  { name: 'Guid', type: 'text', description: 'The same on every copy, for ever.' },
  { name: 'WhenCreated', type: 'time', description: 'When it was made.' },
  { name: 'TotalItemSize', type: 'text', description: 'What its messages have together, deleted items not counted.' },
  { name: 'ItemCount', type: 'number', description: 'Its messages, deleted items not counted.' },
  ...limitColumns,
  { name: 'StorageLimitStatus', type: 'text', description: 'BelowLimit, IssueWarning or MailboxDisabled.' },
];

export function mailboxRow(group: StorageGroup, mailbox: ListedMailbox): Row {
  const alias = mailbox.address.slice(0, Math.max(0, mailbox.address.lastIndexOf('@')));
  return {
    Identity: mailbox.address,
    Name: mailbox.displayName === '' ? alias : mailbox.displayName,
    Alias: alias,
    DisplayName: mailbox.displayName,
    PrimarySmtpAddress: mailbox.address,
    ServerName: group.server,
    StorageGroup: group.identity,
    Guid: mailbox.guid,
    WhenCreated: isoTime(mailbox.createdMs),
    ...quotaCells(mailbox.quota),
  };
}

function quotaCells(quota: MailboxLimitsRow | undefined): Row {
  return {
    TotalItemSize: printSize(quota?.usedBytes ?? null),
    ItemCount: quota?.usedMessages ?? null,
    ...limitCells(quota),
    StorageLimitStatus: quota === undefined ? null : limitStatus(quota),
  };
}
