/** Get-Mailbox: the mailboxes of the storage groups, asked of their active copies. */
import { z } from 'zod';
import { declareCommand } from '../command.ts';
import { adminLimits } from '../limits.ts';
import { isNamed, listMailboxes, mailboxColumns, mailboxRow, noMailbox } from '../mailboxes.ts';
import { selectStorageGroups } from '../objects.ts';
import { name, storageGroupIdentity } from '../schemas.ts';

export const getMailbox = declareCommand({
  name: 'Get-Mailbox',
  synopsis: 'Shows mailboxes.',
  description: 'Shows one mailbox, or all mailboxes of a server or of a storage group. The active copies are asked.',
  parameters: z.strictObject({
    Identity: name('The mail address, the name before its @, the display name or the GUID of one mailbox.').optional(),
    Server: name('Only mailboxes of this clustered mailbox server.').optional(),
    StorageGroup: storageGroupIdentity.optional(),
    ResultSize: z
      .int()
      .min(1)
      .max(adminLimits.maxResultSize)
      .default(adminLimits.defaultResultSize)
      .describe('How many mailboxes are shown at most.'),
  }),
  positional: ['Identity'],
  permission: 'View-Only Administrator',
  columns: mailboxColumns,
  table: ['Name', 'PrimarySmtpAddress', 'ServerName', 'StorageGroup'],
  examples: [
    { line: 'Get-Mailbox', what: 'Lists the mailboxes.' },
    { line: 'Get-Mailbox user1@example.test -Format List', what: 'Shows everything about one mailbox.' },
  ],
  handler: async (context, { Identity: identity, Server: server, StorageGroup: storageGroup, ResultSize: limit }) => {
    const document = await context.register();
    const groups = selectStorageGroups(document, { identity: storageGroup, server });
    const lists = await Promise.all(
      groups.map(async (group) => {
        const mailboxes = await listMailboxes(context, group);
        return mailboxes.map((mailbox) => mailboxRow(group, mailbox));
      }),
    );
    const rows = lists.flat();
    if (identity === undefined) return rows.slice(0, limit);
    const found = rows.filter((row) => isNamed(row, identity));
    if (found.length > 0) return found.slice(0, limit);
    throw noMailbox(identity);
  },
});
