import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ALL_FLAGS,
  addKeywords,
  FLAG_DELETED,
  FLAG_SEEN,
  flagNames,
  hasKeyword,
  isKeyword,
  parseFlag,
  removeKeywords,
} from './flags.ts';

test('flags: system flags in any case: their bits', () => {
  assert.deepEqual(parseFlag('\\sEEN'), { kind: 'system', bit: FLAG_SEEN });
  assert.deepEqual(flagNames(FLAG_SEEN | FLAG_DELETED), ['\\Deleted', '\\Seen']);
  const bits = flagNames(ALL_FLAGS).map((name) => parseFlag(name));
  assert.equal(
    bits.reduce((sum, flag) => sum + (flag?.kind === 'system' ? flag.bit : 0), 0),
    ALL_FLAGS,
  );
});

test('flags: keywords: atoms only, at most 64 long', () => {
  assert.deepEqual(parseFlag('$Forwarded'), { kind: 'keyword', keyword: '$Forwarded' });
  for (const text of [
    '',
    '\\Recent',
    '\\Other',
    'a b',
    'a(',
    'a]',
    'a"',
    'a%',
    'a*',
    'a{',
    'a\r',
    'ä',
    'k'.repeat(65),
  ]) {
    assert.equal(parseFlag(text), undefined, text);
  }
  assert.ok(isKeyword('k'.repeat(64)));
});

test('flags: keywords that differ in case: one keyword, spelled as first seen', () => {
  assert.deepEqual(addKeywords(['Work'], ['WORK', 'x', 'X']), ['Work', 'x']);
  assert.deepEqual(removeKeywords(['Work', 'x'], ['work']), ['x']);
  assert.ok(hasKeyword(['Work'], 'wOrK'));
});
