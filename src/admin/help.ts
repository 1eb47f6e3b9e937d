/** Help texts, derived from the registry: a command that exists is documented, and nothing else is. */
import { allParametersOf } from './arguments.ts';
import type { Command } from './command.ts';
import type { ParameterInfo } from './parameters.ts';

const WIDTH = 100;

/** `Name [-Identity] <text> [-Force] …`, as PowerShell prints it. */
export function syntaxOf(command: Command): string {
  const { own, common } = allParametersOf(command);
  return [command.name, ...[...own, ...common].map(syntaxOfParameter)].join(' ');
}

function syntaxOfParameter(parameter: ParameterInfo): string {
  const name = parameter.positional ? `[-${parameter.name}]` : `-${parameter.name}`;
  const whole = parameter.kind === 'switch' ? name : `${name} <${valueWord(parameter)}>`;
  return parameter.required ? whole : `[${whole}]`;
}

function valueWord(parameter: ParameterInfo): string {
  return parameter.kind === 'choice' ? parameter.choices.join('|') : parameter.kind;
}

/** One line for each parameter, of the command and of the shell. */
export function describeParameters(command: Command): readonly string[] {
  const { own, common } = allParametersOf(command);
  return [...own, ...common].map((parameter) => {
    const kind = parameter.kind === 'switch' ? '' : ` <${valueWord(parameter)}>`;
    const required = parameter.required ? ' Required.' : '';
    const byDefault = parameter.defaultValue === undefined ? '' : ` Default: ${parameter.defaultValue}.`;
    return `-${parameter.name}${kind}: ${parameter.description}${required}${byDefault}`;
  });
}

export function helpText(command: Command): string {
  const examples = command.examples.flatMap((example) => [`  ${example.line}`, ...wrap(example.what, '      ')]);
  const columns = command.columns.map((column) => `${column.name} (${column.type}): ${column.description}`);
  const alias = Object.entries(command.aliases).map(
    ([name, parameter]) => `-${name} is another name of -${parameter}.`,
  );
  return [
    command.name,
    ...wrap(command.synopsis, '  '),
    ...section('Syntax', wrap(syntaxOf(command), '  ')),
    ...section('Description', wrap(command.description, '  ')),
    ...section(
      'Parameters',
      [...describeParameters(command), ...alias].flatMap((line) => wrap(line, '  ')),
    ),
    ...section(
      'Properties of the result',
      columns.flatMap((line) => wrap(line, '  ')),
    ),
    ...section('Examples', examples),
    ...section('Permission', [`  ${command.permission}`]),
    '',
  ].join('\n');
}

/** What `holdfast --help` prints. */
export function overview(commands: readonly Command[], programUsage: readonly string[]): string {
  const longest = Math.max(...commands.map((command) => command.name.length));
  return [
    'Usage',
    ...programUsage.map((line) => `  ${line}`),
    ...section(
      'Commands',
      commands.map((command) => `  ${command.name.padEnd(longest)}  ${command.synopsis}`),
    ),
    '',
    'Get-Help NAME explains a command. Names and parameters may be written in any case.',
    '',
  ].join('\n');
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', title, ...lines];
}

function wrap(text: string, indent: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > WIDTH) {
      lines.push(indent + line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return line === '' ? lines : [...lines, indent + line];
}
