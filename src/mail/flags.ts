/**
 * Flags of messages: five system flags as bits, and keywords, which are names that clients make up (RFC 3501 2.3.2).
 * Keywords keep the case of their first use and are equal without regard to it.
 */
import { MAX_KEYWORD_BYTES } from './limits.ts';

export const FLAG_SEEN = 1;
export const FLAG_ANSWERED = 2;
export const FLAG_FLAGGED = 4;
export const FLAG_DELETED = 8;
export const FLAG_DRAFT = 16;
export const ALL_FLAGS = 31;

const NAMES: readonly (readonly [number, string])[] = [
  [FLAG_ANSWERED, '\\Answered'],
  [FLAG_FLAGGED, '\\Flagged'],
  [FLAG_DELETED, '\\Deleted'],
  [FLAG_SEEN, '\\Seen'],
  [FLAG_DRAFT, '\\Draft'],
];

const BITS = new Map<string, number>(NAMES.map(([bit, name]) => [name.toLowerCase(), bit]));

export type Flag =
  | { readonly kind: 'system'; readonly bit: number }
  | { readonly kind: 'keyword'; readonly keyword: string };

/** undefined for what a client cannot set: \Recent, unknown names with a backslash, what is no atom. */
export function parseFlag(text: string): Flag | undefined {
  const bit = BITS.get(text.toLowerCase());
  if (bit !== undefined) return { kind: 'system', bit };
  return isKeyword(text) ? { kind: 'keyword', keyword: text } : undefined;
}

/** The names of the bits that are set, in the order in which IMAP servers list them. */
export function flagNames(flags: number): string[] {
  return NAMES.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name);
}

/** An atom of RFC 3501 9 that JMAP accepts too (RFC 8621 4.1.1), at most MAX_KEYWORD_BYTES long. */
export function isKeyword(text: string): boolean {
  if (text === '' || text.length > MAX_KEYWORD_BYTES) return false;
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index);
    if (character <= ' ' || character > '~' || '(){%*"\\]'.includes(character)) return false;
  }
  return true;
}

export function hasKeyword(keywords: readonly string[], keyword: string): boolean {
  const wanted = keyword.toLowerCase();
  return keywords.some((known) => known.toLowerCase() === wanted);
}

/** `keywords` and those of `added` that it does not have yet, in their order. */
export function addKeywords(keywords: readonly string[], added: readonly string[]): string[] {
  const known = new Set(keywords.map((keyword) => keyword.toLowerCase()));
  const result = [...keywords];
  for (const keyword of added) {
    const lower = keyword.toLowerCase();
    if (known.has(lower)) continue;
    known.add(lower);
    result.push(keyword);
  }
  return result;
}

export function removeKeywords(keywords: readonly string[], removed: readonly string[]): string[] {
  const gone = new Set(removed.map((keyword) => keyword.toLowerCase()));
  return keywords.filter((keyword) => !gone.has(keyword.toLowerCase()));
}
