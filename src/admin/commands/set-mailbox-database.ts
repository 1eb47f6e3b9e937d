/** Set-MailboxDatabase: what holds for the mailboxes of a storage group that have no limits of their own. */
import { z } from 'zod';
import { declareCommand } from '../command.ts';
import { givenLimits, limitParameters, retentionParameter } from '../mailbox-limits.ts';
import { setLimits } from '../mailboxes.ts';
import { findStorageGroup } from '../objects.ts';
import { storageGroupIdentity } from '../schemas.ts';

export const setMailboxDatabase = declareCommand({
  name: 'Set-MailboxDatabase',
  synopsis: "Sets the limits of a storage group's mailboxes.",
  description:
    'Sets the limits of all mailboxes of a storage group that have none of their own (Set-Mailbox): how much they may hold, and how long their deleted items can be got back. The change goes through the log like any other, so every copy has it. What is not given stays as it is; default takes a setting back: no limit, and 14 days.',
  parameters: z.strictObject({
    Identity: storageGroupIdentity,
    ...limitParameters,
    DeletedItemRetention: retentionParameter.describe(
      'Days for which deleted items can be got back; 0 keeps none, default is 14.',
    ),
  }),
  positional: ['Identity'],
  permission: 'Server Administrator',
  change: { asks: false, describe: ({ Identity: identity }) => `Set the limits of the mailboxes of ${identity}` },
  columns: [],
  table: [],
  examples: [
    {
      line: "Set-MailboxDatabase 'mbx01\\First Storage Group' -ProhibitSendReceiveQuota 2GB -DeletedItemRetention 30",
      what: 'Two gigabytes for everyone, and deleted items for 30 days.',
    },
  ],
  handler: async (context, { Identity: identity, DeletedItemRetention: retentionDays, ...limits }) => {
    const group = findStorageGroup(await context.register(), identity);
    await setLimits(context, group, { address: null, limits: givenLimits({ ...limits, retentionDays }) });
    return [];
  },
});
