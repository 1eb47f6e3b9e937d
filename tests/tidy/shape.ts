/** The rules of STYLE.md that a program can hold the tree to: sizes, first comments, empty catches, leftovers. */
import {
  countLines,
  lineAt,
  measureFunctions,
  parse,
  type SourceFile,
  type SyntaxNode,
  walk,
} from '../../scripts/source-tree.ts';

export const mostFileLines = 500;
export const mostFunctionLines = 70;

export function tooLong(file: SourceFile): string[] {
  const lines = countLines(file.text);
  return lines > mostFileLines ? [`${file.path}: ${lines} lines`] : [];
}

export function longFunctions(file: SourceFile): string[] {
  const long = measureFunctions(file).filter((measured) => measured.lines > mostFunctionLines);
  return long.map(({ name, line, lines }) => `${file.path}:${line}: ${name} has ${lines} lines`);
}

/** A file starts with a doc comment: its idea and the reason for it. */
export function missingIdea(file: SourceFile): string[] {
  return /^(#!.*\n)?\/\*\*/.test(file.text) ? [] : [file.path];
}

function isEmptyFunction(node: unknown): boolean {
  const body = (node as { body?: { type?: string; body?: unknown[] } } | undefined)?.body;
  return body?.type === 'BlockStatement' && body.body?.length === 0;
}

function swallows(node: SyntaxNode): boolean {
  if (node.type === 'CatchClause') return node.body.body.length === 0;
  if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return false;
  const { property } = node.callee;
  return property.type === 'Identifier' && property.name === 'catch' && isEmptyFunction(node.arguments[0]);
}

/** Catches that do nothing; a comment in one is not something that it does. */
export function emptyCatches(file: SourceFile): string[] {
  const found: string[] = [];
  walk(parse(file).program, (node) => {
    if (swallows(node)) found.push(`${file.path}:${lineAt(file.text, node.start)}`);
  });
  return found;
}

function linesWith(file: SourceFile, pattern: RegExp): string[] {
  const lines = file.text.split('\n');
  return lines.flatMap((line, index) => (pattern.test(line) ? [`${file.path}:${index + 1}: ${line.trim()}`] : []));
}

/** What a finished change does not carry: notes to oneself, stand-ins, tests that are switched off or singled out. */
export function leftovers(file: SourceFile): string[] {
  return linesWith(file, /\b(TODO|FIXME|XXX|HACK|stub|stubs|stubbed)\b|\b(test|it|describe|suite)\.(only|todo)\(/);
}

/** Folders that exist on the machine where something was written and nowhere else. */
export function machinePaths(file: SourceFile): string[] {
  return linesWith(file, /(^|[^A-Za-z0-9_.])\/(work|root|farm)\//);
}
