/**
 * Restore-Mailbox: what a backup has of one mailbox comes back into the running system. Exchange mounts a recovery storage
 * group for it and merges from there; here the host that has the backup makes a copy for the time of the command.
 */
import { z } from 'zod';
import { Problem } from '../../base/problem.ts';
import { declareCommand } from '../command.ts';
import { findMailbox } from '../mailboxes.ts';
import { formatPosition, sameName } from '../objects.ts';
import { lineOfText, name } from '../schemas.ts';

const PATH_CHARACTERS = 1_000;

const resultSchema = z.object({
  restored: z.number(),
  alreadyThere: z.number(),
  inBackup: z.number(),
  lsn: z.number(),
});

export const restoreMailbox = declareCommand({
  name: 'Restore-Mailbox',
  synopsis: 'Brings what a backup has of a mailbox back into it.',
  description:
    'Makes a copy of the storage group from its backups, as of their end or of -RestorePoint, beside everything else, and merges one mailbox of it into the mailbox that is given: messages that the mailbox does not have, with their folders, flags and dates. The same message is the same bytes with the same date; one that was moved since, or whose flags changed, is left as it is. With -TargetFolder everything comes into folders below that one, whatever the mailbox has elsewhere. Nothing is deleted or overwritten; clients see new messages, every copy gets them, and they count for the limits of the mailbox. A restore that was interrupted goes on when the command is given again.',
  parameters: z.strictObject({
    Identity: name('The mailbox to restore into: its mail address, alias, display name or GUID.'),
    Path: lineOfText(PATH_CHARACTERS)
      .startsWith('/', 'a whole path is wanted')
      .describe('The folder with the backups, as Backup-StorageGroup was given it.'),
    RestorePoint: lineOfText(100)
      .min(1, 'it is empty')
      .describe('Up to when: a time such as 2026-11-22T14:30:00Z, or a position such as 2:117.')
      .optional(),
    SourceMailbox: name('The mail address of the mailbox in the backup, when it is another one.').optional(),
    TargetFolder: name('The folder below which everything is put; it is made when it is not there.').optional(),
    Server: name('The host that has the folder; the one that is asked unless it is given.').optional(),
  }),
  positional: ['Identity', 'Path'],
  permission: 'Server Administrator',
  change: {
    asks: false,
    describe: ({ Identity: identity, Path: path }) => `Restore messages of ${identity} from the backups in ${path}`,
  },
  columns: [
    { name: 'Identity', type: 'text', description: 'The mail address of the mailbox.' },
    { name: 'Restored', type: 'number', description: 'Messages that were missing and came back.' },
    { name: 'AlreadyThere', type: 'number', description: 'Messages of the backup that the mailbox had.' },
    { name: 'InBackup', type: 'number', description: 'Messages that the backup has of it.' },
    { name: 'Position', type: 'text', description: 'The last record of the backup that was used.' },
  ],
  table: ['Identity', 'Restored', 'AlreadyThere', 'Position'],
  examples: [
    { line: 'Restore-Mailbox anna@example.test /backup', what: 'Brings back what is missing.' },
    {
      line: 'Restore-Mailbox anna@example.test /backup -RestorePoint 2026-11-22T14:30:00Z -TargetFolder Restored',
      what: 'Puts the mailbox as it was then into the folder Restored.',
    },
  ],
  handler: async (context, parameters) => {
    const {
      Identity: identity,
      Path: path,
      RestorePoint: until = null,
      TargetFolder: targetFolder = null,
    } = parameters;
    const { group, mailbox } = await findMailbox(context, identity);
    const { address } = mailbox;
    const source = parameters.SourceMailbox ?? address;
    const order = { storageGroup: group.name, path, until, source, address, targetFolder };
    const host = await hostOf(context, parameters.Server);
    const answer = await context.askHost(host, 'restore-mailbox', order, (line) => context.reportProgress(line));
    const { restored, alreadyThere, inBackup, lsn } = resultSchema.parse(answer);
    return [
      {
        Identity: address,
        Restored: restored,
        AlreadyThere: alreadyThere,
        InBackup: inBackup,
        Position: formatPosition(lsn),
      },
    ];
  },
});

async function hostOf(
  context: { readonly hostName: string; hostReports(): Promise<readonly { readonly host: string }[]> },
  server: string | undefined,
): Promise<string> {
  if (server === undefined) return context.hostName;
  const hosts = (await context.hostReports()).map(({ host }) => host);
  const found = sameName(hosts, server);
  if (found !== undefined) return found;
  throw new Problem(
    'ServerNotFound',
    `Cannot restore from ${server}: there is no such host. Hosts: ${hosts.join(', ')}.`,
  );
}
