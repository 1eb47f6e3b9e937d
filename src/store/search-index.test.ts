import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import fc from 'fast-check';
import { foldForSearch } from '../mail/search-fold.ts';
import type { TextField } from './content-index.ts';
import { SearchIndex } from './search-index.ts';

const SIGNATURE = Buffer.alloc(16, 7);
const ALL = { first: 0, last: Number.MAX_SAFE_INTEGER };

function makeIndex(texts: readonly string[]): SearchIndex {
  const index = new SearchIndex(new DatabaseSync(':memory:'), SIGNATURE);
  index.change(() => {
    texts.forEach((text, at) => {
      index.add({ bodyId: at + 1, crc32: 0, header: [{ lowerName: 'subject', value: `about ${text}` }], text });
    });
    index.moveTo(texts.length, 5);
  });
  return index;
}

function found(index: SearchIndex, text: string, field: TextField = 'body'): readonly number[] {
  const answer = index.find(field, text, ALL);
  assert.deepEqual(answer.open, []);
  return answer.found.toSorted((one, other) => one - other);
}

test('search index: words, beginnings, middles and ends of words are found', () => {
  const index = makeIndex(['the invoice of May', 'preinvoiced', 'nothing here']);
  assert.deepEqual(found(index, 'invoice'), [1, 2]);
  assert.deepEqual(found(index, 'INVO'), [1, 2]);
  assert.deepEqual(found(index, 'nvoic'), [1, 2]);
  assert.deepEqual(found(index, 'missing'), []);
  assert.deepEqual(found(index, 'invoice', 'subject'), [1, 2]);
  assert.deepEqual(found(index, 'about', 'text'), [1, 2, 3]);
  assert.deepEqual(found(index, 'about'), []);
});

test('search index: accents and scripts without spaces are found', () => {
  const index = makeIndex(['un café crème', '東京都庁', 'Straße', '북한 메일']);
  assert.deepEqual(found(index, 'CAFE'), [1]);
  assert.deepEqual(found(index, 'crème'), [1]);
  assert.deepEqual(found(index, '京'), [2]);
  assert.deepEqual(found(index, '京都'), [2]);
  assert.deepEqual(found(index, 'strasse'), [3]);
  assert.deepEqual(found(index, '메일'), [4]);
});

test('search index: several words: candidates to be looked at, not answers', () => {
  const index = makeIndex(['hello world', 'othello, worldwide', 'world hello', '東京都']);
  assert.deepEqual(index.find('body', 'hello world', ALL), { found: [], open: [1, 2] });
  assert.deepEqual(index.find('body', 'llo wor', ALL), { found: [], open: [1, 2] });
  assert.deepEqual(index.find('body', ' world ', ALL), { found: [], open: [1, 3] });
  assert.deepEqual(index.find('body', '東京都', ALL), { found: [], open: [4] });
});

test('search index: nothing but punctuation: it cannot tell', () => {
  assert.deepEqual(makeIndex(['a!b']).find('body', '!', ALL), { found: [], open: 'all' });
  assert.deepEqual(makeIndex(['a']).find('body', '', ALL), { found: [], open: 'all' });
});

test('search index: words of the query language are only words', () => {
  const index = makeIndex(['a "quoted" NEAR body : NOT x OR y* AND (z)', 'else']);
  for (const text of [
    '"',
    'NEAR',
    'NOT',
    'x OR y*',
    'body :',
    '(z)',
    'a "quoted"',
    '* AND',
    '^a',
    '+',
    "'); DROP TABLE",
  ]) {
    const { found: hits, open } = index.find('body', text, ALL);
    assert.ok(open === 'all' || [...hits, ...open].length <= 1, text);
  }
});

test('search index: removed and replaced bodies are gone, a failed change leaves it as it was', () => {
  const index = makeIndex(['first words', 'second words']);
  index.change(() => index.remove(1));
  assert.deepEqual(found(index, 'words'), [2]);
  index.change(() => index.add({ bodyId: 2, crc32: 9, header: [], text: 'other' }));
  assert.deepEqual(found(index, 'words'), []);
  assert.throws(() =>
    index.change(() => {
      index.add({ bodyId: 3, crc32: 0, header: [], text: 'unheard' });
      throw new Error('disk full');
    }),
  );
  assert.deepEqual(found(index, 'unheard'), []);
  assert.deepEqual([...index.documents(ALL)], [[2, 9]]);
  index.change(() => index.add({ bodyId: 3, crc32: 0, header: [], text: 'unheard' }));
  assert.deepEqual(found(index, 'unheard'), [3]);
});

test('search index: a file of another stream or version is refused', () => {
  const connection = new DatabaseSync(':memory:');
  assert.ok(new SearchIndex(connection, SIGNATURE));
  assert.throws(() => new SearchIndex(connection, Buffer.alloc(16, 8)), { code: 'IndexUnusable' });
  connection.exec("UPDATE meta SET value = '0 x' WHERE name = 'made'");
  assert.throws(() => new SearchIndex(connection, SIGNATURE), { code: 'IndexUnusable' });
});

test('search index: whatever is asked: what it says is what a reader would say', () => {
  const letters = fc.constantFrom('a', 'b', 'c', 'é', '東', '京', '都', ' ', ' ', '.', '"', 'ß', '7');
  const texts = fc.array(fc.string({ unit: letters, maxLength: 14 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(texts, fc.string({ unit: letters, minLength: 1, maxLength: 5 }), (bodies, wanted) => {
      const { found: hits, open } = makeIndex(bodies).find('body', wanted, ALL);
      if (open === 'all') return;
      bodies.forEach((text, at) => {
        const isThere = foldForSearch(text).includes(foldForSearch(wanted));
        if (hits.includes(at + 1)) assert.ok(isThere, `${wanted} is said to be in ${text}`);
        else if (!open.includes(at + 1)) assert.ok(!isThere, `${wanted} was missed in ${text}`);
      });
    }),
    { numRuns: 300 },
  );
});
