/**
 * Enable-StorageGroupCopy: one more copy, on a host that has none of this storage group. It enters the register suspended, so that
 * it does not begin to follow a log whose beginning is gone; it is seeded, and then it joins the in-sync set by itself.
 */
import { z } from 'zod';
import { Problem } from '../../base/problem.ts';
import { addCopy } from '../../cluster/configuration-changes.ts';
import { declareCommand } from '../command.ts';
import type { AdminContext } from '../context.ts';
import { findStorageGroup, quoted, type StorageGroup, sameName } from '../objects.ts';
import { flag, name, storageGroupIdentity } from '../schemas.ts';
import { dataHostNames, maxBytesPerSecond, orderSeed } from '../seed-order.ts';

const NOT_SEEDED = 'It is new and not seeded yet: Update-StorageGroupCopy';

export const enableStorageGroupCopy = declareCommand({
  name: 'Enable-StorageGroupCopy',
  synopsis: 'Adds a copy of a storage group on another host.',
  description:
    'Gives the host a copy of the storage group while everything runs: it is seeded from the active one, with progress, and joins the in-sync set when it holds everything. Until then it is Suspended with a comment that says so; if the command is interrupted, Update-StorageGroupCopy goes on. In mode sync-strict it is refused, because mail would be refused until the new copy has everything.',
  parameters: z.strictObject({
    Identity: storageGroupIdentity,
    StandbyMachine: name('The host that gets the copy; it has the role mailbox.'),
    SeedingPostponed: flag('Leaves the seed to a later Update-StorageGroupCopy.'),
    MaxBytesPerSecond: maxBytesPerSecond,
    DataHostNames: dataHostNames,
  }),
  positional: ['Identity', 'StandbyMachine'],
  permission: 'Server Administrator',
  change: {
    asks: false,
    describe: ({ Identity: identity, StandbyMachine: machine }) => `Make a copy of ${identity} on ${machine}`,
  },
  columns: [],
  table: [],
  examples: [
    {
      line: "Enable-StorageGroupCopy 'mbx01\\First Storage Group' -StandbyMachine mbx01-node3",
      what: 'Makes a third copy and seeds it.',
    },
  ],
  handler: async (context, parameters) => {
    const group = findStorageGroup(await context.register(), parameters.Identity);
    const host = await hostForCopy(context, group, parameters.StandbyMachine);
    const isAdded = await context.changeRegister((document) => addCopy(document, group.name, host, NOT_SEEDED));
    if (!isAdded) throw cannot(group, host, 'it has one. Update-StorageGroupCopy makes it anew');
    context.reportProgress(`${host} has a copy of ${group.identity}`);
    if (parameters.SeedingPostponed) return [];
    const order = { ...parameters, deleteExistingFiles: false, manualResume: false };
    await orderSeed(context, { group, host }, order);
    return [];
  },
});

/** Problem('CopyRefused' | 'HostNotFound') */
async function hostForCopy(context: AdminContext, group: StorageGroup, machine: string): Promise<string> {
  const hosts = await context.hostReports();
  const names = hosts.map(({ host }) => host);
  const host = sameName(names, machine);
  const report = hosts.find((each) => each.host === host);
  if (host === undefined || report === undefined) {
    throw new Problem(
      'HostNotFound',
      `Cannot find host ${quoted(machine)}: it is none of ${names.join(', ')}. Add-ClusterNode makes it one.`,
    );
  }
  if (group.record.copies.includes(host)) {
    throw cannot(group, host, 'it has one. Update-StorageGroupCopy makes it anew');
  }
  if (!report.roles.includes('mailbox')) throw cannot(group, host, 'it has not the role mailbox. Name another host');
  if (!report.reachable) throw cannot(group, host, 'it does not answer. Start it first');
  if (group.record.mode === 'sync-strict') {
    throw cannot(
      group,
      host,
      'the mode is sync-strict, and mail would be refused until the new copy has everything. Set-StorageGroup -ReplicationMode sync first, sync-strict again when it is Healthy',
    );
  }
  return host;
}

function cannot(group: StorageGroup, host: string, state: string): Problem {
  return new Problem('CopyRefused', `Cannot make a copy of ${group.identity} on ${host}: ${state}.`);
}
