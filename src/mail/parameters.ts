/**
 * Values with parameters: Content-Type (RFC 2045 5.1) and Content-Disposition (RFC 2183), with the continuations and
 * charsets of RFC 2231. Continuations are joined at once, as RFC 2231 section 6 asks of an IMAP server; a charset is
 * not decoded there, but kept under the starred name, so that nothing is lost and the client sees standard syntax.
 * One pass, a bounded number of parameters, joined through a map: many small pieces cost no more than their length.
 */
import { decodeCharset } from './charset.ts';
import { decodeEncodedWords } from './encoded-word.ts';
import { MAX_LANGUAGES, MAX_PARAMETER_VALUE_CHARACTERS, MAX_PARAMETERS } from './limits.ts';
import { readQuotedString } from './quoted-string.ts';
import { hexDigit } from './transfer-encoding.ts';

export interface Parameter {
  /** Lower case; ends in `*` when the value is in the extended form `charset'language'percent-encoded`. */
  readonly name: string;
  readonly value: string;
}

export interface ContentType {
  /** Lower case. */
  readonly type: string;
  readonly subtype: string;
  readonly parameters: readonly Parameter[];
}

export interface Disposition {
  /** Lower case: `inline`, `attachment`, or what the message says. */
  readonly type: string;
  readonly parameters: readonly Parameter[];
}

/** undefined when there is no `type/subtype` at the start; RFC 2045 5.2 then asks for text/plain. */
export function parseContentType(value: string): ContentType | undefined {
  const reader = new ValueReader(value);
  const type = reader.token();
  if (type === '' || !reader.skip('/')) return undefined;
  const subtype = reader.token();
  if (subtype === '') return undefined;
  return { type: type.toLowerCase(), subtype: subtype.toLowerCase(), parameters: readParameters(reader) };
}

export function parseDisposition(value: string): Disposition | undefined {
  const reader = new ValueReader(value);
  const type = reader.token();
  return type === '' ? undefined : { type: type.toLowerCase(), parameters: readParameters(reader) };
}

/** Content-Transfer-Encoding: its one token in lower case, '' when there is none. */
export function parseToken(value: string): string {
  return new ValueReader(value).token().toLowerCase();
}

/** Content-Language (RFC 3282): the tags as written. */
export function parseLanguages(value: string): string[] {
  const languages: string[] = [];
  const reader = new ValueReader(value);
  while (!reader.atEnd && languages.length < MAX_LANGUAGES) {
    const language = reader.token();
    if (language !== '') languages.push(language);
    else reader.next();
  }
  return languages;
}

/** The raw value of a parameter that is not in the extended form. */
export function findParameter(parameters: readonly Parameter[], name: string): string | undefined {
  for (const parameter of parameters) if (parameter.name === name) return parameter.value;
  return undefined;
}

/** The value for a person: extended form decoded, encoded words too, because mail programs put them there. */
export function decodedParameter(parameters: readonly Parameter[], name: string): string | undefined {
  const extended = findParameter(parameters, `${name}*`);
  if (extended !== undefined) return decodeExtended(extended);
  const plain = findParameter(parameters, name);
  return plain === undefined ? undefined : decodeEncodedWords(plain);
}

function decodeExtended(value: string): string {
  const charsetEnd = value.indexOf("'");
  const languageEnd = charsetEnd === -1 ? -1 : value.indexOf("'", charsetEnd + 1);
  if (languageEnd === -1) return decodeCharset(percentDecode(value), undefined);
  return decodeCharset(percentDecode(value.slice(languageEnd + 1)), value.slice(0, charsetEnd));
}

function percentDecode(value: string): Buffer {
  const source = Buffer.from(value);
  const output = Buffer.allocUnsafe(source.length);
  let length = 0;
  for (let index = 0; index < source.length; index++) {
    const high = source[index] === 0x25 && index + 2 < source.length ? hexDigit(source[index + 1] as number) : -1;
    const low = high < 0 ? -1 : hexDigit(source[index + 2] as number);
    if (low < 0) output[length++] = source[index] as number;
    else {
      output[length++] = high * 16 + low;
      index += 2;
    }
  }
  return output.subarray(0, length);
}

interface Piece {
  /** Lower case, without stars and section. */
  readonly base: string;
  /** undefined when the parameter is whole. */
  readonly section: number | undefined;
  readonly extended: boolean;
  readonly value: string;
}

function readParameters(reader: ValueReader): Parameter[] {
  const pieces: Piece[] = [];
  while (!reader.atEnd && pieces.length < MAX_PARAMETERS) {
    if (!reader.skip(';')) {
      reader.skipToSemicolon();
      continue;
    }
    const name = reader.token().toLowerCase();
    if (name !== '' && reader.skip('=')) pieces.push(pieceOf(name, reader.value()));
  }
  return joinPieces(pieces);
}

