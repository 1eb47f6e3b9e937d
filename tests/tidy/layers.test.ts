import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { projectRoot, readSources, readTexts, type SourceFile } from '../../scripts/source-tree.ts';
import { checkImports, checkPurity, isPure, layerOf, parseLayerTable } from './layers.ts';

/** A gate that reads nothing must not pass. This number only ever grows; the last test here asks for it. */
const leastFilesRead = 536;

const architecture = readTexts('ARCHITECTURE.md')[0]?.text ?? '';
const rules = parseLayerTable(architecture);
const sources = readSources('src');

const planted = (path: string, text: string): SourceFile => ({ path, text });

test('layers: the tree: imports only what the table of ARCHITECTURE.md allows', () => {
  assert.deepEqual(
    sources.flatMap((file) => checkImports(file, rules)),
    [],
  );
});

test('layers: the pure layers: reach for no clock, chance, timer or machine', () => {
  assert.deepEqual(sources.flatMap(checkPurity), []);
});

test('layers: the table and the folders: name the same layers', () => {
  const named = rules.map((rule) => rule.layer).sort();
  const folders = readdirSync(`${projectRoot}/src`, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const filled = folders
    .map((entry) => entry.name)
    .filter((name) => sources.some((file) => layerOf(file.path) === name));
  assert.deepEqual(filled.sort(), named);
});

test('layers: the gate: has read the tree', () => {
  assert.ok(sources.length >= leastFilesRead, `only ${sources.length} files were read`);
  assert.ok(sources.filter((file) => isPure(file.path)).length >= leastFilesRead / 4, 'too few pure files were read');
  assert.ok(sources.length < leastFilesRead * 2, `raise leastFilesRead to ${sources.length}`);
});

const table = [
  '| layer | may import |',
  '| --- | --- |',
  '| base | – |',
  '| mail, cluster | base |',
  '| admin | base, mail, and the status and command types of all below it |',
  '| host | base, and the ports that others declare |',
  '| main | everything but host |',
].join('\n');

test('layers: a planted table: is read with lists, types of layers below, ports and exceptions', () => {
  const planned = parseLayerTable(table);
  const of = (layer: string) => planned.find((rule) => rule.layer === layer);
  assert.deepEqual([...(of('base')?.values ?? ['?'])], []);
  assert.deepEqual([...(of('cluster')?.values ?? [])], ['base']);
  assert.deepEqual([...(of('admin')?.types ?? [])], ['base', 'mail', 'cluster']);
  assert.ok(of('host')?.types.has('main'));
  assert.deepEqual([...(of('main')?.values ?? [])].sort(), ['admin', 'base', 'cluster', 'mail', 'main']);
});

test('layers: a table that cannot be read: is an error, not a permission', () => {
  assert.throws(() => parseLayerTable(`${table}\n| odd | whatever it likes |`), /cannot read/);
  assert.throws(() => parseLayerTable(`${table}\n| odd | everything but nobody |`), /no layer is called nobody/);
  assert.deepEqual(parseLayerTable('no table here'), []);
});

test('layers: planted imports: each way to import upwards is found', () => {
  const planned = parseLayerTable(table);
  const upwards = [
    "import { a } from '../admin/a.ts';",
    "import type { A } from '../admin/a.ts';",
    "import '../admin/a.ts';",
    "export * from '../admin/a.ts';",
    "export type { A } from '../admin/a.ts';",
    "const a = await import('../admin/a.ts');",
    "let a: import('../admin/a.ts').A;",
    "import { world } from './testing/world.ts';",
    "import { root } from '../../scripts/tree.ts';",
  ];
  for (const text of upwards) assert.equal(checkImports(planted('src/mail/x.ts', text), planned).length, 1, text);
  assert.equal(checkImports(planted('src/other/x.ts', ''), planned).length, 1);
});

test('layers: types of a layer below: are allowed as types and only as types', () => {
  const planned = parseLayerTable(table);
  const check = (text: string) => checkImports(planted('src/admin/x.ts', text), planned).length;
  assert.equal(check("import type { View } from '../cluster/view.ts';"), 0);
  assert.equal(check("import { type View } from '../cluster/view.ts';"), 0);
  assert.equal(check("import { type View, decide } from '../cluster/view.ts';"), 1);
});

test('layers: test files: may use the test support of every layer and no more than that', () => {
  const planned = parseLayerTable(table);
  const check = (text: string) => checkImports(planted('src/mail/x.test.ts', text), planned).length;
  assert.equal(check("import { suite } from '../cluster/register.port-suite.ts';"), 0);
  assert.equal(check("import { world } from '../admin/testing/world.ts';"), 0);
  assert.equal(check("import { decide } from '../cluster/decide.ts';"), 1);
});

test('layers: planted impurities: each one is found', () => {
  const impure = [
    'const now = Date.now();',
    "const now = Date['now']();",
    'const now = new Date();',
    'const now = Date();',
    'const x = Math.random();',
    'setTimeout(fire, 1);',
    'const later = setInterval;',
    'setImmediate(fire);',
    'process.exit(1);',
    'const { env } = process;',
    "await fetch('http://example.test/');",
    'performance.now();',
    'globalThis.setTimeout(fire, 1);',
    'const all = { process };',
    'use(process!, 1);',
    'const { now = process.hrtime } = options;',
    "import { readFileSync } from 'node:fs';",
    "import type { Socket } from 'node:net';",
    "import { randomBytes } from 'node:crypto';",
    "import { gzip } from 'node:zlib';",
    "import { DatabaseSync } from 'node:sqlite';",
    'await import(name);',
  ];
  for (const text of impure) assert.notEqual(checkPurity(planted('src/log/x.ts', text)).length, 0, text);
});

test('layers: what only looks impure: passes', () => {
  const pure = [
    'const date = new Date(0);',
    'class Queue { process(): void { this.process(); } }',
    'const words = { fetch: 1 }; words.fetch;',
    'const fetch = parse(); use(fetch);',
    'function run(process: string): string { return process; }',
    'function run({ fetch }: Options): void { fetch(); }',
    "import { fetch } from './fetch.ts'; fetch();",
    'type Step = (process: string) => void;',
    '// setTimeout(fire, 1)',
    "import { createHash } from 'node:crypto';",
    "import { crc32, zstdCompressSync } from 'node:zlib';",
  ];
  for (const text of pure) assert.deepEqual(checkPurity(planted('src/log/x.ts', text)), [], text);
  assert.deepEqual(checkPurity(planted('src/store/x.ts', "import { DatabaseSync } from 'node:sqlite';")), []);
  assert.deepEqual(checkPurity(planted('src/host/x.ts', 'Date.now();')), []);
  assert.deepEqual(checkPurity(planted('src/log/x.test.ts', 'Date.now();')), []);
  assert.equal(checkPurity(planted('src/transport/queue/x.ts', 'Date.now();')).length, 1);
});
