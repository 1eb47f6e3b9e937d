/** Get-Help: what a command is for, its syntax, parameters, results and examples; all of it from the registry. */
import { z } from 'zod';
import { declareCommand } from '../command.ts';
import { describeParameters, syntaxOf } from '../help.ts';
import { lineOfText } from '../schemas.ts';

export const getHelp = declareCommand({
  name: 'Get-Help',
  synopsis: 'Explains a command.',
  description: 'Explains a command: its syntax, its parameters, the properties of its results, examples.',
  parameters: z.strictObject({
    Name: lineOfText(100).default('Get-Help').describe('The command to explain.'),
  }),
  positional: ['Name'],
  permission: 'View-Only Administrator',
  columns: [
    { name: 'Name', type: 'text', description: 'The command.' },
    { name: 'Synopsis', type: 'text', description: 'What it does, in a sentence.' },
    { name: 'Syntax', type: 'text', description: 'How it is written.' },
    { name: 'Description', type: 'text', description: 'What it does, and what to know about it.' },
    { name: 'Parameters', type: 'list', description: 'Each parameter and what it means.' },
    { name: 'Examples', type: 'list', description: 'Lines to try.' },
    { name: 'Permission', type: 'text', description: 'The role that it needs.' },
  ],
  table: ['Name', 'Synopsis'],
  defaultFormat: 'List',
  examples: [{ line: 'Get-Help Move-ClusteredMailboxServer', what: 'Explains how service is moved to another node.' }],
  needsCluster: false,
  handler: async (_context, { Name: name }, catalog) => {
    const command = catalog.find(name);
    return [
      {
        Name: command.name,
        Synopsis: command.synopsis,
        Syntax: syntaxOf(command),
        Description: command.description,
        Parameters: describeParameters(command),
        Examples: command.examples.map((example) => `${example.line}: ${example.what}`),
        Permission: command.permission,
      },
    ];
  },
});
