/** Set-MailboxServer: how far a clustered mailbox server may go by itself when records may be missing. */
import { z } from 'zod';
import { Problem } from '../../base/problem.ts';
import { compose } from '../../cluster/changes.ts';
import { type MountPolicy, setFailback, setMountPolicy } from '../../cluster/configuration-changes.ts';
import type { FailbackPolicy } from '../../cluster/register-document.ts';
import { declareCommand } from '../command.ts';
import { findServer } from '../objects.ts';
import { name } from '../schemas.ts';

/** From one full hour to another, UTC. */
const WINDOW = /^([01]?\d|2[0-3])-([01]?\d|2[0-3])$/;
const HOURS = /^(\d{1,5}|unlimited)$/i;

export const setMailboxServer = declareCommand({
  name: 'Set-MailboxServer',
  synopsis: 'Sets how far a clustered mailbox server may go by itself.',
  description:
    'Sets what may be mounted without an administrator although records may be missing. The first two settings matter in async only: in sync and sync-strict only a copy that holds everything acknowledged is ever mounted by itself. The hours are counted while one service of the host runs; its restart begins them anew. With -Failback a storage group that a failover took away moves back, without loss, to the first of its copies once that has been in sync for ten minutes; what an administrator moved stays. Holds from the next look of the hosts on, within a second.',
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
    Failback: z
      .string()
      .regex(/^(prevent|immediate|\d{1,2}-\d{1,2})$/i, 'Prevent, Immediate or hours (UTC) such as 22-4')
      .describe(
        'Whether storage groups move back to the preferred node by themselves: Prevent, Immediate, or between hours of the day (UTC), such as 22-4.',
      )
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
    const { AutoDatabaseMountDial: dial, ForcedDatabaseMountAfter: after, Failback: failback } = parameters;
    const server = findServer(await context.register(), parameters.Identity);
    if (dial === undefined && after === undefined && failback === undefined) {
      throw new Problem(
        'NothingToSet',
        `Cannot change ${server.name}: nothing was given. Give -AutoDatabaseMountDial, -ForcedDatabaseMountAfter or -Failback.`,
      );
    }
    const policy: Partial<MountPolicy> = {
      ...(dial === undefined ? {} : { autoDatabaseMountDial: dial }),
      ...(after === undefined ? {} : { forcedDatabaseMountAfterHours: hoursOf(after) }),
    };
    const back = failback === undefined ? undefined : failbackOf(failback);
    await context.changeRegister((document) =>
      compose(document, [
        (current) => setMountPolicy(current, server.name, policy),
        (current) => back && setFailback(current, server.name, back),
      ]),
    );
    return [];
  },
});

function hoursOf(text: string): number | null {
  return text.toLowerCase() === 'unlimited' ? null : Number(text);
}

/** Problem('ParameterInvalid') */
function failbackOf(text: string): FailbackPolicy {
  const word = text.toLowerCase();
  if (word === 'prevent' || word === 'immediate') return { policy: word };
  const [, fromHour, toHour] = WINDOW.exec(text) ?? [];
  if (fromHour === undefined || toHour === undefined || Number(fromHour) === Number(toHour)) {
    throw new Problem(
      'ParameterInvalid',
      `Cannot set -Failback ${text}: it is two different hours from 0 to 23, such as 22-4.`,
    );
  }
  return { policy: 'window', fromHour: Number(fromHour), toHour: Number(toHour) };
}
