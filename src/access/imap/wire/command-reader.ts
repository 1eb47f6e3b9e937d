/**
 * Bytes in, commands out. The reader is fed whatever the network brought, cut anywhere, and asked for the next event;
 * it is asked again only when the one before has been dealt with, so what is still unread can be handed to somebody
 * else (a TLS layer, a session in another process) without loss.
 *
 * Its first duty is to stay in step (bad-input: literal desynchronisation). Whatever is wrong with a command, the bytes
 * of a non-synchronising literal that the client has already sent behind it are dropped exactly, or the connection ends;
 * they are never read as commands.
 */
import { assert } from '../../../base/assert.ts';
import type { CommandLimits } from '../../limits.ts';
import { GrowingBytes } from './growing-bytes.ts';
import { InputQueue } from './input-queue.ts';
import { type Command, type LiteralAnnouncement, SyntaxFault, type Token } from './token.ts';
import { literalAtEnd, type TokenSink, tokeniseLine } from './tokenise.ts';

export type ReaderEvent =
  | { readonly type: 'command'; readonly command: Command }
  /** The client waits for `+`: call acceptLiteral() or refuseLiteral() before anything else. */
  | { readonly type: 'continuation'; readonly sizeBytes: number }
  | Refusal;

export interface Refusal {
  readonly type: 'refused';
  /** Undefined when not even the tag could be read. */
  readonly tag: string | undefined;
  readonly status: 'BAD' | 'NO';
  readonly code: 'TOOBIG' | undefined;
  readonly text: string;
  /** We are no longer in step: say BYE and close. */
  readonly fatal: boolean;
}

type State = 'line' | 'verdict' | 'literal' | 'swallow' | 'dead';

const APPEND = 'APPEND';
/** Tokens of an APPEND before its first message can come: tag, name, mailbox. */
const TOKENS_BEFORE_MESSAGE = 3;

export class CommandReader {
  readonly #limits: CommandLimits;
  readonly #input = new InputQueue();
  #state: State = 'line';
  #sink: TokenSink;
  #textBytes = 0;
  #literalSumBytes = 0;
  #messageSumBytes = 0;
  #announced: LiteralAnnouncement | undefined;
  #literal = new GrowingBytes();
  #swallowBytes = 0;
  #refusal: Refusal | undefined;

  constructor(limits: CommandLimits) {
    this.#limits = limits;
    this.#sink = this.#newSink();
  }

  /** Bytes that came and were not read yet. */
  get pendingBytes(): number {
    return this.#input.length;
  }

