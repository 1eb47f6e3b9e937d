/** Get-MailboxServer: how far a clustered mailbox server may go by itself, as Set-MailboxServer set it. */
import { z } from 'zod';
import { DIAL_LOG_FILES } from '../../cluster/estimate-loss.ts';
import type { FailbackPolicy } from '../../cluster/register-document.ts';
import { declareCommand } from '../command.ts';
import { findServer } from '../objects.ts';
import { name } from '../schemas.ts';

export const getMailboxServer = declareCommand({
  name: 'Get-MailboxServer',
  synopsis: 'Shows the settings of clustered mailbox servers.',
  description:
    'Shows what has been set for each clustered mailbox server: its machines, how many log files may be missing when a copy takes over by itself, and after how many hours one is mounted whatever is missing. Get-ClusteredMailboxServerStatus shows how it is.',
  parameters: z.strictObject({ Identity: name('Only this clustered mailbox server.').optional() }),
  positional: ['Identity'],
  permission: 'View-Only Administrator',
  columns: [
    { name: 'Identity', type: 'text', description: 'The clustered mailbox server.' },
    { name: 'RedundantMachines', type: 'list', description: 'Machines that may run it.' },
    { name: 'StorageGroups', type: 'list', description: 'What it serves.' },
    {
      name: 'AutoDatabaseMountDial',
      type: 'text',
      description: 'Lossless, GoodAvailability or BestAvailability; matters in async only.',
    },
    { name: 'ToleratedLogFiles', type: 'number', description: 'What the dial means, in missing log files.' },
    { name: 'ForcedDatabaseMountAfter', type: 'text', description: 'Hours, or Unlimited; matters in async only.' },
    { name: 'Failback', type: 'text', description: 'Prevent, Immediate, or hours of the day (UTC).' },
    { name: 'StopReason', type: 'text', description: 'Why it was stopped; empty when it was not.' },
  ],
  table: ['Identity', 'RedundantMachines', 'AutoDatabaseMountDial', 'ForcedDatabaseMountAfter'],
  examples: [{ line: 'Get-MailboxServer mbx01', what: 'Shows the settings of one.' }],
  handler: async (context, { Identity: identity }) => {
    const document = await context.register();
    const names = identity === undefined ? Object.keys(document.clusteredMailboxServers) : [identity];
    return names.map((each) => {
      const { name: found, record } = findServer(document, each);
      return {
        Identity: found,
        RedundantMachines: record.redundantMachines,
        StorageGroups: record.storageGroups,
        AutoDatabaseMountDial: record.autoDatabaseMountDial,
        ToleratedLogFiles: DIAL_LOG_FILES[record.autoDatabaseMountDial],
        ForcedDatabaseMountAfter: record.forcedDatabaseMountAfterHours?.toString() ?? 'Unlimited',
        Failback: failbackText(record.failback),
        StopReason: record.stopped?.reason ?? null,
      };
    });
  },
});

function failbackText(failback: FailbackPolicy | undefined): string {
  if (failback?.policy === 'window') return `${failback.fromHour}-${failback.toHour}`;
  return failback?.policy === 'immediate' ? 'Immediate' : 'Prevent';
}
