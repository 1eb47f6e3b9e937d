/** Disable-StorageGroupCopy: takes a passive copy out of the cluster, and never the last one that holds everything. */
import { z } from 'zod';
import { Problem } from '../../base/problem.ts';
import { removeCopy } from '../../cluster/configuration-changes.ts';
import { gatherFacts, isServing } from '../cluster-facts.ts';
import { declareCommand } from '../command.ts';
import { choosePassiveCopy } from '../passive-copy.ts';
import { force, name, storageGroupIdentity } from '../schemas.ts';

export const disableStorageGroupCopy = declareCommand({
  name: 'Disable-StorageGroupCopy',
  synopsis: 'Removes a copy of a storage group from a host.',
  description:
    'The passive copy is no copy any more: nothing waits for it, no log file is kept for it, it cannot take over, and its process ends. Its files stay where they are; delete them by hand when you do not need them. A copy that holds everything acknowledged is removed only while another one that does serves.',
  parameters: z.strictObject({
    Identity: storageGroupIdentity,
    StandbyMachine: name('The host of the copy; needed only where there are several passive ones.').optional(),
    Force: force,
  }),
  positional: ['Identity', 'StandbyMachine'],
  permission: 'Server Administrator',
  change: {
    asks: true,
    describe: ({ Identity: identity, StandbyMachine: machine }) =>
      `Remove the copy of ${identity}${machine === undefined ? '' : ` on ${machine}`}; its files stay`,
  },
  columns: [],
  table: [],
  examples: [
    {
      line: "Disable-StorageGroupCopy 'mbx01\\First Storage Group' -StandbyMachine mbx01-node3",
      what: 'Removes the third copy.',
    },
  ],
  handler: async (context, { Identity: identity, StandbyMachine: machine }) => {
    const facts = await gatherFacts(context);
    const { group, host } = choosePassiveCopy('remove', facts.document, identity, machine);
    const cannot = `Cannot remove the copy of ${group.identity} on ${host}`;
    if (group.record.inSync.includes(host) && !isServing(facts, group)) {
      throw new Problem(
        'LastGoodCopy',
        `${cannot}: it holds everything acknowledged, and no other copy serves. Bring another one up first.`,
      );
    }
    const { epoch } = group.record;
    const serving = isServing(facts, group) ? epoch : undefined;
    if (await context.changeRegister((document) => removeCopy(document, group.name, host, serving))) {
      context.reportProgress(`${host} has no copy of ${group.identity} any more; its files there are left alone`);
      return [];
    }
    throw new Problem(
      'LastGoodCopy',
      `${cannot}: it has become the active one, or the last that holds everything acknowledged. Look, then try again.`,
    );
  },
});
