/**
 * Folded text as words, for an index that can answer substring searches exactly.
 *
 * A word is a longest run of letters and digits. Scripts that write no spaces (Chinese, Japanese, Thai …) and Hangul are
 * cut into overlapping pairs instead: 東京都 is 東京 and 京都. So a search text that lies inside one word, or is one or two
 * characters of such a script, is in a message exactly if one of the message's words contains it; every other search
 * text has several pieces, and what the index finds for it is a superset, to be looked at.
 */

/** Chinese, Japanese, Korean; Thai, Lao, Burmese, Khmer. */
const PAIRED =
  '\\u0e00-\\u0eff\\u1000-\\u109f\\u1100-\\u11ff\\u1780-\\u17ff\\u2e80-\\u2fdf\\u3005-\\u3007\\u3021-\\u318f' +
  '\\u31a0-\\u31ff\\u3400-\\u4dbf\\u4e00-\\u9fff\\ua960-\\ua97f\\uac00-\\ud7ff\\uf900-\\ufaff\\uff66-\\uffdc\\u{20000}-\\u{3ffff}';
/** All others, emoji included; none of the above, so that a run ends where the script changes. */
const LETTERS =
  'a-z0-9\\u00aa\\u00b5\\u00ba\\u00c0-\\u0dff\\u0f00-\\u0fff\\u10a0-\\u10ff\\u1200-\\u177f\\u1800-\\u1fff\\u2c00-\\u2dff' +
  '\\ua000-\\ua95f\\ua980-\\uabff\\ufb00-\\ufdff\\ufe70-\\ufefe\\u{10000}-\\u{1ffff}';
const RUNS = new RegExp(`([${PAIRED}]+)|[${LETTERS}]+`, 'gu');
const ASCII_WORDS = /[a-z0-9]+/g;
const ASCII = /^\p{ASCII}*$/u;

/** Longer words are cut, and the message is looked at whenever the index cannot tell. */
export const MAX_WORD_CHARACTERS = 64;

export interface Words {
  /** One behind the other with single spaces between: nothing but letters, digits and spaces. */
  readonly text: string;
  readonly distinct: ReadonlySet<string>;
  /** False when words were cut. */
  readonly isWhole: boolean;
}

/** `folded`: of foldForSearch. */
export function wordsOf(folded: string): Words {
  const words: string[] = [];
  let isWhole = true;
  for (const word of pieces(folded)) {
    if (word.length > MAX_WORD_CHARACTERS) isWhole = false;
    words.push(word.slice(0, MAX_WORD_CHARACTERS));
  }
  return { text: words.join(' '), distinct: new Set(words), isWhole };
}

/** What a search text is to the index. */
export interface SearchPieces {
  /** In reading order; empty: nothing in it is a letter or a digit. */
  readonly words: readonly string[];
  /** The one piece is the whole search text: a word that contains it is an answer, and there is no other. */
  readonly isOneWord: boolean;
  /** Something other than a letter stands before the first piece: no word ends with it, one is it. */
  readonly startsWord: boolean;
  readonly endsWord: boolean;
}

export function searchPieces(folded: string): SearchPieces {
  const words = [...pieces(folded)];
  const [first = ''] = words;
  return {
    words,
    isOneWord: words.length === 1 && first === folded && first.length <= MAX_WORD_CHARACTERS,
    startsWord: !folded.startsWith(first),
    endsWord: !folded.endsWith(words.at(-1) ?? ''),
  };
}

function* pieces(folded: string): Generator<string> {
  if (ASCII.test(folded)) {
    for (const [word] of folded.matchAll(ASCII_WORDS)) yield word;
    return;
  }
  for (const [run, paired] of folded.matchAll(RUNS)) {
    if (paired === undefined) yield run;
    else yield* pairs(paired);
  }
}

function* pairs(run: string): Generator<string> {
  let previous = '';
  let count = 0;
  for (const character of run) {
    if (count > 0) yield previous + character;
    previous = character;
    count += 1;
  }
  if (count === 1) yield run;
}
