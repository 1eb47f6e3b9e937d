/**
 * `bin/holdfast <Cmdlet> …`: one command from the command line to the cluster and back. The words are judged here (form,
 * abbreviations, help), everything else by the host that runs the command. Get-Command and Get-Help need no cluster.
 */
import { createInterface } from 'node:readline/promises';
import { type ParsedArguments, parseArguments } from '../admin/arguments.ts';
import type { Command, Row } from '../admin/command.ts';
import { escapeControl, formatRows } from '../admin/format.ts';
import { helpText } from '../admin/help.ts';
import { nearestNames } from '../admin/nearest-names.ts';
import { type AdminAnswer, executeLocally, registry } from '../admin/registry.ts';
import { Problem } from '../base/problem.ts';
import { AdminClient, findCluster } from './admin-client.ts';
import { subCommands } from './command-line.ts';
import { DEFAULT_DATA_FOLDER } from './default-data-folder.ts';

export interface ShellStreams {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  /** Asks a person; undefined when nobody sits there. */
  readonly ask: ((question: string) => Promise<boolean>) | undefined;
}

/** Runs `words[0]` with the rest. Problems are thrown; the caller prints them. */
export async function runShell(words: readonly string[], streams: ShellStreams): Promise<void> {
  const command = findCommand(words[0] ?? '');
  const given = parseArguments(command, words.slice(1));
  if (given.help) return streams.out(helpText(command));
  if (await declined(command, given, streams)) return streams.error('Nothing was done.\n');
  const accepted = await withConsequence(command, given, streams);
  if (accepted === undefined) return streams.error('Nothing was done.\n');
  const { rows, whatIf } = await answer(command, accepted, streams);
  if (whatIf !== undefined) return streams.out(`What if: ${escapeControl(whatIf)}.\n`);
  streams.out(print(command, given, rows));
}

/** Somebody may have mistyped a word of the program itself, such as `demo`. */
function findCommand(name: string): Command {
  const near = name.includes('-') ? undefined : nearestNames(name, subCommands, 1)[0];
  if (near === undefined) return registry.find(name);
  throw new Problem(
    'CommandUnknown',
    `Cannot run ${JSON.stringify(name)}: there is no such command. Did you mean ${near}?`,
  );
}

function print(command: Command, given: ParsedArguments, rows: readonly Row[]): string {
  if (command.name === 'Get-Help' && given.format === undefined) {
    return rows.map((row) => helpText(registry.find(String(row['Name'])))).join('\n');
  }
  return formatRows(command, rows, given.format ?? command.defaultFormat);
}

async function answer(command: Command, given: ParsedArguments, streams: ShellStreams): Promise<AdminAnswer> {
  const request = { command: command.name, parameters: { ...given.parameters } };
  if (!command.needsCluster) return await executeLocally(request);
  const access = findCluster(given.data ?? DEFAULT_DATA_FOLDER);
  const client = new AdminClient(access, (line) => streams.error(`${escapeControl(line)}\n`));
  return await client.run(request);
}

/**
 * The question is for people at a terminal, who may have mistyped. A script has no way to answer, and has written what
 * it wants; only an explicit -Confirm makes it fail.
 */
async function declined(command: Command, given: ParsedArguments, streams: ShellStreams): Promise<boolean> {
  const { change } = command;
  const { WhatIf: whatIf, Force: force } = given.parameters;
  if (change === undefined || whatIf === true || force === true) return false;
  const wanted = given.confirm ?? (change.asks && streams.ask !== undefined);
  if (!wanted) return false;
  if (streams.ask === undefined) {
    throw new Problem(
      'CannotAsk',
      `Cannot run ${command.name}: -Confirm asks, and nobody sits at a terminal. Leave it out.`,
    );
  }
  const parameters = command.parameters.safeParse(given.parameters);
  if (!parameters.success) return false; // the host will say what is wrong
  return !(await streams.ask(`${escapeControl(change.describe(parameters.data))}? [y/N] `));
}

/**
 * The second question of a command that may lose something: the cluster says from its facts what. Yes to it is what
 * -Force says in a script. `given` as it goes on; undefined after a no.
 */
async function withConsequence(
  command: Command,
  given: ParsedArguments,
  streams: ShellStreams,
): Promise<ParsedArguments | undefined> {
  const { parameters } = given;
  const isSettled = parameters['WhatIf'] === true || parameters['Force'] === true || given.confirm === false;
  if (command.change?.consequence === undefined || isSettled || streams.ask === undefined) return given;
  const { whatIf } = await answer(command, { ...given, parameters: { ...parameters, WhatIf: true } }, streams);
  const question = `${escapeControl(whatIf ?? '')}. Are you sure? [y/N] `;
  return (await streams.ask(question)) ? { ...given, parameters: { ...parameters, Force: true } } : undefined;
}

/** A question on the terminal; anything but y or yes is no. */
export async function askOnTerminal(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^\s*y(es)?\s*$/i.test(await terminal.question(question));
  } finally {
    terminal.close();
  }
}
