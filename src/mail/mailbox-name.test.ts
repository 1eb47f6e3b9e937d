import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileListPattern, matchesListPattern } from './list-pattern.ts';
import { decodeModifiedUtf7, encodeModifiedUtf7, normaliseMailboxName, parentNames } from './mailbox-name.ts';
import { assertLinear } from './testing/linear.ts';

test('mailbox name: acceptable names: NFC, INBOX in capitals', () => {
  assert.equal(normaliseMailboxName('inbox'), 'INBOX');
  assert.equal(normaliseMailboxName('inBox/x'), 'INBOX/x');
  assert.equal(normaliseMailboxName('Inboxes'), 'Inboxes');
  assert.equal(normaliseMailboxName('a/inbox'), 'a/inbox');
  assert.equal(normaliseMailboxName('Entwu\u0308rfe'), 'Entw\u00fcrfe');
  assert.equal(normaliseMailboxName('a/...'), 'a/...');
  assert.deepEqual(parentNames('a/b/c'), ['a', 'a/b']);
});

test('mailbox name: empty levels, dots, controls, too long, too deep: refused', () => {
  const bad = [
    '',
    '/',
    '/a',
    'a/',
    'a//b',
    '..',
    'a/../b',
    './a',
    'a\0',
    'a\nb',
    'a\u007f',
    'a\u0085',
    'a\u2028',
    '\ud800',
    'x'.repeat(1_001),
    'ä'.repeat(501),
    Array(33).fill('a').join('/'),
  ];
  for (const name of bad) assert.equal(normaliseMailboxName(name), undefined, JSON.stringify(name));
  assert.ok(normaliseMailboxName('ä'.repeat(500)));
  assert.ok(normaliseMailboxName(Array(32).fill('a').join('/')));
});

test('modified UTF-7: the example of RFC 3501 and its like: there and back', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['~peter/mail/台北/日本語', '~peter/mail/&U,BTFw-/&ZeVnLIqe-'],
    ['A&B', 'A&-B'],
    ['Entwürfe', 'Entw&APw-rfe'],
    ['😀', '&2D3eAA-'],
    ['ä&ö', '&AOQ-&-&APY-'],
    ['', ''],
  ];
  for (const [text, encoded] of cases) {
    assert.equal(encodeModifiedUtf7(text), encoded);
    assert.equal(decodeModifiedUtf7(encoded), text);
  }
});

test('modified UTF-7: every other spelling: refused', () => {
  for (const text of [
    '&',
    'a&b',
    '&AOQ',
    '&AGE-',
    '&AOR-',
    '&AOQA-',
    '&AOQ=-',
    '&AOQ-&APY-',
    '&2D0-',
    '&3gA-',
    '&A-',
    '&AO/-',
    'ä',
    'a\0',
    '&AOQ -',
    '&/////-',
  ]) {
    assert.equal(decodeModifiedUtf7(text), undefined, text);
  }
});

test('modified UTF-7: any text: decode of encode is the identity; what decodes is what encode writes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const encoded = encodeModifiedUtf7(text);
      assert.match(encoded, /^[ -~]*$/);
      assert.equal(decodeModifiedUtf7(encoded), text);
    }),
    { seed: 2060, numRuns: 300 },
  );
  const piece = fc.constantFrom('&', '-', 'A', 'O', 'Q', ',', '/', '2D3eAA', '=', 'a', '+');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('');
      const decoded = decodeModifiedUtf7(text);
      if (decoded !== undefined) assert.equal(encodeModifiedUtf7(decoded), text);
    }),
    { seed: 2061, numRuns: 3_000 },
  );
});

test('list pattern: wildcards: star crosses levels, percent does not', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['a/b/c', '*', true],
    ['a/b/c', '%', false],
    ['a', '%', true],
    ['a/b', 'a/%', true],
    ['a/b/c', 'a/%', false],
    ['a/b/c', '%/%/c', true],
    ['a/b/c', '%*c', true],
    ['a/b/c', '%%c', false],
    ['abc', 'a*c*', true],
    ['abc', '', false],
    ['INBOX', 'inbox', true],
    ['INBOX/x', 'inBOX/%', true],
    ['INBOX/x', 'inbox/X', false],
    ['a/INBOX', 'a/inbox', false],
    ['Inboxes', 'INBOXes', false],
    ['a.c', 'a?c', false],
    ['x'.repeat(70), `${'x'.repeat(69)}%x`, true],
    ['x'.repeat(70), `${'x'.repeat(69)}%y`, false],
  ];
  for (const [name, pattern, expected] of cases)
    assert.equal(matchesListPattern(name, pattern), expected, `${name} ~ ${pattern}`);
});

test('list pattern: any name and pattern: the same as a backtracking matcher', () => {
  const matches = (name: string, pattern: string): boolean => {
    if (pattern === '') return name === '';
    if (pattern.startsWith('*') || pattern.startsWith('%')) {
      if (matches(name, pattern.slice(1))) return true;
      return name !== '' && (pattern.startsWith('*') || !name.startsWith('/')) && matches(name.slice(1), pattern);
    }
    return name !== '' && name[0] === pattern[0] && matches(name.slice(1), pattern.slice(1));
  };
  const word = (alphabet: string[]) =>
    fc.array(fc.constantFrom(...alphabet), { maxLength: 9 }).map((letters) => letters.join(''));
  fc.assert(
    fc.property(word(['a', 'b', '/']), word(['a', 'b', '/', '%', '*']), (name, pattern) => {
      assert.equal(matchesListPattern(name, pattern), matches(name, pattern));
    }),
    { seed: 20, numRuns: 5_000 },
  );
});

test('list pattern: a thousand wildcards against ten thousand folders: a moment', () => {
  const names = Array.from({ length: 10_000 }, (_, index) => `${'a/'.repeat(20)}${'a'.repeat(20)}${index}b`);
  for (const unit of ['%*', '*a', '%a%']) {
    const matches = compileListPattern(unit.repeat(1_000));
    const startMs = performance.now();
    for (const name of names) matches(name);
    assert.ok(performance.now() - startMs < 2_000, unit);
  }
  for (const unit of ['%*', '*a', 'a']) {
    assertLinear(unit, (size) => {
      const pattern = unit.repeat(size);
      return () => matchesListPattern('a'.repeat(1_000), pattern);
    });
  }
});
