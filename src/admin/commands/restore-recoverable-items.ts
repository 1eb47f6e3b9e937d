/** Restore-RecoverableItems: deleted messages become messages again. */
import { z } from 'zod';
import { declareCommand } from '../command.ts';
import { adminLimits } from '../limits.ts';
import { findMailbox, restoreDeletedItems } from '../mailboxes.ts';
import { name } from '../schemas.ts';

const IDENTITY = /^(\d{1,15}):(\d{1,10})$/;

export const restoreRecoverableItems = declareCommand({
  name: 'Restore-RecoverableItems',
  synopsis: 'Gets deleted messages back.',
  description:
    'Makes deleted messages of a mailbox messages again, with their flags and dates, where they were or in the folder that is named; a folder that is gone is made anew. Clients see them as new messages. Without -Item all of them come back, the ones that went last first, 10,000 at once. They count for the limits of the mailbox again.',
  parameters: z.strictObject({
    Identity: name('The mail address, the name before its @, the display name or the GUID of the mailbox.'),
    Item: z
      .array(z.string().regex(IDENTITY, 'an Identity of Get-RecoverableItems is wanted'))
      .max(adminLimits.maxRecoverableItems)
      .describe('Identities that Get-RecoverableItems shows, separated by commas.')
      .optional(),
    TargetFolder: name('The folder to put them in; it is made when it is not there.').optional(),
  }),
  positional: ['Identity'],
  permission: 'Server Administrator',
  change: { asks: false, describe: ({ Identity: identity }) => `Get deleted items of ${identity} back` },
  columns: [{ name: 'Restored', type: 'number', description: 'How many came back.' }],
  table: ['Restored'],
  examples: [
    { line: 'Restore-RecoverableItems anna@example.test', what: 'Gets back everything that can be got back.' },
    {
      line: 'Restore-RecoverableItems anna@example.test -Item 12:7,12:9 -TargetFolder Recovered',
      what: 'Puts two messages into the folder Recovered.',
    },
  ],
  handler: async (context, { Identity: identity, Item: items, TargetFolder: folderName = null }) => {
    const found = await findMailbox(context, identity);
    const request = { items: items?.map(itemOf) ?? null, folderName };
    return [{ Restored: await restoreDeletedItems(context, found, request) }];
  },
});

function itemOf(identity: string): { folderId: number; uid: number } {
  const [, folderId, uid] = IDENTITY.exec(identity) ?? [];
  return { folderId: Number(folderId), uid: Number(uid) };
}
