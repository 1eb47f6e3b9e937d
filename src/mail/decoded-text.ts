/**
 * A message as a person would read it, for searching: fields with their encoded words decoded, and the text parts with
 * transfer encoding and charset decoded. Bounded, because base64 and multi-byte charsets make work out of very little.
 */
import { decodeCharset } from './charset.ts';
import { decodeEncodedWords } from './encoded-word.ts';
import { headerText, parseHeader } from './header.ts';
import { MAX_SEARCH_TEXT_CHARACTERS } from './limits.ts';
import type { MessageStructure, Part } from './mime.ts';
import { findParameter } from './parameters.ts';
import { decodeTransferEncoding } from './transfer-encoding.ts';

export interface DecodedField {
  readonly lowerName: string;
  /** Unfolded and decoded. */
  readonly value: string;
}

/** The message's own header. */
export function decodedHeader(bytes: Buffer, structure: MessageStructure): DecodedField[] {
  return decodedFields(bytes, structure.root);
}

/** The text/* parts, those of embedded messages and the headers of these included, at most `limit` characters. */
export function decodedText(bytes: Buffer, structure: MessageStructure, limit = MAX_SEARCH_TEXT_CHARACTERS): string {
  const texts: string[] = [];
  let room = limit;
  const pending: Part[] = [structure.root];
  for (let part = pending.pop(); part !== undefined && room > 0; part = pending.pop()) {
    for (let index = part.children.length - 1; index >= 0; index--) pending.push(part.children[index] as Part);
    if (part.message !== null) pending.push(part.message.root);
    const text = part.message === null ? partText(bytes, part, room) : embeddedHeaderText(bytes, part.message);
    if (text === '') continue;
    texts.push(text.slice(0, room));
    room -= Math.min(room, text.length);
  }
  return texts.join('\n');
}

/** One text part as text; '' for every other kind. At most `limit` characters. */
export function partText(bytes: Buffer, part: Part, limit = MAX_SEARCH_TEXT_CHARACTERS): string {
  if (part.type !== 'text') return '';
  // No encoding in use needs more than twelve bytes (a quoted-printable UTF-8 character) for one character.
  const end = Math.min(part.bodyEnd, part.bodyStart + limit * 12);
  const content = decodeTransferEncoding(bytes.subarray(part.bodyStart, end), part.encoding);
  return decodeCharset(content, findParameter(part.parameters, 'charset')).slice(0, limit);
}

function embeddedHeaderText(bytes: Buffer, message: MessageStructure): string {
  return decodedFields(bytes, message.root)
    .map(({ lowerName, value }) => `${lowerName}: ${value}`)
    .join('\n');
}

function decodedFields(bytes: Buffer, part: Part): DecodedField[] {
  return parseHeader(bytes, part.headerStart, part.headerEnd).map((field) => ({
    lowerName: field.lowerName,
    value: decodeEncodedWords(headerText(bytes, field)),
  }));
}
