/** Set-ClusterVersion: the end of an update. From then on records are written that the version before does not read. */
import { z } from 'zod';
import { Problem } from '../../base/problem.ts';
import { formatLevelOf, highestCommonLevel, raiseFormatLevel, whoDoesNotRead } from '../../cluster/format-level.ts';
import type { RegisterDocument } from '../../cluster/register-document.ts';
import { declareCommand } from '../command.ts';
import { force } from '../schemas.ts';

export const setClusterVersion = declareCommand({
  name: 'Set-ClusterVersion',
  synopsis: 'Raises the format level of the cluster after an update.',
  description:
    'Ends an update: from now on the cluster writes what the installed version can write. There is no way back: a host with a version that does not read the new level does not join any more. Refused while a host with copies has announced that it does not read it. Each storage group begins a new epoch where it is, which clients see as a short pause.',
  parameters: z.strictObject({
    FormatLevel: z
      .number()
      .int()
      .min(1)
      .describe('The level; without it the highest one that every host reads.')
      .optional(),
    Force: force,
  }),
  positional: ['FormatLevel'],
  permission: 'Server Administrator',
  change: {
    asks: true,
    describe: ({ FormatLevel: level }) =>
      `Raise the format level of the cluster${level === undefined ? '' : ` to ${level}`}, for good`,
  },
  columns: [],
  table: [],
  examples: [{ line: 'Set-ClusterVersion', what: 'Raises the level as far as the installed versions allow.' }],
  handler: async (context, { FormatLevel: wanted }) => {
    const document = await context.register();
    const level = wanted ?? highestCommonLevel(document);
    refuseUnlessRise(document, level);
    const isRaised = await context.changeRegister((current) => raiseFormatLevel(current, level));
    if (!isRaised) refuseUnlessRise(await context.register(), level);
    context.reportProgress(`The cluster writes at format level ${level} from now on`);
    return [];
  },
});

function refuseUnlessRise(document: RegisterDocument, level: number): void {
  const present = formatLevelOf(document);
  if (level <= present) {
    throw new Problem(
      'FormatLevelNotRaised',
      `Cannot raise the format level: it is ${present} already, and it never falls. Get-ClusterVersion shows what each host reads.`,
    );
  }
  const hosts = whoDoesNotRead(document, level);
  if (hosts.length === 0) return;
  throw new Problem(
    'FormatLevelNotRead',
    `Cannot raise the format level to ${level}: ${hosts.join(', ')} cannot read it. Install a version that does there, and start it once.`,
  );
}
