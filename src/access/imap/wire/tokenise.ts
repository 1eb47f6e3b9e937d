/**
 * One line of a command into tokens, in one pass. A line may end in the announcement of a literal; then the command
 * goes on behind the literal's bytes with another line.
 */
import { type LiteralAnnouncement, SyntaxFault, type Token } from './token.ts';

const SPACE = 0x20;
const QUOTE = 0x22;
const OPEN = 0x28;
const CLOSE = 0x29;
const BACKSLASH = 0x5c;
const BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
const TILDE = 0x7e;

/** Tokens of one command while its lines come in. */
export interface TokenSink {
  readonly tokens: Token[];
  readonly maxTokens: number;
  readonly maxDepth: number;
  depth: number;
}

interface Cut {
  readonly token?: Token;
  readonly literal?: LiteralAnnouncement;
  readonly end: number;
}

/** `line` comes without its CR LF. Returns the literal that the line announces at its end. */
export function tokeniseLine(line: Buffer, sink: TokenSink): LiteralAnnouncement | undefined {
  let at = 0;
  while (at < line.length) {
    const spaced = line[at] === SPACE;
    if (spaced) at++;
    if (at === line.length) return undefined; // some clients leave a space at the end of a line
    const cut = cutToken(line, at, spaced);
    if (cut.literal !== undefined) return cut.literal;
    if (cut.token !== undefined) add(cut.token, sink);
    at = cut.end;
  }
  return undefined;
}

function add(token: Token, sink: TokenSink): void {
  if (sink.tokens.length >= sink.maxTokens) throw new SyntaxFault('Too many arguments');
  if (token.kind === 'open' && ++sink.depth > sink.maxDepth) throw new SyntaxFault('Too deeply nested');
  if (token.kind === 'close' && --sink.depth < 0) throw new SyntaxFault('Unexpected )');
  sink.tokens.push(token);
}

function cutToken(line: Buffer, at: number, spaced: boolean): Cut {
  const byte = line[at];
  if (byte === OPEN) return { token: { kind: 'open', spaced }, end: at + 1 };
  if (byte === CLOSE) return { token: { kind: 'close', spaced }, end: at + 1 };
  if (byte === QUOTE) return cutQuoted(line, at + 1, spaced);
  if (byte === BRACE || (byte === TILDE && line[at + 1] === BRACE)) return cutLiteral(line, at, spaced);
  return cutAtom(line, at, spaced);
}

function cutAtom(line: Buffer, start: number, spaced: boolean): Cut {
  let end = start;
  while (end < line.length && isAtomByte(line[end] ?? 0)) end++;
  if (end === start) throw new SyntaxFault('Unexpected character');
  return { token: { kind: 'atom', text: line.toString('latin1', start, end), spaced }, end };
}

function isAtomByte(byte: number): boolean {
  return byte > SPACE && byte < 0x7f && byte !== OPEN && byte !== CLOSE && byte !== QUOTE && byte !== BRACE;
}

/** 8-bit bytes pass: clients send UTF-8 passwords and names in quotes. Who needs text decodes strictly. */
function cutQuoted(line: Buffer, start: number, spaced: boolean): Cut {
  let end = start;
  let escapes = 0;
  while (line[end] !== QUOTE) {
    if (line[end] === BACKSLASH) {
      end++;
      escapes++;
      if (line[end] !== QUOTE && line[end] !== BACKSLASH) throw new SyntaxFault('Wrong escape in a quoted string');
    }
    if (++end >= line.length) throw new SyntaxFault('Quoted string does not end');
  }
  const bytes = withoutEscapes(line.subarray(start, end), escapes);
  return { token: { kind: 'string', form: 'quoted', bytes, spaced }, end: end + 1 };
}

/** Always a copy: the line's memory is used again. */
function withoutEscapes(quoted: Buffer, escapes: number): Buffer {
  if (escapes === 0) return Buffer.from(quoted);
  const bytes = Buffer.allocUnsafe(quoted.length - escapes);
  let length = 0;
  for (let at = 0; at < quoted.length; at++) {
    if (quoted[at] === BACKSLASH) at++;
    bytes[length++] = quoted[at] ?? 0;
  }
  return bytes;
}

function cutLiteral(line: Buffer, at: number, spaced: boolean): Cut {
  const announced = literalAtEnd(line);
  if (announced === undefined || announced.start !== at) throw new SyntaxFault('Wrong literal');
  return { literal: { ...announced.literal, spaced }, end: line.length };
}

/** The literal that a line's last characters announce, whatever stands before them: errors must know it too. */
export function literalAtEnd(line: Buffer): { literal: LiteralAnnouncement; start: number } | undefined {
  if (line[line.length - 1] !== CLOSING_BRACE) return undefined;
  const brace = line.lastIndexOf(BRACE);
  if (brace < 0) return undefined;
  const match = /^(\d+)(\+?)$/.exec(line.toString('latin1', brace + 1, line.length - 1));
  if (match?.[1] === undefined) return undefined;
  const isLiteral8 = brace > 0 && line[brace - 1] === TILDE;
  const form = isLiteral8 ? 'literal8' : 'literal';
  const literal = { sizeBytes: Number(match[1]), synchronising: match[2] === '', form, spaced: false } as const;
  return { literal, start: isLiteral8 ? brace - 1 : brace };
}
