/**
 * Values into the bytes of a response. Nothing here lets a CR, LF or NUL of the data become part of a line: what a
 * quoted string may not hold leaves as a literal, whose length says where it ends.
 */
import { assert } from '../../../base/assert.ts';

const CRLF = '\r\n';

/** Printable ASCII, which is what RFC 3501's quoted string may hold besides our two escapes. */
const QUOTABLE = /^[\x20-\x7e]*$/;
const ATOM = /^[\x21-\x7e]+$/;
const NOT_IN_ATOM = /[(){ %*"\\\]]/;
/** Longer strings leave as literals: some clients have short line buffers. */
const MAX_QUOTED_BYTES = 1_000;

/** `"..."` where that is allowed, else a literal; in UTF-8. */
export function string(text: string): string {
  if (text.length <= MAX_QUOTED_BYTES && QUOTABLE.test(text)) return `"${text.replace(/["\\]/g, '\\$&')}"`;
  // A literal cannot hold NUL either (RFC 3501 9, CHAR8).
  const clean = text.replaceAll('\0', '');
  return `{${Buffer.byteLength(clean)}}${CRLF}${clean}`;
}

export function nstring(text: string | null | undefined): string {
  return text === null || text === undefined ? 'NIL' : string(text);
}

export function astring(text: string): string {
  return ATOM.test(text) && !NOT_IN_ATOM.test(text) && text.toUpperCase() !== 'NIL' ? text : string(text);
}

export function list(items: readonly string[]): string {
  return `(${items.join(' ')})`;
}

/** `* OK [CODE] text` and its like. The text is ours, never data: an assertion says so. */
export function untagged(status: string, text: string, code?: string): string {
  return line(`* ${status} ${code === undefined ? '' : `[${code}] `}${text}`);
}

export function tagged(tag: string, status: 'OK' | 'NO' | 'BAD', text: string, code?: string): string {
  return line(`${tag} ${status} ${code === undefined ? '' : `[${code}] `}${text}`);
}

export function line(text: string): string {
  assert(!/[\r\n\0]/.test(text), 'A response line is one line');
  return text + CRLF;
}
