/**
 * Who may import whom. The table stands once, in ARCHITECTURE.md; here it is read and every import is held against it,
 * so the page cannot drift from the tree. The second half is what keeps a run replayable from its seed: in the pure
 * layers nothing may reach for the clock, for chance, for a timer or for the machine.
 *
 * Tests keep to the table as well. In addition they may use the test support (`testing/`, `*.port-suite.ts`) of every
 * layer, because a suite belongs to the layer that declares the port and runs in those that implement it. The program
 * itself uses no test support.
 */
import { posix } from 'node:path';
import { isTestFile, lineAt, parse, type SourceFile, type SyntaxNode, walk } from '../../scripts/source-tree.ts';

export interface LayerRule {
  readonly layer: string;
  /** Layers that may be imported freely. */
  readonly values: ReadonlySet<string>;
  /** Layers of which only types may be imported. */
  readonly types: ReadonlySet<string>;
}

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
  readonly names: readonly string[];
  readonly line: number;
}

function cells(row: string): string[] {
  return row.split('|').map((cell) => cell.trim());
}

/** The rows below the heading `| layer | may import |`. */
function layerRows(architecture: string): [layers: string[], permission: string][] {
  const lines = architecture.split('\n');
  const head = lines.findIndex((line) => /^\|\s*layer\s*\|\s*may import\s*\|/.test(line));
  const rows: [string[], string][] = [];
  for (const line of head === -1 ? [] : lines.slice(head + 2)) {
    if (!line.startsWith('|')) break;
    const [, names = '', permission = ''] = cells(line);
    rows.push([names.split(',').map((name) => name.trim()), permission]);
  }
  return rows;
}

function readPermission(permission: string, known: readonly string[], earlier: readonly string[]) {
  const values = new Set<string>();
  const types = new Set<string>();
  const everything = /^everything but (.+)$/.exec(permission);
  if (everything?.[1] !== undefined) {
    const excluded = everything[1].split(/,|\band\b/).map((name) => name.trim());
    for (const name of excluded) if (!known.includes(name)) throw new Error(`Layer table: no layer is called ${name}`);
    return { values: new Set(known.filter((name) => !excluded.includes(name))), types };
  }
  for (const part of permission === '–' ? [] : permission.split(',').map((text) => text.trim())) {
    const word = part.replace(/^and /, '');
    if (known.includes(word)) values.add(word);
    else if (/\btypes of all below it$/.test(word)) for (const name of earlier) types.add(name);
    else if (/^the ports that others declare$/.test(word)) for (const name of known) types.add(name);
    else throw new Error(`Layer table: cannot read "${word}"`);
  }
  return { values, types };
}

export function parseLayerTable(architecture: string): LayerRule[] {
  const rows = layerRows(architecture);
  const known = rows.flatMap(([layers]) => layers);
  const rules: LayerRule[] = [];
  for (const [layers, permission] of rows) {
    const earlier = rules.map((rule) => rule.layer);
    for (const layer of layers) rules.push({ layer, ...readPermission(permission, known, earlier) });
  }
  return rules;
}

/** `src/log/record.ts` is of `log`, `src/main.ts` of `main`. */
export function layerOf(path: string): string {
  return (path.split('/')[1] ?? '').replace(/\.ts$/, '');
}

function isTypeOnly(node: SyntaxNode): boolean {
  if (node.type === 'TSImportType' || node['importKind'] === 'type' || node['exportKind'] === 'type') return true;
  const specifiers = (node['specifiers'] ?? []) as { importKind?: string; exportKind?: string }[];
  const ofType = ({ importKind, exportKind }: (typeof specifiers)[number]) => (importKind ?? exportKind) === 'type';
  return specifiers.length > 0 && specifiers.every(ofType);
}

const importNodes = new Set([
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
  'TSImportType',
]);

/** Every import of a file: static, re-exporting, dynamic, and in the place of a type. */
export function importsOf(file: SourceFile): Import[] {
  const imports: Import[] = [];
  walk(parse(file).program, (node) => {
    if (!importNodes.has(node.type) || !node['source']) return;
    const specifier = (node['source'] as { value?: unknown }).value;
    const specifiers = (node['specifiers'] ?? []) as { imported?: { name?: string } }[];
    imports.push({
      specifier: typeof specifier === 'string' ? specifier : '(computed)',
      typeOnly: isTypeOnly(node),
      names: specifiers.map((item) => item.imported?.name ?? '*'),
      line: lineAt(file.text, node.start),
    });
  });
  return imports;
}

function importViolation(file: SourceFile, rule: LayerRule, item: Import): string | undefined {
  if (!item.specifier.startsWith('.')) return undefined;
  const target = posix.join(posix.dirname(file.path), item.specifier);
  if (!target.startsWith('src/')) return 'leaves src';
  if (isTestFile(target)) return isTestFile(file.path) ? undefined : 'is test support, used by the program';
  const layer = layerOf(target);
  if (layer === rule.layer || rule.values.has(layer)) return undefined;
  if (rule.types.has(layer)) return item.typeOnly ? undefined : `is more than a type of ${layer}`;
  return `is of the layer ${layer}`;
}

