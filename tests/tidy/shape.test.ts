import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSources, readTexts, type SourceFile } from '../../scripts/source-tree.ts';
import * as shape from './shape.ts';

/**
 * Old debts, by path. Both lists are empty and stay empty: an entry is taken out when the file shrinks, none is added.
 */
const longFilesAllowed: readonly string[] = [];
const longFunctionsAllowed: readonly string[] = [];

const sources = readSources('src', 'tests', 'bench', 'scripts');
const texts = [...sources, ...readTexts('*.{md,json}', 'docs/**/*.md', 'bin/*', '.ci/*')].filter(
  ({ path }) => path !== 'package-lock.json' && !path.startsWith('tests/tidy/shape'),
);
const planted = (text: string): SourceFile => ({ path: 'src/log/x.ts', text });

test('tidy: files: none is longer than the limit', () => {
  const long = sources.filter((file) => !longFilesAllowed.includes(file.path)).flatMap(shape.tooLong);
  assert.deepEqual(long, []);
  assert.equal(shape.tooLong(planted('\n'.repeat(shape.mostFileLines))).length, 0);
  assert.equal(shape.tooLong(planted('\n'.repeat(shape.mostFileLines + 1))).length, 1);
});

test('tidy: functions: none is longer than a screen', () => {
  // A port's suite is one function by its nature: the list of the tests that it registers.
  const counted = sources.filter(
    ({ path }) => !longFunctionsAllowed.includes(path) && !path.endsWith('.port-suite.ts'),
  );
  const long = counted.flatMap(shape.longFunctions);
  assert.deepEqual(long, []);
  const filling = '\n'.repeat(shape.mostFunctionLines);
  const shapes: [head: string, tail: string][] = [
    ['function x() {', '}'],
    ['const x = () => {', '};'],
    ['class A { #x() {', '} }'],
    ['const a = { x() {', '} };'],
  ];
  for (const [head, tail] of shapes) {
    assert.equal(shape.longFunctions(planted(`${head}${filling}${tail}`)).length, 1, head);
    assert.equal(shape.longFunctions(planted(`${head}${filling.slice(1)}${tail}`)).length, 0, head);
  }
});

test('tidy: files: open with their idea', () => {
  assert.deepEqual(sources.filter(({ path }) => !path.endsWith('.test.ts')).flatMap(shape.missingIdea), []);
  assert.equal(shape.missingIdea(planted("import './a.ts';")).length, 1);
  assert.equal(shape.missingIdea(planted('/** Why. */')).length, 0);
});

test('tidy: catches: none is empty', () => {
  assert.deepEqual(sources.flatMap(shape.emptyCatches), []);
  for (const text of ['try { a(); } catch {}', 'try { a(); } catch { /* fine */ }', 'a().catch(() => {});']) {
    assert.equal(shape.emptyCatches(planted(text)).length, 1, text);
  }
  for (const text of ['try { a(); } catch { b(); }', 'a().catch(report);', 'try { a(); } finally {}']) {
    assert.equal(shape.emptyCatches(planted(text)).length, 0, text);
  }
});

test('tidy: texts: carry no leftovers', () => {
  assert.deepEqual(texts.flatMap(shape.leftovers), []);
  for (const text of ['// TODO: later', 'a stub', 'test.only(', 'it.todo(']) {
    assert.equal(shape.leftovers(planted(text)).length, 1, text);
  }
  assert.equal(shape.leftovers(planted('stubborn, hackathon, todo list')).length, 0);
});

test('tidy: texts: name no folder of one machine', () => {
  assert.deepEqual(texts.flatMap(shape.machinePaths), []);
  assert.equal(shape.machinePaths(planted("read('/work/x')")).length, 1);
  assert.equal(shape.machinePaths(planted('src/work/x, framework/x')).length, 0);
});

test('tidy: the gate: has read the tree', () => {
  assert.ok(sources.length >= 70, `only ${sources.length} files were read`);
  assert.ok(texts.length > sources.length + 5, 'the documents were not read');
});
