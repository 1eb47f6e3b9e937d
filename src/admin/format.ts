/**
 * How the objects that a command returns are printed: as a table, as a list of properties, or as JSON for programs.
 * Values come from mail users and from other machines, so everything that could move a terminal's cursor or
 * turn its text around is escaped.
 */
import { unreachable } from '../base/assert.ts';
import type { Column, Command, Format, Row, Value } from './command.ts';

/** Ends with a line feed unless it is empty. */
export function formatRows(command: Command, rows: readonly Row[], format: Format): string {
  switch (format) {
    case 'Json':
      return `${escapeInvisible(JSON.stringify(rows, null, 2))}\n`;
    case 'Table':
      return formatTable(tableColumns(command), rows);
    case 'List':
      return formatList(command.columns, rows);
    default:
      return unreachable(format);
  }
}

function tableColumns(command: Command): readonly Column[] {
  return command.table.flatMap((name) => command.columns.filter((column) => column.name === name));
}

export function formatTable(columns: readonly Column[], rows: readonly Row[]): string {
  if (rows.length === 0) return '';
  const cells = rows.map((row) => columns.map((column) => formatValue(row[column.name] ?? null, column.type)));
  const widths = columns.map((column, index) =>
    Math.max(column.name.length, ...cells.map((line) => width(line[index] ?? ''))),
  );
  const print = (line: readonly string[]): string =>
    line
      .map((cell, index) => pad(cell, widths[index] ?? 0))
      .join('  ')
      .trimEnd();
  const head = columns.map((column) => column.name);
  const rule = widths.map((each, index) => '-'.repeat(Math.min(each, head[index]?.length ?? 0)));
  return [head, rule, ...cells].map((line) => `${print(line)}\n`).join('');
}

export function formatList(columns: readonly Column[], rows: readonly Row[]): string {
  const longest = Math.max(0, ...columns.map((column) => column.name.length));
  const blocks = rows.map((row) =>
    columns
      .map((column) => `${pad(column.name, longest)} : ${formatValue(row[column.name] ?? null, column.type)}`.trimEnd())
      .map((line) => `${line}\n`)
      .join(''),
  );
  return blocks.join('\n');
}

function formatValue(value: Value, type: Column['type']): string {
  if (value === null) return type === 'list' ? '{}' : '';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') return `{${value.map(escapeControl).join(', ')}}`;
  if (type === 'time') return escapeControl(value.replace('T', ' ').replace(/\.\d+Z$/, 'Z'));
  return escapeControl(value);
}

/** Control and format characters (bidirectional overrides among them), lone surrogates and line separators as \u{…}. */
export function escapeControl(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}

/** JSON.stringify escapes what is below U+0020; the rest of what cannot be seen is escaped here, still as JSON. */
function escapeInvisible(json: string): string {
  return json.replace(/[\p{Cf}\p{Zl}\p{Zp}\u007f-\u009f]/gu, (character) => {
    let escaped = '';
    for (let index = 0; index < character.length; index++) {
      escaped += `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`;
    }
    return escaped;
  });
}

function width(text: string): number {
  return Array.from(text).length;
}

function pad(text: string, to: number): string {
  return text + ' '.repeat(Math.max(0, to - width(text)));
}
