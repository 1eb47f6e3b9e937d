/**
 * A command's arguments, read from left to right. Between two of them stands exactly one space, none behind `(` and
 * none before `)`; every reader here checks that, so no command has to. What is wrong is thrown as a SyntaxFault.
 */
import { SyntaxFault, type Token } from './token.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const NUMBER = /^\d{1,10}$/;
const MAX_NUMBER = 0xffff_ffff;

/** A text as strict UTF-8. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new SyntaxFault('Text is not UTF-8');
  }
}

export class ArgumentReader {
  readonly #tokens: readonly Token[];
  #at = 0;
  #afterOpen = false;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get atEnd(): boolean {
    return this.#at === this.#tokens.length;
  }

  end(): void {
    if (!this.atEnd) throw new SyntaxFault('Too many arguments');
  }

  /** Upper-cased text of the next argument when it is an atom. */
  peekAtom(): string | undefined {
    const token = this.#tokens[this.#at];
    return token?.kind === 'atom' ? token.text.toUpperCase() : undefined;
  }

  peekKind(): Token['kind'] | undefined {
    return this.#tokens[this.#at]?.kind;
  }

  /** A quoted string comes next, not a literal. */
  peeksQuoted(): boolean {
    const token = this.#tokens[this.#at];
    return token?.kind === 'string' && token.form === 'quoted';
  }

  /** Any printable word, wildcards and flags included, as it was written. */
  word(): string {
    const token = this.#next();
    if (token.kind !== 'atom') throw new SyntaxFault('A word is missing');
    return token.text;
  }

  keyword(): string {
    return this.word().toUpperCase();
  }

  /** Consumes the next argument when it is this atom. */
  accepts(keyword: string): boolean {
    if (this.peekAtom() !== keyword) return false;
    this.#next();
    return true;
  }

  /** The rest of a word behind `)`, without a space, as in `BODY[HEADER.FIELDS (To)]<0.10>`. */
  attachedWord(): string {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'atom' || token.spaced) throw new SyntaxFault('A word is missing');
    this.#at++;
    return token.text;
  }

  stringBytes(): Buffer {
    const token = this.#next();
    if (token.kind !== 'string') throw new SyntaxFault('A string is missing');
    if (token.form === 'literal8') throw new SyntaxFault('literal8 is not allowed here');
    return token.bytes;
  }

  /** An APPEND's message: a literal of either synchrony (RFC 3501 9, append). */
  literal(): Buffer {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'string' || token.form !== 'literal') throw new SyntaxFault('A literal is missing');
    return this.stringBytes();
  }

  /** RFC 5464 5, value: NIL or bytes in any form, NUL included (literal8). */
  nstringBytes(): Buffer | null {
    if (this.accepts('NIL')) return null;
    const token = this.#next();
    if (token.kind !== 'string') throw new SyntaxFault('A string is missing');
    return token.bytes;
  }

  text(): string {
    return decodeText(this.stringBytes());
  }

  /** RFC 3501: 1*ASTRING-CHAR / string. */
  astring(): string {
    if (this.peekKind() !== 'atom') return this.text();
    const word = this.word();
    if (/[%*\\]/.test(word)) throw new SyntaxFault('Wrong character in a name');
    return word;
  }

  /** RFC 3501 list-mailbox: wildcards are allowed. */
  listPattern(): string {
    return this.peekKind() === 'atom' ? this.word() : this.text();
  }

  nstring(): string | null {
    return this.accepts('NIL') ? null : this.text();
  }

  number(): number {
    const word = this.word();
    const value = NUMBER.test(word) ? Number(word) : Number.NaN;
    if (!(value <= MAX_NUMBER)) throw new SyntaxFault('A number is missing');
    return value;
  }

  open(): void {
    if (this.#next().kind !== 'open') throw new SyntaxFault('( is missing');
    this.#afterOpen = true;
  }

  /** Consumes `)` when it comes next. */
  closes(): boolean {
    if (this.peekKind() !== 'close') return false;
    this.#next();
    return true;
  }

  /** `( item item ... )`, possibly empty. */
  list<Item>(readItem: () => Item): Item[] {
    const items: Item[] = [];
    this.open();
    while (!this.closes()) items.push(readItem());
    return items;
  }

  /** For a command that is refused whatever else it says. */
  skipAll(): void {
    this.#at = this.#tokens.length;
  }

  #next(): Token {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw new SyntaxFault('Too few arguments');
    if (token.kind === 'close' ? token.spaced : token.spaced === this.#afterOpen) {
      throw new SyntaxFault('Arguments are separated by one space');
    }
    this.#at++;
    this.#afterOpen = false;
    return token;
  }
}
