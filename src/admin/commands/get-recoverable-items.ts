/** Get-RecoverableItems: what was deleted in a mailbox and can still be got back. */
import { z } from 'zod';
import { declareCommand } from '../command.ts';
import { adminLimits } from '../limits.ts';
import { printSize } from '../mailbox-limits.ts';
import { findMailbox, type ListedItem, listDeletedItems } from '../mailboxes.ts';
import { isoTime } from '../objects.ts';
import { name } from '../schemas.ts';

export const getRecoverableItems = declareCommand({
  name: 'Get-RecoverableItems',
  synopsis: 'Shows deleted messages that can be got back.',
  description:
    'Shows the messages of a mailbox that were deleted for good in a client, and that can still be got back with Restore-RecoverableItems: for 14 days, unless something else is set. What went last comes first.',
  parameters: z.strictObject({
    Identity: name('The mail address, the name before its @, the display name or the GUID of the mailbox.'),
    ResultSize: z
      .int()
      .min(1)
      .max(adminLimits.maxRecoverableItems)
      .default(adminLimits.defaultResultSize)
      .describe('How many items are shown at most.'),
  }),
  positional: ['Identity'],
  permission: 'Server Administrator',
  columns: [
    { name: 'Identity', type: 'text', description: 'What Restore-RecoverableItems takes as an item.' },
    { name: 'Folder', type: 'text', description: 'Where the message was.' },
    { name: 'Subject', type: 'text', description: 'Its subject, as it was written.' },
    { name: 'Received', type: 'time', description: 'The date that the message has in its folder.' },
    { name: 'Deleted', type: 'time', description: 'When it was deleted.' },
    { name: 'Size', type: 'text', description: 'The size of the message.' },
  ],
  table: ['Identity', 'Folder', 'Deleted', 'Size', 'Subject'],
  examples: [{ line: 'Get-RecoverableItems anna@example.test', what: 'Lists what Anna can get back.' }],
  handler: async (context, { Identity: identity, ResultSize: limit }) => {
    const items = await listDeletedItems(context, await findMailbox(context, identity), limit);
    return items.map((item) => itemRow(item));
  },
});

function itemRow(item: ListedItem) {
  return {
    Identity: `${item.folderId}:${item.uid}`,
    Folder: item.folderName,
    Subject: item.subject,
    Received: isoTime(item.internalDateMs),
    Deleted: isoTime(item.removedMs),
    Size: printSize(item.sizeBytes),
  };
}
