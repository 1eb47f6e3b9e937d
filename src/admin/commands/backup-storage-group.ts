/**
 * Backup-StorageGroup: a backup of one storage group, read from one of its copies while everything goes on. By default
 * that is the passive copy, which has nothing better to do; its log is cut as the active one's, for every copy is told.
 */
import { z } from 'zod';
import { Problem } from '../../base/problem.ts';
import { declareCommand } from '../command.ts';
import { findStorageGroup, formatPosition, isoTime, type StorageGroup, sameName } from '../objects.ts';
import { lineOfText, name, storageGroupIdentity } from '../schemas.ts';

const PATH_CHARACTERS = 1_000;

const summarySchema = z.object({
  id: z.string(),
  host: z.string(),
  takenMs: z.number(),
  startLsn: z.number(),
  endLsn: z.number(),
  files: z.number(),
  sizeBytes: z.number(),
});

export const backupStorageGroup = declareCommand({
  name: 'Backup-StorageGroup',
  synopsis: 'Takes a backup of a storage group.',
  description:
    "Writes a backup into a folder of the storage group's name below -Path, on the host of the copy that is read. A full backup holds the database, the messages and the log; an incremental one holds the log since the backup before it in the same folder, and needs circular logging to be off. Everything is checked as it is read, and read back when it is written; a backup without its manifest was interrupted and may be deleted. Afterwards the log files that it holds may go. `holdfast restore` brings it back.",
  parameters: z.strictObject({
    Identity: storageGroupIdentity,
    Path: lineOfText(PATH_CHARACTERS).min(1, 'it is empty').describe('The folder for backups, as a whole path.'),
    Type: z.enum(['Full', 'Incremental']).default('Full').describe('What is backed up.'),
    Source: z
      .enum(['Active', 'Passive'])
      .optional()
      .describe('Which copy is read; the passive one if there is one in sync, unless it is given.'),
    StandbyMachine: name('The host of the passive copy; needed only where there are several.').optional(),
  }),
  positional: ['Identity', 'Path'],
  permission: 'Server Administrator',
  change: {
    asks: false,
    describe: ({ Identity: identity, Path: path, Type: type }) =>
      `Take ${type === 'Full' ? 'a full' : 'an incremental'} backup of ${identity} into ${path}`,
  },
  columns: [
    { name: 'Backup', type: 'text', description: "The name of the backup's folder." },
    { name: 'StorageGroupName', type: 'text', description: 'The storage group.' },
    { name: 'Type', type: 'text', description: 'Full or Incremental.' },
    { name: 'Server', type: 'text', description: 'The host whose copy was read.' },
    { name: 'Taken', type: 'time', description: 'When it was finished.' },
    { name: 'FirstPosition', type: 'text', description: 'Where its database stands, or the backup before it ended.' },
    { name: 'LastPosition', type: 'text', description: 'The last record in it.' },
    { name: 'Files', type: 'number', description: 'How many files it has.' },
    { name: 'SizeBytes', type: 'number', description: 'How large they are together.' },
  ],
  table: ['Backup', 'Type', 'Server', 'LastPosition', 'SizeBytes'],
  examples: [
    { line: "Backup-StorageGroup 'First Storage Group' /backup", what: 'Takes a full backup of the passive copy.' },
    {
      line: "Backup-StorageGroup 'First Storage Group' /backup -Type Incremental",
      what: 'Adds what has happened since.',
    },
  ],
  handler: async (context, parameters) => {
    const { Identity: identity, Path: path, Type: type, Source: source, StandbyMachine: machine } = parameters;
    const group = findStorageGroup(await context.register(), identity);
    const host = sourceHost(group, source, machine);
    const order = { storageGroup: group.name, path, type };
    const answer = await context.askHost(host, 'back-up-copy', order, (line) => context.reportProgress(line));
    const summary = summarySchema.parse(answer);
    return [
      {
        Backup: summary.id,
        StorageGroupName: group.name,
        Type: type,
        Server: summary.host,
        Taken: isoTime(summary.takenMs),
        FirstPosition: formatPosition(summary.startLsn),
        LastPosition: formatPosition(summary.endLsn),
        Files: summary.files,
        SizeBytes: summary.sizeBytes,
      },
    ];
  },
});

function sourceHost(
  group: StorageGroup,
  source: 'Active' | 'Passive' | undefined,
  machine: string | undefined,
): string {
  const { active, copies, inSync } = group.record;
  const cannot = `Cannot back up ${group.identity}`;
  const passive = copies.filter((host) => host !== active);
  if (machine !== undefined) {
    const host = sameName(passive, machine);
    if (host !== undefined && source !== 'Active') return host;
    throw new Problem('CopyNotFound', `${cannot} from ${machine}: there is no passive copy on it`);
  }
  const [best] = source === 'Active' ? [] : passive.filter((host) => inSync.includes(host));
  if (best !== undefined) return best;
  const [any] = source === 'Passive' ? passive : [];
  const host = any ?? (source === 'Passive' ? null : active);
  if (host !== null) return host;
  throw new Problem('CopyNotFound', `${cannot}: there is no ${source === 'Passive' ? 'passive' : 'active'} copy`);
}