/** `name`, `name*`, `name*3` or `name*3*` (RFC 2231 7). */
function pieceOf(name: string, value: string): Piece {
  const match = /^([^*]+)(?:\*(\d{1,4}))?(\*)?$/.exec(name);
  if (match === null) return { base: name, section: undefined, extended: false, value };
  const section = match[2] === undefined ? undefined : Number(match[2]);
  return { base: match[1] as string, section, extended: match[3] !== undefined, value };
}

/** In order of first appearance. Of two with one name the first wins. */
function joinPieces(pieces: readonly Piece[]): Parameter[] {
  const parameters = new Map<string, string>();
  const sections = new Map<string, Piece[]>();
  for (const piece of pieces) {
    if (piece.section === undefined) {
      const name = piece.extended ? `${piece.base}*` : piece.base;
      if (!parameters.has(name)) parameters.set(name, piece.value);
    } else {
      const known = sections.get(piece.base);
      if (known === undefined) sections.set(piece.base, [piece]);
      else known.push(piece);
    }
  }
  for (const [base, parts] of sections) {
    const extended = parts.some((part) => part.extended);
    const name = extended ? `${base}*` : base;
    if (!parameters.has(name)) parameters.set(name, joinSections(parts, extended));
  }
  return [...parameters].map(([name, value]) => ({ name, value }));
}

/** Sections 0, 1, 2 … up to the first gap. In the extended form a plain section's bytes are percent-encoded. */
function joinSections(parts: readonly Piece[], extended: boolean): string {
  const ordered = new Map<number, Piece>();
  for (const part of parts)
    if (part.section !== undefined && !ordered.has(part.section)) ordered.set(part.section, part);
  let value = '';
  for (let section = 0; ; section++) {
    const part = ordered.get(section);
    if (part === undefined) return value.slice(0, MAX_PARAMETER_VALUE_CHARACTERS);
    if (section === 0 && extended && !part.extended) value += "''";
    value += extended && !part.extended ? percentEncode(part.value) : part.value;
  }
}

function percentEncode(value: string): string {
  return encodeURIComponent(value.toWellFormed()).replace(
    /['()*]/g,
    (special) => `%${special.charCodeAt(0).toString(16)}`,
  );
}

const TSPECIALS = '()<>@,;:\\"/[]?=';

/** A cursor over one value. Every method skips blanks and comments first. */
class ValueReader {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    this.#skipBlanks();
    return this.#position >= this.#text.length;
  }

  /** Passes over one character. */
  next(): void {
    this.#position += 1;
  }

  skip(character: string): boolean {
    this.#skipBlanks();
    if (this.#text.charAt(this.#position) !== character) return false;
    this.#position += 1;
    return true;
  }

  skipToSemicolon(): void {
    const semicolon = this.#text.indexOf(';', this.#position);
    this.#position = semicolon === -1 ? this.#text.length : semicolon;
  }

  token(): string {
    this.#skipBlanks();
    const start = this.#position;
    while (this.#position < this.#text.length) {
      const character = this.#text.charAt(this.#position);
      if (character <= ' ' || TSPECIALS.includes(character)) break;
      this.#position += 1;
    }
    return this.#text.slice(start, this.#position);
  }

  /** A quoted string, or everything up to the semicolon: file names with blanks are rarely quoted when they should be. */
  value(): string {
    this.#skipBlanks();
    const value = this.#text.charAt(this.#position) === '"' ? this.#quoted() : this.#bare();
    return value.length > MAX_PARAMETER_VALUE_CHARACTERS
      ? value.slice(0, MAX_PARAMETER_VALUE_CHARACTERS).toWellFormed()
      : value;
  }

  #bare(): string {
    const start = this.#position;
    this.skipToSemicolon();
    const value = this.#text.slice(start, this.#position);
    const comment = value.indexOf(' (');
    return (comment === -1 ? value : value.slice(0, comment)).trim();
  }

  #quoted(): string {
    const { value, end } = readQuotedString(this.#text, this.#position);
    this.#position = end;
    return value;
  }

  #skipBlanks(): void {
    let depth = 0;
    for (; this.#position < this.#text.length; this.#position++) {
      const character = this.#text.charAt(this.#position);
      if (depth > 0 && character === '\\') this.#position += 1;
      else if (character === '(') depth += 1;
      else if (character === ')' && depth > 0) depth -= 1;
      else if (depth === 0 && character > ' ') return;
    }
  }
}
