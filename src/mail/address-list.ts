/**
 * Address lists of header fields (RFC 5322 3.4 with the obsolete forms of 4.4) as IMAP's ENVELOPE shows them: groups
 * become a start and an end mark in a flat list (RFC 3501 7.4.2). It reads whatever is there and never refuses; one
 * pass over the text, no recursion, so neither nested comments nor nested groups can cost more than their length.
 */
import { MAX_ADDRESSES } from './limits.ts';
import { readQuotedString } from './quoted-string.ts';

export interface EnvelopeAddress {
  /** Phrase in front of the angle bracket, quotes removed, encoded words kept. */
  readonly name: string | null;
  /** Source route as written, without its colon; obsolete. */
  readonly route: string | null;
  /** Local part, quotes removed. With `host` null it is a group's name, or null: the group's end. */
  readonly mailbox: string | null;
  /** Domain; '' when the address has none, because null would make it a group. */
  readonly host: string | null;
}

interface Token {
  readonly kind: 'word' | 'at' | 'dot';
  readonly text: string;
  readonly spaceBefore: boolean;
}

const GROUP_END: EnvelopeAddress = { name: null, route: null, mailbox: null, host: null };

/** The addresses in `text`, an unfolded value, at most `limit`, group marks counted too. */
export function parseAddressList(text: string, limit = MAX_ADDRESSES): EnvelopeAddress[] {
  return new AddressListParser(text, limit).parse();
}

class AddressListParser {
  readonly #text: string;
  readonly #limit: number;
  readonly #addresses: EnvelopeAddress[] = [];
  #position = 0;
  #tokens: Token[] = [];
  #angle: { tokens: Token[]; route: string | null } | undefined;
  #comment: string | null = null;
  #spaceSeen = false;
  #inGroup = false;

  constructor(text: string, limit: number) {
    this.#text = text;
    this.#limit = limit;
  }

  parse(): EnvelopeAddress[] {
    while (this.#position < this.#text.length && this.#addresses.length < this.#limit) this.#step();
    this.#finishAddress();
    if (this.#inGroup) this.#push(GROUP_END);
    return this.#addresses;
  }

  #step(): void {
    const character = this.#text.charAt(this.#position);
    if (character === ',') {
      this.#position += 1;
      this.#finishAddress();
    } else if (character === ';') {
      this.#position += 1;
      this.#finishAddress();
      if (this.#inGroup) this.#push(GROUP_END);
      this.#inGroup = false;
    } else if (character === ':' && !this.#inGroup && this.#angle === undefined) {
      this.#position += 1;
      this.#startGroup();
    } else if (character === '<') {
      this.#position += 1;
      this.#readAngle();
    } else this.#readToken(this.#tokens);
  }

  #startGroup(): void {
    const mailbox = phrase(this.#tokens) ?? '';
    this.#clear();
    this.#push({ name: null, route: null, mailbox, host: null });
    this.#inGroup = true;
  }

  /** Reads up to the closing bracket, or to the end of the text when nobody closed it. */
  #readAngle(): void {
    let tokens: Token[] = [];
    let route: string | null = null;
    const start = this.#position;
    while (this.#position < this.#text.length) {
      const character = this.#text.charAt(this.#position);
      if (character === '>') {
        this.#position += 1;
        break;
      }
      if (character === ':' && route === null && tokens[0]?.kind === 'at') {
        route = this.#text.slice(start, this.#position).trim();
        tokens = [];
        this.#position += 1;
      } else this.#readToken(tokens);
    }
    // The last of several wins, as it does for those who look for "the thing in brackets" from the end.
    this.#angle = { tokens, route };
    this.#spaceSeen = false;
  }

  /** One word, `@`, `.`, comment or blank; a special that has no meaning here is passed over. */
  #readToken(tokens: Token[]): void {
    const character = this.#text.charAt(this.#position);
    if (character === '"') this.#add(tokens, 'word', this.#readQuoted());
    else if (character === '(') this.#comment = this.#readComment();
    else if (character === '[') this.#add(tokens, 'word', this.#readDomainLiteral());
    else if (isBlank(character)) {
      this.#position += 1;
      this.#spaceSeen = true;
    } else if (character === '@' || character === '.') {
      this.#position += 1;
      this.#add(tokens, character === '@' ? 'at' : 'dot', character);
    } else if (SPECIALS.includes(character)) this.#position += 1;
    else this.#add(tokens, 'word', this.#readAtom());
  }

