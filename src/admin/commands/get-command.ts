/** Get-Command: which commands there are. */
import { z } from 'zod';
import { declareCommand } from '../command.ts';
import { lineOfText } from '../schemas.ts';

export const getCommand = declareCommand({
  name: 'Get-Command',
  synopsis: 'Lists the commands.',
  description: 'Lists the commands of the shell; a * in the name stands for anything.',
  parameters: z.strictObject({
    Name: lineOfText(100).optional().describe('A name or a pattern such as *StorageGroupCopy*.'),
  }),
  positional: ['Name'],
  permission: 'View-Only Administrator',
  columns: [
    { name: 'Name', type: 'text', description: 'Verb-Noun.' },
    { name: 'Synopsis', type: 'text', description: 'What it does, in a sentence.' },
    { name: 'Permission', type: 'text', description: 'The role that it needs.' },
  ],
  table: ['Name', 'Synopsis'],
  examples: [{ line: "Get-Command '*Copy*'", what: 'Lists what can be done with copies.' }],
  needsCluster: false,
  handler: async (_context, { Name: pattern }, catalog) =>
    catalog.commands
      .filter((command) => pattern === undefined || matches(command.name.toLowerCase(), pattern.toLowerCase()))
      .map((command) => ({ Name: command.name, Synopsis: command.synopsis, Permission: command.permission })),
});

/** The pieces between the stars must come in order; linear, unlike the regular expression that a star would make. */
function matches(name: string, pattern: string): boolean {
  const pieces = pattern.split('*');
  const first = pieces[0] ?? '';
  const last = pieces.at(-1) ?? '';
  if (pieces.length === 1) return name === pattern;
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let position = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = name.indexOf(piece, position);
    if (found < 0) return false;
    position = found + piece.length;
  }
  return position <= name.length - last.length;
}
