/** Get-QuarantinedChange: what the copies put aside because the copy that won does not have it, and what became of it. */
import { z } from 'zod';
import { formatLsn } from '../../log/lsn.ts';
import { gatherFacts, reachableHosts } from '../cluster-facts.ts';
import { declareCommand, type Row } from '../command.ts';
import type { AdminContext } from '../context.ts';
import { type StorageGroup, sameName, selectStorageGroups } from '../objects.ts';
import { name, storageGroupIdentity } from '../schemas.ts';

const changesSchema = z.array(
  z.object({
    folder: z.string(),
    lsn: z.number(),
    type: z.string(),
    mailbox: z.string().nullable(),
    mailFolder: z.string().nullable(),
    what: z.string(),
    state: z.string(),
  }),
);

export const getQuarantinedChange = declareCommand({
  name: 'Get-QuarantinedChange',
  synopsis: 'Lists what was lost in takeovers, and whether it came back.',
  description:
    'Lists, record by record, the changes that a copy had and the copy that took over had not: its log was cut there when it came back, and the files went to the quarantine folder beside it, where they stay. Mail among them returns by itself to the mailboxes of today: There. It is not brought back when it was removed in the same moments (Removed), or when it lies so far back that nobody knows any more whether its owner deleted it since then (TooOld). Waiting: the active copy has not taken it yet, and the description says why. Aside: a seed put it there, and Restore-QuarantinedMail brings it back. Everything else is Lost: do it again if it matters. Only hosts that answer are asked.',
  parameters: z.strictObject({
    Identity: storageGroupIdentity.optional(),
    Server: name('Only the copy on this host.').optional(),
  }),
  positional: ['Identity'],
  permission: 'View-Only Administrator',
  columns: [
    { name: 'StorageGroup', type: 'text', description: 'The storage group, as server\\name.' },
    { name: 'Server', type: 'text', description: 'The host that has it in quarantine.' },
    { name: 'Folder', type: 'text', description: "Where it is, in the copy's folder." },
    { name: 'Record', type: 'text', description: 'The position of its record, as epoch:number.' },
    { name: 'Type', type: 'text', description: 'The kind of the record.' },
    { name: 'Mailbox', type: 'text', description: 'Whose mailbox it changed.' },
    { name: 'MailFolder', type: 'text', description: 'The folder in it.' },
    { name: 'Description', type: 'text', description: 'What it did.' },
    { name: 'State', type: 'text', description: 'There, Removed, TooOld, Waiting, Aside or Lost.' },
  ],
  table: ['Server', 'Record', 'Mailbox', 'Description', 'State'],
  examples: [
    { line: "Get-QuarantinedChange 'mbx01\\First Storage Group'", what: 'Lists what its copies have put aside.' },
  ],
  handler: async (context, { Identity: identity, Server: server }) => {
    const facts = await gatherFacts(context);
    const groups = selectStorageGroups(facts.document, { identity, server: undefined });
    const reachable = reachableHosts(facts);
    const copies = groups.flatMap((group) =>
      group.record.copies
        .filter((host) => reachable.has(host) && (server === undefined || sameName([host], server) !== undefined))
        .map((host) => ({ group, host })),
    );
    return (await Promise.all(copies.map(({ group, host }) => rowsOf(context, group, host)))).flat();
  },
});

async function rowsOf(context: AdminContext, group: StorageGroup, host: string): Promise<readonly Row[]> {
  const answer = await context.askHost(host, 'quarantined-changes', { storageGroup: group.name });
  return changesSchema.parse(answer).map(({ folder, lsn, type, mailbox, mailFolder, what, state }) => ({
    StorageGroup: group.identity,
    Server: host,
    Folder: folder,
    Record: formatLsn(lsn),
    Type: type,
    Mailbox: mailbox,
    MailFolder: mailFolder,
    Description: what,
    State: state,
  }));
}