export function checkImports(file: SourceFile, rules: readonly LayerRule[]): string[] {
  const rule = rules.find((candidate) => candidate.layer === layerOf(file.path));
  if (!rule) return [`${file.path}: its folder is not in the layer table`];
  return importsOf(file).flatMap((item) => {
    const violation = importViolation(file, rule, item);
    return violation === undefined ? [] : [`${file.path}:${item.line}: ${item.specifier} ${violation}`];
  });
}

const pureLayers = new Set(['base', 'mail', 'log', 'store', 'cluster', 'replication']);

/** The hub's part that touches sockets; the rest of it runs in both worlds. */
const socketFiles = /^src\/transport\/(hub|message-reader|smtp-[\w-]+|trace)\.ts$/;

/** Whether a file must run unchanged in the simulated world. */
export function isPure(path: string): boolean {
  const isHub = layerOf(path) === 'transport' && !socketFiles.test(path);
  return !isTestFile(path) && (pureLayers.has(layerOf(path)) || isHub);
}

/** Of these modules, only functions of their arguments: no chance, and nothing that runs in the thread pool. */
const pureNames: Record<string, RegExp> = {
  'node:buffer': /./,
  'node:crypto': /^(createHash|createHmac|hash|timingSafeEqual)$/,
  'node:zlib': /^(crc32|constants|\w+Sync)$/,
};

function impureImport(layer: string, item: Import): boolean {
  if (item.specifier === '(computed)') return true;
  if (!item.specifier.startsWith('node:')) return false;
  if (item.specifier === 'node:sqlite' && layer === 'store') return false;
  const allowed = pureNames[item.specifier];
  return allowed === undefined || !item.names.every((name) => allowed.test(name));
}

const bannedGlobals = new Set([
  'setTimeout',
  'setInterval',
  'setImmediate',
  'process',
  'fetch',
  'performance',
  'globalThis',
  'console',
]);
const bannedMembers = new Set(['Date.now', 'Math.random', 'AbortSignal.timeout', 'crypto.randomUUID']);
bannedMembers.add('crypto.getRandomValues');

/** Names that are properties, keys or labels and so refer to no variable. */
function isReference(node: SyntaxNode, parent: SyntaxNode | undefined): boolean {
  if (parent === undefined) return true;
  if (parent.type === 'MemberExpression') return parent['object'] === node || parent['computed'] === true;
  if (/^(Property|MethodDefinition|PropertyDefinition|AccessorProperty)$/.test(parent.type)) {
    return parent['value'] === node || parent['computed'] === true;
  }
  if (parent.type.startsWith('TS')) return /^TS(As|Satisfies|NonNull|Instantiation)Expression$/.test(parent.type);
  return !/^(Import|Export)\w*Specifier$/.test(parent.type);
}

const bindingParents = /^(Function|ArrayPattern|RestElement|CatchClause|Import\w*Specifier)/;

function isDeclaration(node: SyntaxNode, parents: readonly SyntaxNode[]): boolean {
  const parent = parents.at(-1);
  if (parent === undefined) return false;
  if (parent.type === 'VariableDeclarator') return parent['id'] === node;
  if (parent.type === 'Property') return parents.at(-2)?.type === 'ObjectPattern' && parent['value'] === node;
  if (parent.type === 'AssignmentPattern') return parent['left'] === node;
  if (parent.type === 'ArrowFunctionExpression') return (parent['params'] as unknown[]).includes(node);
  return bindingParents.test(parent.type);
}

function bannedUse(node: SyntaxNode, parent: SyntaxNode | undefined): string | undefined {
  if (node.type === 'Identifier' && bannedGlobals.has(node.name) && isReference(node, parent)) return node.name;
  if (node.type === 'NewExpression' && node.arguments.length === 0) {
    return node.callee.type === 'Identifier' && node.callee.name === 'Date' ? 'new Date()' : undefined;
  }
  if (node.type === 'CallExpression' && node.callee.type === 'Identifier' && node.callee.name === 'Date')
    return 'Date()';
  if (node.type !== 'MemberExpression' || node.object.type !== 'Identifier') return undefined;
  const property = node.property.type === 'Literal' ? node.property.value : (node.property as { name?: string }).name;
  const member = `${node.object.name}.${property}`;
  return bannedMembers.has(member) ? member : undefined;
}

/** What a pure file does that it must not do. A banned word that the file itself declares (FETCH, say) is its own. */
export function checkPurity(file: SourceFile): string[] {
  if (!isPure(file.path)) return [];
  const violations = importsOf(file)
    .filter((item) => impureImport(layerOf(file.path), item))
    .map((item) => `${file.path}:${item.line}: ${item.specifier} (${item.names.join(', ')}) is not pure`);
  const declared = new Set<string>();
  const uses: { name: string; line: number }[] = [];
  walk(parse(file).program, (node, parents) => {
    if (node.type === 'Identifier' && isDeclaration(node, parents)) declared.add(node.name);
    const name = bannedUse(node, parents.at(-1));
    if (name !== undefined) uses.push({ name, line: lineAt(file.text, node.start) });
  });
  const foreign = uses.filter(({ name }) => !declared.has(name));
  return [...violations, ...foreign.map(({ name, line }) => `${file.path}:${line}: ${name} is banned here`)];
}
