/**
 * `npm run reference`: writes docs/reference/commands.md, the page of all commands. It is made from the registry, which
 * help and HTTP are made from too, and a tidy test holds the committed page against it, so the page cannot say anything
 * else than the program.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from '../src/admin/command.ts';
import { describeParameters, syntaxOf } from '../src/admin/help.ts';
import { registry } from '../src/admin/registry.ts';
import { projectRoot } from './source-tree.ts';

export const referencePath = 'docs/reference/commands.md';

/** GitHub's way of making a heading's anchor, for names of letters and hyphens. */
const anchorOf = (name: string): string => `#${name.toLowerCase()}`;

/** A table's cell is one line, and a bar would end it, in code as well. */
const code = (text: string): string => `\`${text.replaceAll('|', '\\|').replaceAll('\n', ' ')}\``;

/** Text that Markdown must not take for HTML. */
const prose = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ');

function parameterRows(command: Command): string[] {
  return describeParameters(command).map((line) => {
    const [name, description] = splitAt(line, ': ');
    return `| ${code(name)} | ${prose(description)} |`;
  });
}

function splitAt(line: string, mark: string): [string, string] {
  const at = line.indexOf(mark);
  return [line.slice(0, at), line.slice(at + mark.length)];
}

function propertyRows(command: Command): string[] {
  return command.columns.map(({ name, type, description }) => {
    const inTable = command.table.includes(name) ? ' *' : '';
    return `| ${code(name)}${inTable} | ${type} | ${prose(description)} |`;
  });
}

function section(command: Command): string {
  const { name, synopsis, description, permission, change, aliases, columns, examples } = command;
  const changes = change === undefined ? [] : [`It changes something${change.asks ? ' and asks before' : ''}.`];
  const otherNames = Object.entries(aliases).map(([alias, parameter]) => `\`-${alias}\` is \`-${parameter}\`.`);
  const properties = ['', '| property | type | meaning |', '| --- | --- | --- |', ...propertyRows(command)];
  return [
    `## ${name}`,
    '',
    prose(`${synopsis} ${description}`),
    '',
    ['Role:', `${permission}.`, ...changes, ...otherNames].join(' '),
    '',
    '```',
    syntaxOf(command),
    '```',
    '',
    '| parameter | meaning |',
    '| --- | --- |',
    ...parameterRows(command),
    ...(columns.length === 0 ? [] : properties),
    '',
    ...examples.flatMap((example) => [prose(example.what), '', '```', `bin/holdfast ${example.line}`, '```', '']),
  ].join('\n');
}

/** The whole page, as it is to be committed. */
export function referencePage(): string {
  const { commands } = registry;
  const index = commands.map(({ name, synopsis }) => `| [${name}](${anchorOf(name)}) | ${prose(synopsis)} |`);
  return [
    '# Commands',
    '',
    '`npm run reference` makes this page from the registry of commands; edit the commands, not the page. `Get-Help NAME`',
    'prints the same in the shell, `GET /openapi.json` of the HTTP interface says it to programs. Names and parameters may',
    'be written in any case and shortened as long as they stay unambiguous. A star marks what the default table shows.',
    '',
    '| command | what it does |',
    '| --- | --- |',
    ...index,
    '',
    ...commands.map(section),
  ].join('\n');
}

if (import.meta.main) {
  const path = join(projectRoot, referencePath);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, referencePage());
}
