import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { foldForSearch } from './search-fold.ts';
import { MAX_WORD_CHARACTERS, searchPieces, wordsOf } from './search-words.ts';
import { assertLinear } from './testing/linear.ts';

test('search fold: case, accents, width, ligatures and special letters are the same to a search', () => {
  const folded: readonly (readonly [string, string])[] = [
    ['Café ÉTÉ', 'cafe ete'],
    ['İstanbul ISTANBUL ısı', 'istanbul istanbul isi'],
    ['Straße STRASSE ẞ', 'strasse strasse ss'],
    ['ΟΔΟΣ οδός', 'οδοσ οδοσ'],
    ['ﬁne ｆｕｌｌ１２', 'fine full12'],
    ['Łódź Ørsted', 'lodz orsted'],
    ['co\u00adoperate', 'cooperate'],
    ['が か', 'が か'],
    ['हिन्दी', 'हिन्दी'],
  ];
  for (const [text, expected] of folded) assert.equal(foldForSearch(text), expected.normalize('NFC'));
});

test('search fold: folding twice is folding once', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      const once = foldForSearch(text);
      assert.equal(foldForSearch(once), once);
    }),
  );
});

test('search words: scripts without spaces are cut into pairs, and a run ends where the script changes', () => {
  assert.equal(wordsOf('東京都 でweb東京, 메일').text, '東京 京都 で web 東京 메일');
  assert.equal(wordsOf('foo_bar-42@example.test').text, 'foo bar 42 example test');
});

test('search words: a word that is too long is cut, and it says so', () => {
  const { text, isWhole } = wordsOf('x'.repeat(MAX_WORD_CHARACTERS + 1));
  assert.deepEqual([text.length, isWhole], [MAX_WORD_CHARACTERS, false]);
  assert.ok(wordsOf('x'.repeat(MAX_WORD_CHARACTERS)).isWhole);
});

const letters = fc.constantFrom(
  'a',
  'b',
  'é',
  'ß',
  '東',
  '京',
  '메',
  'が',
  'ส',
  ' ',
  '.',
  '-',
  '👍',
  '7',
  '\u0301',
  'Ж',
);
const shortText = fc.string({ unit: letters, maxLength: 12 });

test('search words: a search text within one word: in the text exactly if a word contains it', () => {
  fc.assert(
    fc.property(shortText, fc.string({ unit: letters, minLength: 1, maxLength: 3 }), (text, wanted) => {
      const [folded, needle] = [foldForSearch(text), foldForSearch(wanted)];
      if (!searchPieces(needle).isOneWord) return;
      const words = [...wordsOf(folded).distinct];
      assert.equal(
        words.some((word) => word.includes(needle)),
        folded.includes(needle),
      );
    }),
    { numRuns: 2_000 },
  );
});

test('search words: hostile text: the time stays linear', () => {
  assertLinear('pairs and words', (size) => {
    const text = '東a.'.repeat(size / 8);
    return () => wordsOf(foldForSearch(text));
  });
});
