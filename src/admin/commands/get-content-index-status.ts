/** Get-ContentIndexStatus: how far the full-text index of each copy is. It is no part of the copy's own health. */
import { z } from 'zod';
import { gatherFacts, reportOf } from '../cluster-facts.ts';
import { declareCommand } from '../command.ts';
import { formatPosition, selectStorageGroups } from '../objects.ts';
import { storageGroupIdentity } from '../schemas.ts';

export const getContentIndexStatus = declareCommand({
  name: 'Get-ContentIndexStatus',
  synopsis: 'Shows how far the full-text indexes are.',
  description:
    'Shows the content index of every copy, active and passive. Each copy builds its own from its database. While one is Crawling, or Failed, searches read the messages that it does not cover: they are slower, never wrong.',
  parameters: z.strictObject({ Identity: storageGroupIdentity.optional() }),
  positional: ['Identity'],
  permission: 'View-Only Administrator',
  columns: [
    { name: 'StorageGroupName', type: 'text', description: 'The storage group.' },
    { name: 'Server', type: 'text', description: 'The host of the copy.' },
    { name: 'ActiveCopy', type: 'boolean', description: 'Whether it is the active copy.' },
    { name: 'ContentIndexState', type: 'text', description: 'Healthy, Crawling, Failed or Disabled.' },
    { name: 'ContentIndexBacklog', type: 'number', description: 'Messages that are not in the index yet.' },
    { name: 'IndexedPosition', type: 'text', description: 'Everything up to this record is in the index.' },
    { name: 'DatabasePosition', type: 'text', description: 'Where the database stood when that was told.' },
    { name: 'ContentIndexErrorMessage', type: 'text', description: 'Why it is Failed.' },
  ],
  table: ['StorageGroupName', 'Server', 'ActiveCopy', 'ContentIndexState', 'ContentIndexBacklog'],
  examples: [{ line: 'Get-ContentIndexStatus', what: 'Shows the indexes of all copies.' }],
  handler: async (context, { Identity: identity }) => {
    const facts = await gatherFacts(context);
    const groups = selectStorageGroups(facts.document, { identity, server: undefined });
    return groups.flatMap((group) =>
      group.record.copies.map((host) => {
        const index = reportOf(facts, group.name, host)?.upkeep?.contentIndex ?? null;
        return {
          StorageGroupName: group.name,
          Server: host,
          ActiveCopy: host === group.record.active,
          ContentIndexState: index?.state ?? null,
          ContentIndexBacklog: index?.backlog ?? null,
          IndexedPosition: index === null ? null : formatPosition(index.indexedLsn),
          DatabasePosition: index === null ? null : formatPosition(index.databaseLsn),
          ContentIndexErrorMessage: index?.failure ?? null,
        };
      }),
    );
  },
});
