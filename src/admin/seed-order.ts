/** An order to seed a copy, as the commands that give it have it in common. */
import { z } from 'zod';
import type { AdminContext } from './context.ts';
import { adminLimits } from './limits.ts';
import type { PassiveCopy } from './passive-copy.ts';
import { name } from './schemas.ts';
import { seedNetwork } from './seed-network.ts';

export const maxBytesPerSecond = z
  .int()
  .min(adminLimits.leastBytesPerSecond, `at least ${adminLimits.leastBytesPerSecond}`)
  .optional()
  .describe(
    'Takes no more than this over the network, so that the mail is not slowed down; without it as fast as it goes.',
  );

export const dataHostNames = z
  .array(name('A name of replication.'))
  .max(2, 'at most two names')
  .optional()
  .describe(
    'The network that the seed takes: names of replication as Get-ClusteredMailboxServerStatus shows them, such as mbx01-node2/Private, or addresses; one of them, or one for each end. Without it the best network that is up.',
  );

export interface SeedParameters {
  readonly MaxBytesPerSecond?: number | undefined;
  readonly DataHostNames?: readonly string[] | undefined;
  readonly deleteExistingFiles: boolean;
  readonly manualResume: boolean;
}

/** Resolves when the copy is seeded. Problem('CannotSeed' | 'DataHostNameUnknown' | 'Unreachable' | ...) */
export async function orderSeed(
  context: AdminContext,
  { group, host }: PassiveCopy,
  parameters: SeedParameters,
): Promise<void> {
  const { deleteExistingFiles, manualResume, MaxBytesPerSecond, DataHostNames = [] } = parameters;
  const network = await seedNetwork(context, DataHostNames, { target: host, source: group.record.active });
  if (network !== null) context.reportProgress(`the seed takes the network ${network}`);
  const rate = MaxBytesPerSecond ?? null;
  const request = { storageGroup: group.name, deleteExistingFiles, manualResume, maxBytesPerSecond: rate, network };
  await context.askHost(host, 'update-copy', request, (line) => context.reportProgress(line));
}
