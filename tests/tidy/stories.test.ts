/**
 * The documents say what the cluster does; a scenario shows it. Every case of docs/protocol.md, every row of the fault
 * catalogue that can be told in simulation and every promise that opens a point of docs/guarantees.md in bold has a
 * scenario that bears its name.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const root = new URL('../../', import.meta.url);
/** The rows of docs/invariants.md that the simulator can do; the others need real processes, disks or people. */
const simulatedFaults = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 18, 19, 25].map((number) => `N${number}`);

function read(path: string): string {
  return readFileSync(new URL(path, root), 'utf8');
}

function scenarioNames(): readonly string[] {
  const folder = 'tests/scenarios/';
  const files = readdirSync(new URL(folder, root)).filter((name) => name.endsWith('.test.ts'));
  return files.flatMap((name) =>
    [...read(`${folder}${name}`).matchAll(/^test\(\s*(['"])(.*)\1/gm)].map(([, , title]) => title ?? ''),
  );
}

/** Those of `wanted` that no scenario begins with. */
function untold(wanted: readonly string[], names: readonly string[]): readonly string[] {
  return wanted.filter((opening) => !names.some((name) => name.startsWith(`${opening}:`)));
}

test('stories: the cases of the protocol: each has a scenario with its number', () => {
  const cases = [...read('docs/protocol.md').matchAll(/^\| (\d+) \|/gm)].map(([, number]) => `case ${number}`);
  assert(cases.length >= 19, 'the table of cases was read');
  assert.deepEqual(untold(cases, scenarioNames()), []);
});

test('stories: the rows of the fault catalogue: each that can be simulated has a scenario', () => {
  const rows = new Set([...read('docs/invariants.md').matchAll(/^\| (N\d+) \|/gm)].map(([, row]) => row));
  assert.deepEqual(
    simulatedFaults.filter((row) => !rows.has(row)),
    [],
    'the catalogue has these rows',
  );
  assert.deepEqual(untold(simulatedFaults, scenarioNames()), []);
});

test('stories: the promises: each that opens a point in bold has a scenario', () => {
  const bold = [...read('docs/guarantees.md').matchAll(/^- \*\*(.+?)[.:]?\*\*|^- .*?\. \*\*(.+?)[.:]\*\*/gm)];
  const promises = bold.map(([, first, second]) => `guarantee: ${first ?? second}`);
  assert(promises.length >= 7, 'the promises were read');
  assert.deepEqual(untold(promises, scenarioNames()), []);
});

test('stories: a case that nobody tells: is found', () => {
  assert.deepEqual(untold(['case 1', 'case 20'], ['case 1: it dies', 'case 2: it lives']), ['case 20']);
});
