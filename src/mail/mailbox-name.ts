/**
 * Names of folders: what may be one, and the modified UTF-7 in which IMAP4rev1 sends them (RFC 3501 5.1.3). A name is
 * data, a row in a table, and never becomes a path; it is checked all the same, because it is shown, logged and handed
 * to clients that do make paths of it.
 */
import { MAX_MAILBOX_LEVELS, MAX_MAILBOX_NAME_BYTES } from './limits.ts';

export const HIERARCHY_SEPARATOR = '/';
export const INBOX = 'INBOX';

/** The one spelling under which a folder is kept: NFC, INBOX in capitals; undefined when no folder may be called so. */
export function normaliseMailboxName(name: string): string | undefined {
  if (name.length > MAX_MAILBOX_NAME_BYTES || !name.isWellFormed()) return undefined;
  const normal = withInbox(name.normalize('NFC'));
  if (Buffer.byteLength(normal) > MAX_MAILBOX_NAME_BYTES || hasControl(normal)) return undefined;
  const levels = normal.split(HIERARCHY_SEPARATOR);
  if (levels.length > MAX_MAILBOX_LEVELS) return undefined;
  return levels.some((level) => level === '' || level === '.' || level === '..') ? undefined : normal;
}

/** The names above it, from the top: `a/b/c` has `a` and `a/b`. */
export function parentNames(name: string): string[] {
  const levels = name.split(HIERARCHY_SEPARATOR);
  return levels.slice(1).map((_, index) => levels.slice(0, index + 1).join(HIERARCHY_SEPARATOR));
}

/** INBOX is the same in any case, as a folder and as the first level of one (RFC 3501 5.1, RFC 9051 5.1). */
function withInbox(name: string): string {
  if (name.length < INBOX.length || name.slice(0, INBOX.length).toUpperCase() !== INBOX) return name;
  const rest = name.slice(INBOX.length);
  return rest === '' || rest.startsWith(HIERARCHY_SEPARATOR) ? INBOX + rest : name;
}

/** C0, DEL, C1 and the two separators of Unicode: what could end a line or move a cursor. */
function hasControl(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0x2028 || code === 0x2029) return true;
  }
  return false;
}

/** For well-formed text; the result is printable ASCII. */
export function encodeModifiedUtf7(text: string): string {
  const parts: string[] = [];
  let index = 0;
  while (index < text.length) {
    const start = index;
    while (index < text.length && isPlain(text.charCodeAt(index))) index += 1;
    parts.push(text.slice(start, index).replaceAll('&', '&-'));
    const shiftStart = index;
    while (index < text.length && !isPlain(text.charCodeAt(index))) index += 1;
    if (index > shiftStart) parts.push(`&${encodeShifted(text.slice(shiftStart, index))}-`);
  }
  return parts.join('');
}

/**
 * undefined for everything that `encodeModifiedUtf7` would not write: encoded ASCII, lone surrogates, a shift that is
 * not ended, bits behind the last character. Two spellings of one name would be two keys for one folder.
 */
export function decodeModifiedUtf7(text: string): string | undefined {
  const parts: string[] = [];
  let position = 0;
  for (;;) {
    const shift = text.indexOf('&', position);
    if (shift === -1) break;
    parts.push(text.slice(position, shift));
    const end = text.indexOf('-', shift);
    if (end === -1) return undefined;
    parts.push(end === shift + 1 ? '&' : decodeShifted(text.slice(shift + 1, end)));
    position = end + 1;
  }
  parts.push(text.slice(position));
  const decoded = parts.join('');
  return decoded.isWellFormed() && encodeModifiedUtf7(decoded) === text ? decoded : undefined;
}

function isPlain(code: number): boolean {
  return code >= 0x20 && code <= 0x7e;
}

function encodeShifted(text: string): string {
  return Buffer.from(text, 'utf16le').swap16().toString('base64').replaceAll('=', '').replaceAll('/', ',');
}

function decodeShifted(text: string): string {
  const bytes = Buffer.from(text.replaceAll(',', '/'), 'base64');
  const even = Buffer.from(bytes.subarray(0, bytes.length & ~1));
  return even.swap16().toString('utf16le');
}
