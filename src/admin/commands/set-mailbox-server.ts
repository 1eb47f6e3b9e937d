/** Set-MailboxServer: how far a clustered mailbox server may go by itself when records may be missing. */
import { z } from 'zod';
import { Problem } from '../../base/problem.ts';
import { type MountPolicy, setMountPolicy } from '../../cluster/configuration-changes.ts';
import { declareCommand } from '../command.ts';
import { findServer } from '../objects.ts';
import { name } from '../schemas.ts';

const HOURS = /^(\d{1,5}|unlimited)$/i;

export const setMailboxServer = declareCommand({
  name: 'Set-MailboxServer',
  synopsis: 'Sets how far a clustered mailbox server may go by itself.',
  description:
    'Sets what may be mounted without an administrator although records may be missing. Both settings matter in async only: in sync and sync-strict only a copy that holds everything acknowledged is ever mounted by itself. The hours are counted while one service of the host runs; its restart begins them anew. Holds from the next look of the hosts on, within a second.',
  parameters: z.strictObject({
    Identity: name('The clustered mailbox server.'),
    AutoDatabaseMountDial: z
      .enum(['Lossless', 'GoodAvailability', 'BestAvailability'])
      .describe('Log files that may be missing at an automatic mount: at most 0, 3 or 6.')
      .optional(),
    ForcedDatabaseMountAfter: z
      .string()
      .regex(HOURS, 'hours, such as 12, or Unlimited')
      .describe('Hours after which a copy is mounted whatever is missing, or Unlimited.')
      .optional(),
  }),
  positional: ['Identity'],
  permission: 'Server Administrator',
  change: { asks: false, describe: ({ Identity: identity }) => `Change the settings of ${identity}` },
  columns: [],
  table: [],
  examples: [
    {
      line: 'Set-MailboxServer mbx01 -AutoDatabaseMountDial GoodAvailability -ForcedDatabaseMountAfter 12',
      what: 'Mounts by itself with up to 3 log files missing, and after 12 hours with any number.',
    },
  ],
  handler: async (context, parameters) => {
    const { AutoDatabaseMountDial: dial, ForcedDatabaseMountAfter: after } = parameters;
    const server = findServer(await context.register(), parameters.Identity);
    if (dial === undefined && after === undefined) {
      throw new Problem(
        'NothingToSet',
        `Cannot change ${server.name}: nothing was given. Give -AutoDatabaseMountDial or -ForcedDatabaseMountAfter.`,
      );
    }
    const policy: Partial<MountPolicy> = {
      ...(dial === undefined ? {} : { autoDatabaseMountDial: dial }),
      ...(after === undefined ? {} : { forcedDatabaseMountAfterHours: hoursOf(after) }),
    };
    await context.changeRegister((document) => setMountPolicy(document, server.name, policy));
    return [];
  },
});

function hoursOf(text: string): number | null {
  return text.toLowerCase() === 'unlimited' ? null : Number(text);
}
