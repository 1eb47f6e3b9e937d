/**
 * Encoded words (RFC 2047), for searching and showing. Words that follow one another in the same charset are decoded
 * as one run of bytes: writers cut them in the middle of a character although the RFC forbids it. What is not a valid
 * encoded word stays as it is. Each character is looked at a bounded number of times, whatever the text looks like.
 */
import { decodeCharset } from './charset.ts';
import { decodeBase64, decodeQ } from './transfer-encoding.ts';

interface EncodedWord {
  readonly charset: string;
  readonly bytes: Buffer;
  readonly end: number;
}

/** `text` is an unfolded value. */
export function decodeEncodedWords(text: string): string {
  let position = text.indexOf('=?');
  if (position === -1) return text;
  const parts: string[] = [];
  let plainStart = 0;
  let run: { charset: string; chunks: Buffer[] } | undefined;
  while (position !== -1) {
    const word = readEncodedWord(text, position);
    if (word === undefined) {
      position = text.indexOf('=?', position + 2);
      continue;
    }
    const between = text.slice(plainStart, position);
    // Blanks between two encoded words belong to the encoding, not to the text (RFC 2047 6.2).
    const adjacent = run !== undefined && between.trim() === '';
    if (run !== undefined && adjacent && run.charset === word.charset && !isStateful(word.charset))
      run.chunks.push(word.bytes);
    else {
      if (run !== undefined) parts.push(decodeCharset(Buffer.concat(run.chunks), run.charset));
      if (!adjacent) parts.push(between);
      run = { charset: word.charset, chunks: [word.bytes] };
    }
    plainStart = word.end;
    position = text.indexOf('=?', plainStart);
  }
  if (run !== undefined) parts.push(decodeCharset(Buffer.concat(run.chunks), run.charset));
  parts.push(text.slice(plainStart));
  return parts.join('');
}

/** Each word begins and ends in ASCII there, and TextDecoder takes an end that meets a beginning for an error. */
function isStateful(charset: string): boolean {
  return charset.startsWith('iso-2022-') || charset === 'utf-7';
}

const MAX_CHARSET_CHARACTERS = 80;

/**
 * `=?charset*language?encoding?content?=` at `start`. Blanks in the content are against the RFC and common. A content
 * ends at the first `?`, so a failed attempt costs no more than the way to the next one.
 */
function readEncodedWord(text: string, start: number): EncodedWord | undefined {
  const charsetEnd = text.indexOf('?', start + 2);
  if (charsetEnd === -1 || charsetEnd - start - 2 > MAX_CHARSET_CHARACTERS) return undefined;
  const encoding = text.charAt(charsetEnd + 1).toLowerCase();
  if ((encoding !== 'b' && encoding !== 'q') || text.charAt(charsetEnd + 2) !== '?') return undefined;
  const contentStart = charsetEnd + 3;
  const contentEnd = text.indexOf('?', contentStart);
  if (contentEnd === -1 || text.charAt(contentEnd + 1) !== '=') return undefined;
  const named = text.slice(start + 2, charsetEnd);
  const star = named.indexOf('*');
  const charset = (star === -1 ? named : named.slice(0, star)).toLowerCase();
  if (charset === '') return undefined;
  const content = Buffer.from(text.slice(contentStart, contentEnd), 'latin1');
  return { charset, bytes: encoding === 'b' ? decodeBase64(content) : decodeQ(content), end: contentEnd + 2 };
}
