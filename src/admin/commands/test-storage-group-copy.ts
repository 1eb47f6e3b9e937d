/** Test-StorageGroupCopy: proves that the copies of a storage group hold the same, or says where they do not. */
import { z } from 'zod';
import { Problem } from '../../base/problem.ts';
import { declareCommand } from '../command.ts';
import type { CopyComparison } from '../context.ts';
import { formatPosition, selectStorageGroups } from '../objects.ts';
import { storageGroupIdentity } from '../schemas.ts';

export const testStorageGroupCopy = declareCommand({
  name: 'Test-StorageGroupCopy',
  synopsis: 'Compares the copies of a storage group.',
  description:
    'Compares what the active copy and each other copy hold at the same position of the log: one digest over everything and one for each folder. While mail comes in, the copies may stand at different positions when they are asked; then nothing is said (NotComparable), and trying again helps. The copies compare themselves within a minute or two when nothing changes any more; Test-ReplicationHealth shows what came of it.',
  parameters: z.strictObject({ Identity: storageGroupIdentity.optional() }),
  positional: ['Identity'],
  permission: 'View-Only Administrator',
  columns: [
    { name: 'Identity', type: 'text', description: 'The storage group, as server\\name.' },
    { name: 'ActiveCopy', type: 'text', description: 'The host of the active copy.' },
    { name: 'Copy', type: 'text', description: 'The host of the copy it was compared with.' },
    { name: 'Position', type: 'text', description: 'Where both stood in the log.' },
    { name: 'Result', type: 'text', description: 'Equal, Different or NotComparable.' },
    {
      name: 'DifferentFolders',
      type: 'list',
      description: 'Ids of folders that differ; 0 is what belongs to no folder.',
    },
    { name: 'Error', type: 'text', description: 'Why they could not be compared.' },
  ],
  table: ['Identity', 'ActiveCopy', 'Copy', 'Result', 'Error'],
  examples: [{ line: 'Test-StorageGroupCopy', what: 'Compares the copies of every storage group.' }],
  handler: async (context, { Identity: identity }) => {
    const groups = selectStorageGroups(await context.register(), { identity, server: undefined });
    const rows = groups.map(async ({ identity: group, name, record }) => {
      if (record.active === null) {
        throw new Problem('NotActive', `Cannot compare the copies of ${group}: none of them is active.`, {
          temporary: true,
        });
      }
      const active = record.active;
      const comparisons = (await context.askHost(active, 'compare-copy', { storageGroup: name })) as CopyComparison[];
      return comparisons.map((each) => ({
        Identity: group,
        ActiveCopy: active,
        Copy: each.host,
        Position: formatPosition(each.lsn),
        Result: each.result,
        DifferentFolders: each.differentFolders.map(String),
        Error: each.reason,
      }));
    });
    return (await Promise.all(rows)).flat();
  },
});
