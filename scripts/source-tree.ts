/**
 * The project's own files as data: read, parsed, measured. The tidy tests and `npm run measure` stand on it, so that a
 * limit and the number that is reported mean the same thing.
 *
 * How it is counted: raw lines. Functions are those with a name (declared functions, methods, constructors, accessors,
 * and functions that a name is given to); an anonymous callback belongs to the function around it. The share of
 * comments is comment lines over lines that are not blank.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Node, type ParseResult, parseSync } from 'oxc-parser';

export const projectRoot = dirname(dirname(fileURLToPath(import.meta.url)));

export interface SourceFile {
  /** From the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface MeasuredFunction {
  readonly name: string;
  readonly line: number;
  readonly lines: number;
}

/** Tests and what exists for tests only: free of the bans, and not part of the program. */
export function isTestFile(path: string): boolean {
  return /\.test\.ts$|\.port-suite\.ts$|(^|\/)testing\//.test(path) || path.startsWith('tests/');
}

/** The project's TypeScript and JavaScript below the given folders, in the order of their names. */
export function readSources(...folders: string[]): SourceFile[] {
  return readTexts(...folders.map((folder) => `${folder}/**/*.{ts,mjs}`));
}

/** The files that match the patterns, from the project's root. */
export function readTexts(...patterns: string[]): SourceFile[] {
  const paths = globSync(patterns, { cwd: projectRoot, exclude: ['**/node_modules/**'] });
  return paths.sort().map((path) => ({ path, text: readFileSync(`${projectRoot}/${path}`, 'utf8') }));
}

export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

export function countLines(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

/** A node of the syntax tree, as loosely as a walk over all kinds of node needs it. */
export type SyntaxNode = Node & { readonly [key: string]: unknown };

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';
}

const parsedFiles = new WeakMap<SourceFile, ParseResult>();

/** The syntax tree of a file, parsed once. A file that is not correct TypeScript cannot be judged: that is an error. */
export function parse(file: SourceFile): ParseResult {
  const known = parsedFiles.get(file);
  if (known) return known;
  const parsed = parseSync(file.path, file.text);
  const [error] = parsed.errors;
  if (error) throw new Error(`Cannot parse ${file.path}: ${error.message}`);
  parsedFiles.set(file, parsed);
  return parsed;
}

/** Visits every node below `root`, the outer before the inner, with its parents (the nearest last). */
export function walk(root: Node, visit: (node: SyntaxNode, parents: readonly SyntaxNode[]) => void): void {
  const parents: SyntaxNode[] = [];
  const step = (node: SyntaxNode): void => {
    visit(node, parents);
    parents.push(node);
    for (const value of Object.values(node)) {
      for (const item of Array.isArray(value) ? value : [value]) if (isNode(item)) step(item);
    }
    parents.pop();
  };
  step(root as SyntaxNode);
}

function nameOf(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === 'PrivateIdentifier') return `#${node.name}`;
  if (node.type === 'Identifier') return node.name;
  return node.type === 'Literal' ? String(node.value) : undefined;
}

/** The name of a function node, when it has one of its own. */
function functionName(node: SyntaxNode, parent: SyntaxNode | undefined): string | undefined {
  if (node.type === 'FunctionDeclaration') return nameOf(node.id);
  if (node.type !== 'FunctionExpression' && node.type !== 'ArrowFunctionExpression') return undefined;
  switch (parent?.type) {
    case 'MethodDefinition':
    case 'PropertyDefinition':
    case 'Property':
      return nameOf(parent.key);
    case 'VariableDeclarator':
      return nameOf(parent.id);
    default:
      return undefined;
  }
}

export function measureFunctions(file: SourceFile): MeasuredFunction[] {
  const functions: MeasuredFunction[] = [];
  walk(parse(file).program, (node, parents) => {
    const parent = parents.at(-1);
    const name = functionName(node, parent);
    if (name === undefined) return;
    const outer = parent?.type === 'MethodDefinition' || parent?.type === 'Property' ? parent : node;
    const line = lineAt(file.text, outer.start);
    functions.push({ name, line, lines: lineAt(file.text, outer.end) - line + 1 });
  });
  return functions;
}

/** How many lines of the file are nothing but comment, and how many are not blank. */
export function measureComments(file: SourceFile): { commentLines: number; filledLines: number } {
  const lines = file.text.split('\n');
  const commented = new Set<number>();
  for (const comment of parse(file).comments) {
    const first = lineAt(file.text, comment.start);
    const startsLine = lines[first - 1]?.trimStart().startsWith('/') ?? false;
    const last = lineAt(file.text, comment.end);
    for (let line = startsLine ? first : first + 1; line <= last; line++) commented.add(line);
  }
  return { commentLines: commented.size, filledLines: lines.filter((line) => line.trim() !== '').length };
}