  #add(tokens: Token[], kind: Token['kind'], text: string): void {
    tokens.push({ kind, text, spaceBefore: this.#spaceSeen && tokens.length > 0 });
    this.#spaceSeen = false;
  }

  #readAtom(): string {
    const start = this.#position;
    while (this.#position < this.#text.length) {
      const character = this.#text.charAt(this.#position);
      if (isBlank(character) || character === '.' || character === '@' || SPECIALS.includes(character)) break;
      this.#position += 1;
    }
    return this.#text.slice(start, this.#position);
  }

  #readQuoted(): string {
    const { value, end } = readQuotedString(this.#text, this.#position);
    this.#position = end;
    return value;
  }

  #readComment(): string {
    const start = this.#position + 1;
    let depth = 0;
    let index = this.#position;
    for (; index < this.#text.length; index++) {
      const character = this.#text.charAt(index);
      if (character === '\\') index += 1;
      else if (character === '(') depth += 1;
      else if (character === ')') {
        depth -= 1;
        if (depth === 0) break;
      }
    }
    this.#position = Math.min(index + 1, this.#text.length);
    this.#spaceSeen = true;
    return this.#text.slice(start, index).trim();
  }

  #readDomainLiteral(): string {
    const close = this.#text.indexOf(']', this.#position);
    const end = close === -1 ? this.#text.length : close + 1;
    const literal = this.#text.slice(this.#position, end);
    this.#position = end;
    return literal;
  }

  #finishAddress(): void {
    const angle = this.#angle;
    if (angle !== undefined) {
      this.#push({ name: phrase(this.#tokens) || this.#comment, route: angle.route, ...mailboxAndHost(angle.tokens) });
    } else if (this.#tokens.length > 0) {
      // The form before RFC 822: the name stands in a comment behind the address.
      this.#push({ name: this.#comment, route: null, ...mailboxAndHost(this.#tokens) });
    }
    this.#clear();
  }

  #clear(): void {
    this.#tokens = [];
    this.#angle = undefined;
    this.#comment = null;
    this.#spaceSeen = false;
  }

  #push(address: EnvelopeAddress): void {
    if (this.#addresses.length < this.#limit) this.#addresses.push(address);
  }
}

const SPECIALS = '()<>[]:;,\\"';

function isBlank(character: string): boolean {
  return character === ' ' || character === '\t' || character === '\r' || character === '\n';
}

/** Words as a display name: blanks where blanks were, one each. */
function phrase(tokens: readonly Token[]): string | null {
  if (tokens.length === 0) return null;
  const parts: string[] = [];
  for (const token of tokens) parts.push(token.spaceBefore ? ` ${token.text}` : token.text);
  return parts.join('').trim();
}

/** The last @ separates: what stands before it may have been quoted, a domain never has one. */
function mailboxAndHost(tokens: readonly Token[]): { mailbox: string; host: string } {
  let at = tokens.length - 1;
  while (at >= 0 && tokens[at]?.kind !== 'at') at -= 1;
  if (at === -1) return { mailbox: phrase(tokens) ?? '', host: '' };
  return { mailbox: phrase(tokens.slice(0, at)) ?? '', host: joined(tokens.slice(at + 1)) };
}

function joined(tokens: readonly Token[]): string {
  return tokens.map((token) => token.text).join('');
}
