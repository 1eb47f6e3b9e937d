/**
 * A header block cut into fields, as byte ranges of the message: IMAP hands out the very bytes (HEADER.FIELDS), and
 * only few of the values are ever read as text. What is no field (a line without a colon, an mbox "From " line, a
 * continuation of nothing) is passed over: stored mail cannot be refused any more. Lines may end in a bare LF.
 */
import { decodeHeaderBytes } from './charset.ts';
import { MAX_HEADER_BYTES, MAX_HEADER_FIELDS } from './limits.ts';

export interface HeaderField {
  /** As written, without the blanks that obsolete syntax allows before the colon. ASCII. */
  readonly name: string;
  readonly lowerName: string;
  /** First byte of the value: behind the colon and the blanks that follow it on that line. */
  readonly valueStart: number;
  /** Behind the last byte of the value, before its line end. Folds lie inside. */
  readonly valueEnd: number;
  /** First byte of the name. */
  readonly start: number;
  /** Behind the last line end. */
  readonly end: number;
}

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const COLON = 0x3a;

/** The fields between `start` and `end`, up to the empty line if there is one, within the limits. */
export function parseHeader(bytes: Buffer, start = 0, end = bytes.length): HeaderField[] {
  const fields: HeaderField[] = [];
  const stop = Math.min(end, start + MAX_HEADER_BYTES);
  let position = start;
  while (position < stop && fields.length < MAX_HEADER_FIELDS) {
    if (isEmptyLine(bytes, position, stop)) break;
    const fieldEnd = foldedLineEnd(bytes, position, stop);
    const field = readField(bytes, position, fieldEnd);
    if (field !== undefined) fields.push(field);
    position = fieldEnd;
  }
  return fields;
}

/** Offset behind the empty line that ends the header starting at `start`; `end` when there is none. */
export function findHeaderEnd(bytes: Buffer, start = 0, end = bytes.length): number {
  let position = start;
  while (position < end) {
    const lineFeed = bytes.indexOf(LF, position);
    if (lineFeed === -1 || lineFeed >= end) return end;
    if (lineFeed === position || (lineFeed === position + 1 && bytes[position] === CR)) return lineFeed + 1;
    position = lineFeed + 1;
  }
  return end;
}

/** The first field called `lowerName`. */
export function findField(fields: readonly HeaderField[], lowerName: string): HeaderField | undefined {
  for (const field of fields) if (field.lowerName === lowerName) return field;
  return undefined;
}

/**
 * A value as text: unfolded (RFC 5322 2.2.3), trimmed, encoded words left as they are. UTF-8 where it is valid, else
 * Windows-1252. It contains no CR, LF or NUL, whatever the message has there: they become spaces, so that no
 * protocol's line can be broken by a value.
 */
export function headerText(bytes: Buffer, field: HeaderField, maxBytes = Number.POSITIVE_INFINITY): string {
  let end = field.valueEnd;
  if (end - field.valueStart > maxBytes) {
    end = field.valueStart + maxBytes;
    // Not in the middle of a UTF-8 character, which has at most three bytes behind its first one.
    for (let step = 0; step < 3 && end > field.valueStart && ((bytes[end] as number) & 0xc0) === 0x80; step++) end -= 1;
  }
  return unfold(decodeHeaderBytes(bytes, field.valueStart, end));
}

function unfold(text: string): string {
  let clean = text;
  if (text.includes('\n')) clean = clean.replace(/\r?\n(?=[ \t])/g, '').replace(/[\r\n\0]/g, ' ');
  else if (text.includes('\r') || text.includes('\0')) clean = clean.replaceAll('\r', ' ').replaceAll('\0', ' ');
  return clean.trim();
}

function isEmptyLine(bytes: Buffer, position: number, end: number): boolean {
  const first = bytes[position];
  return first === LF || (first === CR && position + 1 < end && bytes[position + 1] === LF);
}

/** Offset behind the line at `position` and the lines that continue it. */
function foldedLineEnd(bytes: Buffer, position: number, end: number): number {
  for (let index = position; index < end; index++) {
    if (bytes[index] !== LF) continue;
    const next = index + 1 < end ? bytes[index + 1] : undefined;
    if (next !== SPACE && next !== TAB) return index + 1;
  }
  return end;
}

function readField(bytes: Buffer, start: number, end: number): HeaderField | undefined {
  let nameEnd = start;
  while (nameEnd < end && isNameByte(bytes[nameEnd] as number)) nameEnd += 1;
  if (nameEnd === start) return undefined;
  let colon = nameEnd;
  while (colon < end && (bytes[colon] === SPACE || bytes[colon] === TAB)) colon += 1;
  if (colon === end || bytes[colon] !== COLON) return undefined;
  let valueEnd = end;
  if (bytes[valueEnd - 1] === LF) valueEnd -= bytes[valueEnd - 2] === CR ? 2 : 1;
  let valueStart = colon + 1;
  while (valueStart < valueEnd && (bytes[valueStart] === SPACE || bytes[valueStart] === TAB)) valueStart += 1;
  const name = bytes.toString('latin1', start, nameEnd);
  return { name, lowerName: name.toLowerCase(), valueStart, valueEnd, start, end };
}

/** RFC 5322 2.2: printable ASCII but the colon. */
function isNameByte(byte: number): boolean {
  return byte > 0x20 && byte < 0x7f && byte !== COLON;
}
