/** Get-MailboxDatabase: the limits that a storage group's mailboxes have when nothing is set for them. */
import { z } from 'zod';
import { declareCommand } from '../command.ts';
import { limitCells, limitColumns } from '../mailbox-limits.ts';
import { defaultLimits } from '../mailboxes.ts';
import { selectStorageGroups } from '../objects.ts';
import { storageGroupIdentity } from '../schemas.ts';

export const getMailboxDatabase = declareCommand({
  name: 'Get-MailboxDatabase',
  synopsis: "Shows the limits of a storage group's mailboxes.",
  description:
    'Shows the limits that hold for the mailboxes of a storage group that have none of their own. The active copies are asked. What is empty was never set: there is no limit then, and deleted items can be got back for 14 days.',
  parameters: z.strictObject({ Identity: storageGroupIdentity.optional() }),
  positional: ['Identity'],
  permission: 'View-Only Administrator',
  columns: [{ name: 'Identity', type: 'text', description: 'The storage group.' }, ...limitColumns],
  table: ['Identity', 'IssueWarningQuota', 'ProhibitSendReceiveQuota', 'MessageLimit', 'RetainDeletedItemsFor'],
  examples: [{ line: 'Get-MailboxDatabase', what: 'Shows the limits of every storage group.' }],
  handler: async (context, { Identity: identity }) => {
    const groups = selectStorageGroups(await context.register(), { identity, server: undefined });
    return Promise.all(
      groups.map(async (group) => ({
        Identity: group.identity,
        ...limitCells(await defaultLimits(context, group)),
      })),
    );
  },
});
