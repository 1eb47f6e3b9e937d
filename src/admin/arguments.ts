/**
 * The words of a command line, as PowerShell's users write them: names in any case and shortened as long as they stay
 * unambiguous, `-Name value` and `-Name:value`, switches that may be turned off with `:$false`, leading values without
 * their names. Two dashes are as good as one.
 *
 * Only the form is judged here; what is valid, the command's schema says, on the server.
 */
import { Problem } from '../base/problem.ts';
import type { Command, Format } from './command.ts';
import { adminLimits } from './limits.ts';
import { type ParameterInfo, parametersOf } from './parameters.ts';

/** What the shell itself understands, with every command. */
export interface ShellOptions {
  readonly format: Format | undefined;
  /** The folder that leads to the cluster. */
  readonly data: string | undefined;
  /** -Confirm or -Confirm:$false; undefined when it was not said. */
  readonly confirm: boolean | undefined;
  readonly help: boolean;
}

export interface ParsedArguments extends ShellOptions {
  readonly parameters: Readonly<Record<string, unknown>>;
}

const formats: readonly Format[] = ['Table', 'List', 'Json'];

const shellParameters: readonly ParameterInfo[] = [
  shellParameter('Format', 'choice', 'How the result is printed.', formats),
  shellParameter('Data', 'text', "The demo's folder or a host's data folder; it leads to the cluster."),
  shellParameter('Help', 'switch', 'Prints the help text.'),
];

const changeParameters: readonly ParameterInfo[] = [
  shellParameter('Confirm', 'switch', 'Asks before anything is changed; -Confirm:$false does not ask.'),
  shellParameter('WhatIf', 'switch', 'Says what would be done and does nothing.'),
];

function shellParameter(
  name: string,
  kind: ParameterInfo['kind'],
  description: string,
  choices: readonly string[] = [],
): ParameterInfo {
  return { name, kind, choices, required: false, positional: false, defaultValue: undefined, description };
}

/** The command's own parameters and those that the shell adds. */
export function allParametersOf(command: Command): { own: readonly ParameterInfo[]; common: readonly ParameterInfo[] } {
  const common = command.change === undefined ? shellParameters : [...changeParameters, ...shellParameters];
  return { own: parametersOf(command), common };
}

/** Problem('ArgumentInvalid') */
export function parseArguments(command: Command, words: readonly string[]): ParsedArguments {
  if (words.length > adminLimits.maxArguments) throw invalid(command, `more than ${adminLimits.maxArguments} words`);
  const values = new ArgumentReader(command, words).read();
  const take = (name: string): unknown => {
    const value = values.get(name);
    values.delete(name);
    return value;
  };
  return {
    format: take('Format') as Format | undefined,
    data: take('Data') as string | undefined,
    confirm: take('Confirm') as boolean | undefined,
    help: take('Help') === true,
    parameters: Object.fromEntries(values),
  };
}

class ArgumentReader {
  readonly #command: Command;
  readonly #words: readonly string[];
  readonly #values = new Map<string, unknown>();
  readonly #parameters: readonly ParameterInfo[];
  #index = 0;

  constructor(command: Command, words: readonly string[]) {
    const { own, common } = allParametersOf(command);
    this.#command = command;
    this.#words = words;
    this.#parameters = [...own, ...common];
  }

  read(): Map<string, unknown> {
    while (this.#index < this.#words.length) {
      const word = this.#words[this.#index++] ?? '';
      const named = /^--?([A-Za-z?][A-Za-z]*)(?::(.*))?$/s.exec(word);
      if (named === null) this.#readPositional(word);
      else this.#readNamed(named[1] ?? '', named[2]);
    }
    return this.#values;
  }

  #readPositional(word: string): void {
    const name = this.#command.positional.find((each) => !this.#values.has(each));
    if (name === undefined) throw invalid(this.#command, `nothing is known to do with ${quote(word)}`);
    const parameter = this.#parameters.find((each) => each.name === name);
    if (parameter !== undefined) this.#set(parameter, word);
  }

  #readNamed(given: string, inline: string | undefined): void {
    const parameter = this.#resolve(given === '?' ? 'Help' : given);
    // A Unix shell turns an unquoted -Confirm:$false into "-Confirm:". Nobody needs to write :$true, so it meant $false.
    if (parameter.kind === 'switch') this.#set(parameter, inline === '' ? '$false' : (inline ?? '$true'));
    else this.#set(parameter, inline || this.#following(parameter));
  }

  #following(parameter: ParameterInfo): string {
    const following = this.#words[this.#index];
    if (following === undefined || /^--?[A-Za-z]/.test(following)) {
      throw invalid(this.#command, `-${parameter.name} needs a value`);
    }
    this.#index += 1;
    return following;
  }

  #resolve(given: string): ParameterInfo {
    const wanted = given.toLowerCase();
    const aliases = Object.entries(this.#command.aliases);
    const named = (name: string): ParameterInfo[] => this.#parameters.filter((each) => each.name === name);
    const exact = this.#parameters.filter((each) => each.name.toLowerCase() === wanted);
    if (exact[0] !== undefined) return exact[0];
    const begins = [
      ...this.#parameters.filter((each) => each.name.toLowerCase().startsWith(wanted)),
      ...aliases.filter(([alias]) => alias.toLowerCase().startsWith(wanted)).flatMap(([, name]) => named(name)),
    ];
    const candidates = [...new Set(begins)];
    if (candidates.length === 1 && candidates[0] !== undefined) return candidates[0];
    if (candidates.length === 0) throw invalid(this.#command, `it has no parameter -${given}`);
    throw invalid(this.#command, `-${given} may be ${candidates.map((each) => `-${each.name}`).join(' or ')}`);
  }

  #set(parameter: ParameterInfo, text: string): void {
    if (this.#values.has(parameter.name)) throw invalid(this.#command, `-${parameter.name} is given twice`);
    this.#values.set(parameter.name, this.#convert(parameter, text));
  }

  #convert(parameter: ParameterInfo, text: string): unknown {
    if (parameter.kind === 'switch') return this.#convertSwitch(parameter, text);
    if (parameter.kind === 'list') return text.split(',').map((item) => item.trim());
    if (parameter.kind === 'choice') return this.#convertChoice(parameter, text);
    if (parameter.kind !== 'number') return text;
    if (!/^-?\d{1,15}$/.test(text))
      throw invalid(this.#command, `-${parameter.name} is a whole number, not ${quote(text)}`);
    return Number(text);
  }

  #convertSwitch(parameter: ParameterInfo, text: string): boolean {
    const word = text.toLowerCase().replace(/^\$/, '');
    if (word !== 'true' && word !== 'false') {
      throw invalid(this.#command, `-${parameter.name} is $true or $false, not ${quote(text)}`);
    }
    return word === 'true';
  }

  #convertChoice(parameter: ParameterInfo, text: string): string {
    const choice = parameter.choices.find((each) => each.toLowerCase() === text.toLowerCase());
    if (choice !== undefined) return choice;
    throw invalid(this.#command, `-${parameter.name} is ${parameter.choices.join(', ')}, not ${quote(text)}`);
  }
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}

function invalid(command: Command, state: string): Problem {
  return new Problem('ArgumentInvalid', `Cannot run ${command.name}: ${state}. Get-Help ${command.name} says more.`);
}
