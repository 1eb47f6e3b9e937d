/** Set-Mailbox: what a mailbox may hold, and how long its deleted items can be got back. */
import { z } from 'zod';
import { declareCommand } from '../command.ts';
import { givenLimits, limitParameters, retentionParameter } from '../mailbox-limits.ts';
import { findMailbox, setLimits } from '../mailboxes.ts';
import { name } from '../schemas.ts';

export const setMailbox = declareCommand({
  name: 'Set-Mailbox',
  synopsis: 'Sets the limits of a mailbox.',
  description:
    'Sets what a mailbox may hold and how long its deleted items can be got back. What is not given stays as it is; default takes a setting back, so that the storage group decides (Set-MailboxDatabase). Above a limit, mail from outside is refused with 452 4.2.2, and APPEND and COPY with OVERQUOTA. Deleted items do not count.',
  parameters: z.strictObject({
    Identity: name('The mail address, the name before its @, the display name or the GUID of the mailbox.'),
    ...limitParameters,
    RetainDeletedItemsFor: retentionParameter.describe(
      'Days for which deleted items can be got back; 0 keeps none, default asks the storage group.',
    ),
  }),
  positional: ['Identity'],
  permission: 'Server Administrator',
  change: { asks: false, describe: ({ Identity: identity }) => `Set limits of mailbox ${identity}` },
  columns: [],
  table: [],
  examples: [
    {
      line: 'Set-Mailbox anna@example.test -IssueWarningQuota 900MB -ProhibitSendReceiveQuota 1GB',
      what: 'Warns at 900 MB and takes nothing more at 1 GB.',
    },
    { line: 'Set-Mailbox anna@example.test -RetainDeletedItemsFor 30', what: 'Keeps deleted items for 30 days.' },
  ],
  handler: async (context, { Identity: identity, RetainDeletedItemsFor: retentionDays, ...limits }) => {
    const { group, mailbox } = await findMailbox(context, identity);
    const request = { address: mailbox.address, limits: givenLimits({ ...limits, retentionDays }) };
    await setLimits(context, group, request);
    return [];
  },
});
