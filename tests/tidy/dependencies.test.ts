import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { test } from 'node:test';
import { isTestFile, projectRoot, readSources, readTexts } from '../../scripts/source-tree.ts';
import { importsOf, layerOf } from './layers.ts';

interface Manifest {
  readonly license?: string;
  readonly dependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
}

interface Row {
  readonly name: string;
  readonly licence: string;
  readonly usedIn: readonly string[];
  readonly reason: string;
}

const readManifest = (path: string): Manifest => JSON.parse(readFileSync(`${projectRoot}/${path}`, 'utf8'));
const manifest = readManifest('package.json');
const page = readTexts('docs/dependencies.md')[0]?.text ?? '';

/** The table below a heading of docs/dependencies.md: package, licence, used in, reason. */
function table(heading: string): Row[] {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return rows.map((line) => {
    const [, name = '', licence = '', usedIn = '', reason = ''] = line.split('|').map((cell) => cell.trim());
    return { name: name.replaceAll('`', ''), licence, usedIn: usedIn.split(',').map((text) => text.trim()), reason };
  });
}

/** `zod/v4` is of the package `zod`, `@peculiar/x509` of itself. */
function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

const production = table('In production');
const development = table('For development');

test('dependencies: docs/dependencies.md: lists what package.json lists, both ways', () => {
  assert.deepEqual(production.map((row) => row.name).sort(), Object.keys(manifest.dependencies).sort());
  assert.deepEqual(development.map((row) => row.name).sort(), Object.keys(manifest.devDependencies).sort());
});

test('dependencies: each one: has an exact version, its own licence and a reason', () => {
  for (const { name, licence, reason } of [...production, ...development]) {
    const version = manifest.dependencies[name] ?? manifest.devDependencies[name] ?? '';
    assert.match(version, /^\d+\.\d+\.\d+$/, name);
    assert.equal(licence, readManifest(`node_modules/${name}/package.json`).license, name);
    assert.ok(reason.split(' ').length >= 5, `${name}: the reason is missing`);
  }
});

test('dependencies: imports of src: are listed, and used only where the table says', () => {
  const violations: string[] = [];
  for (const file of readSources('src')) {
    for (const { specifier, line } of importsOf(file)) {
      if (specifier.startsWith('.') || specifier === '(computed)' || isBuiltin(specifier)) continue;
      const name = packageOf(specifier);
      const row = production.find((candidate) => candidate.name === name);
      const forTests = isTestFile(file.path) && (row ?? development.find((candidate) => candidate.name === name));
      if (!forTests && !row?.usedIn.includes(layerOf(file.path))) violations.push(`${file.path}:${line}: ${specifier}`);
    }
  }
  assert.deepEqual(violations, []);
});