  push(bytes: Buffer): void {
    if (this.#state !== 'dead') this.#input.push(bytes);
  }

  /** The next event, or `undefined` until more bytes come. */
  next(): ReaderEvent | undefined {
    for (;;) {
      const event = this.#step();
      if (event !== 'again') return event;
    }
  }

  /** The next line as it is, without its line end: an answer to a challenge, or IDLE's DONE. */
  nextRawLine(maxBytes: number): Buffer | 'tooLong' | undefined {
    assert(this.#isBetweenCommands(), 'A raw line is read between commands only');
    const line = this.#input.line(maxBytes);
    if (line === undefined || line === 'tooLong') return line;
    return Buffer.from(withoutLineEnd(line));
  }

  acceptLiteral(): void {
    assert(this.#state === 'verdict', 'No literal waits for a verdict');
    this.#state = 'literal';
  }

  /** The command is forgotten: a client that is told NO or BAD in place of `+` does not send the literal. */
  refuseLiteral(): string {
    assert(this.#state === 'verdict', 'No literal waits for a verdict');
    const tag = this.#tag();
    this.#reset();
    return tag ?? '*';
  }

  /** Takes what has not been read, to be given to whoever reads on. Between commands only. */
  drain(): Buffer {
    assert(this.#isBetweenCommands(), 'The rest is taken between commands only');
    return this.#input.drain();
  }

  #isBetweenCommands(): boolean {
    return this.#state === 'line' && this.#sink.tokens.length === 0 && this.#refusal === undefined;
  }

  #step(): ReaderEvent | undefined | 'again' {
    switch (this.#state) {
      case 'line':
        return this.#onLine();
      case 'literal':
        return this.#onLiteralBytes();
      case 'swallow':
        return this.#onSwallowedBytes();
      case 'verdict':
      case 'dead':
        return undefined;
    }
  }

  #onLine(): ReaderEvent | undefined | 'again' {
    const room = this.#limits.textBytes - this.#textBytes;
    const line = this.#input.line(room);
    if (line === undefined) return undefined;
    if (line === 'tooLong') return this.#die('Command is too long');
    this.#textBytes += line.length;
    const text = withoutLineEnd(line);
    if (this.#refusal !== undefined) return this.#skipLine(text);
    try {
      checkLine(line);
      const literal = tokeniseLine(text, this.#sink);
      if (literal !== undefined) return this.#onAnnouncement(literal);
      return this.#finish();
    } catch (error) {
      if (!(error instanceof SyntaxFault)) throw error;
      this.#refusal = this.#makeRefusal('BAD', error.message);
      return this.#skipLine(text);
    }
  }

  /** Behind an error: goes on dropping as long as lines announce literals that are under way already. */
  #skipLine(text: Buffer): ReaderEvent | undefined | 'again' {
    const literal = literalAtEnd(text)?.literal;
    if (literal === undefined || literal.synchronising) return this.#refuse();
    if (literal.sizeBytes > this.#limits.swallowBytes) return this.#die('Literal is too big', 'TOOBIG');
    this.#swallowBytes = literal.sizeBytes;
    this.#textBytes = 0; // the swallowing itself is bounded by the literals' size, the memory by one line
    this.#state = 'swallow';
    return 'again';
  }

  #onAnnouncement(literal: LiteralAnnouncement): ReaderEvent | 'again' {
    const refusal = this.#checkSize(literal);
    if (refusal !== undefined) {
      this.#refusal = refusal;
      if (literal.synchronising) return this.#refuse();
      if (literal.sizeBytes > this.#limits.swallowBytes) return this.#die(refusal.text, 'TOOBIG');
      this.#swallowBytes = literal.sizeBytes;
      this.#state = 'swallow';
      return 'again';
    }
    this.#announced = literal;
    if (!literal.synchronising) {
      this.#state = 'literal';
      return 'again';
    }
    this.#state = 'verdict';
    return { type: 'continuation', sizeBytes: literal.sizeBytes };
  }

  #checkSize(literal: LiteralAnnouncement): Refusal | undefined {
    const limits = this.#limits;
    if (this.#sink.tokens.length >= limits.tokens) return this.#makeRefusal('BAD', 'Too many arguments');
    if (this.#isMessage()) {
      this.#messageSumBytes += literal.sizeBytes;
      if (this.#messageSumBytes <= limits.messageSumBytes) return undefined;
      return { ...this.#makeRefusal('NO', 'Message is too big'), code: 'TOOBIG' };
    }
    this.#literalSumBytes += literal.sizeBytes;
    if (literal.sizeBytes <= limits.literalBytes && this.#literalSumBytes <= limits.literalSumBytes) return undefined;
    return { ...this.#makeRefusal('BAD', 'Literal is too big'), code: 'TOOBIG' };
  }

  /** Where APPEND is not to be said yet, its literals are like all others. */
  #isMessage(): boolean {
    const name = this.#sink.tokens[1];
    const isAppend = name?.kind === 'atom' && name.text.toUpperCase() === APPEND;
    return this.#limits.messageSumBytes > 0 && isAppend && this.#sink.tokens.length >= TOKENS_BEFORE_MESSAGE;
  }

  #onLiteralBytes(): ReaderEvent | undefined | 'again' {
    const announced = this.#announced;
    assert(announced !== undefined, 'A literal was announced');
    while (this.#literal.length < announced.sizeBytes) {
      const bytes = this.#input.some(announced.sizeBytes - this.#literal.length);
      if (bytes === undefined) return undefined;
      this.#literal.append(bytes);
    }
    const bytes = this.#literal.take();
    this.#state = 'line';
    this.#announced = undefined;
    if (announced.form === 'literal' && bytes.includes(0)) {
      // The rest of the line is still to come; it is read and dropped with the command.
      this.#refusal = this.#makeRefusal('BAD', 'NUL in a literal');
    } else {
      this.#sink.tokens.push({ kind: 'string', form: announced.form, bytes, spaced: announced.spaced });
    }
    return 'again';
  }

  #onSwallowedBytes(): undefined | 'again' {
    while (this.#swallowBytes > 0) {
      const bytes = this.#input.some(this.#swallowBytes);
      if (bytes === undefined) return undefined;
      this.#swallowBytes -= bytes.length;
    }
    this.#state = 'line';
    return 'again';
  }

  #finish(): ReaderEvent {
    if (this.#sink.depth !== 0) throw new SyntaxFault('Missing )');
    const tag = this.#tag();
    if (tag === undefined) throw new SyntaxFault('A command starts with a tag');
    const name: Token | undefined = this.#sink.tokens[1];
    if (name?.kind !== 'atom' || !name.spaced) throw new SyntaxFault('A command follows the tag');
    const command = { tag, name: name.text.toUpperCase(), arguments: this.#sink.tokens.slice(2) };
    this.#reset();
    return { type: 'command', command };
  }

  /** RFC 3501: ASTRING-CHAR without "+". */
  #tag(): string | undefined {
    const first = this.#sink.tokens[0];
    if (first?.kind !== 'atom' || first.spaced || /[%*\\+]/.test(first.text)) return undefined;
    return first.text.length <= this.#limits.tagBytes ? first.text : undefined;
  }

  #makeRefusal(status: 'BAD' | 'NO', text: string): Refusal {
    return { type: 'refused', tag: this.#tag(), status, code: undefined, text, fatal: false };
  }

  #refuse(): Refusal {
    const refusal = this.#refusal;
    assert(refusal !== undefined, 'Something was refused');
    this.#reset();
    return refusal;
  }

  #die(text: string, code?: 'TOOBIG'): Refusal {
    const refusal = { ...this.#makeRefusal('BAD', text), code, fatal: true };
    this.#reset();
    this.#state = 'dead';
    this.#input.drain();
    return refusal;
  }

  #reset(): void {
    this.#state = 'line';
    this.#sink = this.#newSink();
    this.#textBytes = this.#literalSumBytes = this.#messageSumBytes = this.#swallowBytes = 0;
    this.#announced = undefined;
    this.#refusal = undefined;
    this.#literal = new GrowingBytes();
  }

  #newSink(): TokenSink {
    return { tokens: [], maxTokens: this.#limits.tokens, maxDepth: this.#limits.listDepth, depth: 0 };
  }
}

/** A line ends in CR LF, and neither these two nor a NUL stand inside it. */
function checkLine(line: Buffer): void {
  if (line.includes(0)) throw new SyntaxFault('NUL in a command');
  if (line.indexOf(0x0d) !== line.length - 2) throw new SyntaxFault('A line ends in CR LF, and CR stands nowhere else');
}

/** Wrong line ends too: a literal that is announced before one is under way all the same. */
function withoutLineEnd(line: Buffer): Buffer {
  let end = line.length - 1;
  while (end > 0 && line[end - 1] === 0x0d) end--;
  return line.subarray(0, end);
}
