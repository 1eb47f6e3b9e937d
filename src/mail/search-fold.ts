/**
 * What a search compares: text without regard to case, accents, width and ligatures. One folding for the scan of a
 * message and for the index of a storage group, so that both always give the same answer. RFC 3501 6.4.4 asks for a
 * substring without regard to case; that `cafe` finds `café` is what RFC 5051's casemap does too, and what people want.
 *
 * Which characters are accents and which are part of a word is listed by blocks and not by Unicode's properties: the
 * index outlives the program, and a newer table must not change what was written by an older one. For the same reason
 * nothing here depends on a locale. Marks of other scripts than Latin, Greek and Cyrillic are no accents, and stay.
 */

const ASCII = /^\p{ASCII}*$/u;
/** Blocks of combining marks, and what is not seen: soft hyphens, joiners, byte order marks. */
const ACCENT_BLOCKS = [
  '\\u0300-\\u036f',
  '\\u1ab0-\\u1aff',
  '\\u1dc0-\\u1dff',
  '\\u20d0-\\u20ff',
  '\\ufe20-\\ufe2f',
  '\\u00ad\\u200b-\\u200d\\ufeff',
];
const ACCENTS = new RegExp(`[${ACCENT_BLOCKS.join('')}]`, 'g');

/** Letters that no decomposition takes apart. */
const LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ħ: 'h',
  ı: 'i',
  ł: 'l',
  þ: 'th',
  ς: 'σ',
};
const SPECIAL_LETTERS = /[ßæœøđðħıłþς]/g;

/** Folding twice is folding once. */
export function foldForSearch(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  const plain = text.normalize('NFKD').replace(ACCENTS, '').toLowerCase().normalize('NFKD').replace(ACCENTS, '');
  return plain.replace(SPECIAL_LETTERS, (letter) => LETTERS[letter] ?? letter).normalize('NFC');
}
