/** That every planted bug is found is for `npm run sim -- --planted` to show; here: that the list is what the documents say. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { plantedBugs } from './all.ts';
import type { PlantedBug } from './planted-bug.ts';

const LEAST_BUGS = 40;

function textOf(document: string): string {
  return readFileSync(new URL(`../../../docs/${document}`, import.meta.url), 'utf8');
}

function row({ name, what, breaks, mode, faults }: PlantedBug): string {
  return `| ${name} | ${what} | ${breaks} | ${mode ?? 'any'} | ${faults?.join(', ') ?? 'by chance'} |`;
}

test('planted bugs: the list: is long, and no name stands for two', () => {
  assert.ok(plantedBugs.length >= LEAST_BUGS);
  assert.equal(new Set(plantedBugs.map(({ name }) => name)).size, plantedBugs.length);
});

test('planted bugs: each one: stands at a port and breaks a rule that is written down', () => {
  const rules = `${textOf('invariants.md')}${textOf('protocol.md')}`;
  for (const { name, breaks, ports } of plantedBugs) {
    assert.ok(Object.keys(ports).length > 0, name);
    assert.match(rules, new RegExp(`^[*-] (\\*\\*${breaks}\\*\\*|${breaks}) `, 'm'), name);
  }
});

test('planted bugs: the table of docs/planted-bugs.md: has a row for each, in the order of the list', () => {
  const lines = textOf('planted-bugs.md').split('\n');
  const first = lines.findIndex((line) => line.startsWith('| ---')) + 1;
  const rows = lines.slice(first).filter((line) => line.startsWith('|'));
  assert.deepEqual(rows, plantedBugs.map(row));
});
