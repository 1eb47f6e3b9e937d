/** Get-LogTruncation: why each closed log file of a copy is still there. */
import { z } from 'zod';
import { declareCommand } from '../command.ts';
import { copyHost, formatPosition, isoTime, selectStorageGroups } from '../objects.ts';
import { name, storageGroupIdentity } from '../schemas.ts';

const needsSchema = z.array(
  z.object({
    name: z.string(),
    generation: z.number(),
    lastLsn: z.number(),
    sizeBytes: z.number(),
    createdMs: z.number(),
    reasons: z.array(z.string()),
  }),
);

export const getLogTruncation = declareCommand({
  name: 'Get-LogTruncation',
  synopsis: 'Shows why log files are still there.',
  description:
    'Shows the closed log files of a copy, oldest first, each with everything that keeps it from being deleted: the database whose checkpoint lies before it, a copy that does not have it yet, a seed, the files kept for a copy that was away, or that it is not backed up and circular logging is off. A file without a reason goes within seconds. Files are deleted oldest first, so one reason keeps all files behind it.',
  parameters: z.strictObject({
    Identity: storageGroupIdentity.optional(),
    Server: name('The host of the copy; the active one unless it is given.').optional(),
  }),
  positional: ['Identity'],
  permission: 'View-Only Administrator',
  columns: [
    { name: 'StorageGroup', type: 'text', description: 'The storage group, as server\\name.' },
    { name: 'Name', type: 'text', description: 'The name of the log file.' },
    { name: 'Server', type: 'text', description: 'The host of the copy.' },
    { name: 'Generation', type: 'number', description: 'Its generation.' },
    { name: 'Created', type: 'time', description: 'When it was made, on the clock of the copy that was active then.' },
    { name: 'LastRecord', type: 'text', description: 'The position of its last record.' },
    { name: 'SizeBytes', type: 'number', description: 'Its size.' },
    { name: 'Reasons', type: 'list', description: 'Why it is still there.' },
  ],
  table: ['Name', 'LastRecord', 'Reasons'],
  examples: [
    { line: "Get-LogTruncation 'mbx01\\First Storage Group'", what: 'Explains the log files of the active copy.' },
  ],
  handler: async (context, { Identity: identity, Server: server }) => {
    const groups = selectStorageGroups(await context.register(), { identity, server: undefined });
    const rows = groups.map(async (group) => {
      const host = copyHost(group, server, 'show the log files of');
      const needs = needsSchema.parse(await context.askHost(host, 'log-files', { storageGroup: group.name }));
      return needs.map((need) => ({
        StorageGroup: group.identity,
        Name: need.name,
        Server: host,
        Generation: need.generation,
        Created: isoTime(need.createdMs),
        LastRecord: formatPosition(need.lastLsn),
        SizeBytes: need.sizeBytes,
        Reasons: need.reasons,
      }));
    });
    return (await Promise.all(rows)).flat();
  },
});
