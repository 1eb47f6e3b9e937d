/** Mailboxes as administration shows them, and the questions about them to an active copy. */
import { z } from 'zod';
import { Problem } from '../base/problem.ts';
import type { Column, Row } from './command.ts';
import type { AdminContext } from './context.ts';
import { isoTime, type StorageGroup } from './objects.ts';

const mailboxSchema = z.object({
  guid: z.string(),
  address: z.string(),
  displayName: z.string(),
  createdMs: z.number(),
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
  };
}
