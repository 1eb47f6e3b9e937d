/** Get-ClusterVersion: which versions of the software run where, what they read, and at which level the cluster writes. */
import { z } from 'zod';
import { announcedBy, formatLevelOf, highestCommonLevel, membersOf } from '../../cluster/format-level.ts';
import { member } from '../../cluster/register-document.ts';
import { declareCommand } from '../command.ts';

export const getClusterVersion = declareCommand({
  name: 'Get-ClusterVersion',
  synopsis: 'Shows the versions of the hosts and the format level of the cluster.',
  description:
    'One row for each host that has copies, as it announced itself when it joined last. The cluster writes at FormatLevel, whatever is installed, until Set-ClusterVersion raises it; CanRaiseTo is the highest level that all of them read.',
  parameters: z.strictObject({}),
  positional: [],
  permission: 'View-Only Administrator',
  columns: [
    { name: 'Name', type: 'text', description: 'Of the host.' },
    { name: 'SoftwareVersion', type: 'text', description: 'As it joined last; empty before it ever did.' },
    { name: 'LowestLevel', type: 'number', description: 'The lowest format level that its software reads.' },
    { name: 'HighestLevel', type: 'number', description: 'The highest one.' },
    { name: 'FormatLevel', type: 'number', description: 'At which the cluster writes; the same in every row.' },
    { name: 'CanRaiseTo', type: 'number', description: 'Empty when there is no higher level that all hosts read.' },
  ],
  table: ['Name', 'SoftwareVersion', 'LowestLevel', 'HighestLevel', 'FormatLevel', 'CanRaiseTo'],
  examples: [{ line: 'Get-ClusterVersion', what: 'Shows, after an update, whether the last host has it.' }],
  handler: async (context) => {
    const document = await context.register();
    const level = formatLevelOf(document);
    const highest = highestCommonLevel(document);
    return membersOf(document).map((name) => {
      const node = member(document.nodes, name);
      const range = announcedBy(node);
      return {
        Name: name,
        SoftwareVersion: node?.formats?.software ?? null,
        LowestLevel: range.lowest,
        HighestLevel: range.highest,
        FormatLevel: level,
        CanRaiseTo: highest > level ? highest : null,
      };
    });
  },
});
