/** Set-StorageGroup: when a change of a storage group counts as done, and when its log files go. */
import { z } from 'zod';
import { Problem } from '../../base/problem.ts';
import { compose } from '../../cluster/changes.ts';
import { setCircularLogging, setMode } from '../../cluster/configuration-changes.ts';
import { member } from '../../cluster/register-document.ts';
import { declareCommand } from '../command.ts';
import { findStorageGroup } from '../objects.ts';
import { force, storageGroupIdentity } from '../schemas.ts';

export const setStorageGroup = declareCommand({
  name: 'Set-StorageGroup',
  synopsis: 'Sets how a storage group is replicated and logged.',
  description:
    'Sets when a change counts as done: sync (on every copy in sync), sync-strict (as sync, and never on one copy alone), async (on the active copy). The active copy begins a new epoch with the new mode, so its clients are cut off for a moment. On the way to async the set of copies in sync becomes the active one alone. Circular logging may be turned on and off at any time, and reaches the copies within two seconds; without it log files are kept until they are in a backup: watch the disk.',
  parameters: z.strictObject({
    Identity: storageGroupIdentity,
    ReplicationMode: z.enum(['sync', 'sync-strict', 'async']).describe('When a change counts as done.').optional(),
    CircularLoggingEnabled: z
      .boolean()
      .describe('Whether log files go as soon as no copy needs them; :$false keeps them.')
      .optional(),
    Force: force,
  }),
  positional: ['Identity'],
  permission: 'Server Administrator',
  change: {
    asks: true,
    describe: ({ Identity: identity, ReplicationMode: mode, CircularLoggingEnabled: circular }) => {
      const parts = [
        ...(mode === undefined ? [] : [`mode ${mode} (its clients are cut off for a moment)`]),
        ...(circular === undefined ? [] : [`circular logging ${circular ? 'on' : 'off'}`]),
      ];
      return `Set ${identity}: ${parts.join(', ')}`;
    },
  },
  columns: [],
  table: [],
  examples: [
    {
      line: "Set-StorageGroup 'mbx01\\First Storage Group' -ReplicationMode sync-strict",
      what: 'Acknowledges nothing any more that is on one copy only.',
    },
    {
      line: "Set-StorageGroup 'mbx01\\First Storage Group' -CircularLoggingEnabled:$false",
      what: 'Keeps all log files from now on.',
    },
  ],
  handler: async (context, parameters) => {
    const { ReplicationMode: mode, CircularLoggingEnabled: circular } = parameters;
    const group = findStorageGroup(await context.register(), parameters.Identity);
    const cannot = `Cannot change ${group.identity}`;
    if (mode === undefined && circular === undefined) {
      throw new Problem(
        'NothingToSet',
        `${cannot}: nothing was given. Give -ReplicationMode or -CircularLoggingEnabled.`,
      );
    }
    let isRefused = false;
    await context.changeRegister((document) => {
      const record = member(document.storageGroups, group.name);
      // Nobody holds what an owner that gave up acknowledged last: async would make one of the others "everything".
      isRefused = mode === 'async' && record?.mode !== 'async' && record?.active === null;
      if (isRefused) return undefined;
      return compose(document, [
        (current) => (mode === undefined ? undefined : setMode(current, group.name, mode)),
        (current) => (circular === undefined ? undefined : setCircularLogging(current, group.name, circular)),
      ]);
    });
    if (isRefused) {
      throw new Problem(
        'NotActive',
        `${cannot}: no host owns it now, and async needs one. Try again when it is served.`,
        {
          temporary: true,
        },
      );
    }
    return [];
  },
});
