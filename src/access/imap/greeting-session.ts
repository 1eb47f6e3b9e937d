/**
 * The conversation before a login. It runs in the access role, where TLS ends and passwords are checked; it does
 * neither itself. Bytes go in, effects come out, in the order in which they are to be carried out:
 *
 *     greet() ──► feed(bytes) ──► send · close
 *                             ├─► startTls      carried out, then tlsStarted()
 *                             └─► authenticate  carried out, then refused(...) or handOver()
 *
 * While TLS or a password is being dealt with, input waits unread. After handOver() this object is done: the tagged OK
 * of the login is written by the session in the copy's process, which gets the tag and the bytes that were not read.
 * The time that a client may take before its login is the caller's to limit.
 */
import { assert } from '../../base/assert.ts';
import { type GreetingLimits, greetingLimits } from '../limits.ts';
import { capabilitiesBeforeLogin } from './capability.ts';
import { idResponse, parseId } from './id.ts';
import { type PlainCredentials, parsePlain } from './sasl-plain.ts';
import { ArgumentReader } from './wire/arguments.ts';
import { CommandReader, type ReaderEvent } from './wire/command-reader.ts';
import { tagged, untagged } from './wire/print.ts';
import { type Command, SyntaxFault } from './wire/token.ts';

export type GreetingEffect =
  | { readonly type: 'send'; readonly bytes: Buffer }
  /** What was sent before leaves in the clear, then the handshake begins. No plaintext byte is left over. */
  | { readonly type: 'startTls' }
  | { readonly type: 'authenticate'; readonly tag: string; readonly user: string; readonly password: string }
  | { readonly type: 'close' };

export interface GreetingOptions {
  /** TLS runs already (port 993). */
  readonly secure: boolean;
  /** STARTTLS can be done. */
  readonly startTls: boolean;
  /** Passwords may come without TLS: for loopback only. */
  readonly allowPlaintext: boolean;
  readonly limits?: GreetingLimits;
}

export interface LoginHandover {
  readonly tag: string;
  /** Bytes that the client sent behind its login. */
  readonly rest: Buffer;
}

type State = 'command' | 'sasl' | 'startTls' | 'authenticating' | 'done';

/** A browser that was sent here by a foreign page (ALPACA) is cut off without an echo of what it said. */
const HTTP_VERBS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'CONNECT', 'TRACE', 'PRI']);

export class GreetingSession {
  readonly #limits: GreetingLimits;
  readonly #startTlsPossible: boolean;
  readonly #allowPlaintext: boolean;
  readonly #reader: CommandReader;
  #secure: boolean;
  #state: State = 'command';
  /** Of the login or STARTTLS under way. */
  #tag = '';
  #badCommands = 0;
  #refusedLogins = 0;
  #effects: GreetingEffect[] = [];

  constructor(options: GreetingOptions) {
    this.#limits = options.limits ?? greetingLimits;
    this.#secure = options.secure;
    this.#startTlsPossible = options.startTls;
    this.#allowPlaintext = options.allowPlaintext;
    this.#reader = new CommandReader(this.#limits.command);
  }

  greet(): readonly GreetingEffect[] {
    this.#send(untagged('OK', 'Holdfast ready', `CAPABILITY ${this.#capabilities()}`));
    return this.#takeEffects();
  }

  feed(bytes: Buffer): readonly GreetingEffect[] {
    if (this.#state === 'done') return [];
    if (this.#state === 'startTls') {
      // Plaintext between STARTTLS and the handshake was put there by somebody else.
      this.#close();
      return this.#takeEffects();
    }
    this.#reader.push(bytes);
    return this.#pump();
  }

  /** The handshake is complete; what was said before it counts for nothing any more (RFC 3501 6.2.1). */
  tlsStarted(): void {
    assert(this.#state === 'startTls', 'No STARTTLS is under way');
    this.#secure = true;
    this.#badCommands = 0;
    this.#state = 'command';
  }

  /** 'wrong' credentials count towards the end of the connection; 'temporary' failures do not. */
  refused(reason: 'wrong' | 'temporary'): readonly GreetingEffect[] {
    assert(this.#state === 'authenticating', 'No login is under way');
    this.#state = 'command';
    if (reason === 'temporary') {
      this.#send(tagged(this.#tag, 'NO', 'Try again later', 'UNAVAILABLE'));
      return this.#pump();
    }
    this.#send(tagged(this.#tag, 'NO', 'Wrong user or password', 'AUTHENTICATIONFAILED'));
    if (++this.#refusedLogins >= this.#limits.refusedLogins) this.#bye('Too many wrong logins');
    return this.#pump();
  }

  /** The login succeeded. Nothing more is to be fed here. */
  handOver(): LoginHandover {
    assert(this.#state === 'authenticating', 'No login is under way');
    this.#state = 'done';
    return { tag: this.#tag, rest: this.#reader.drain() };
  }

  #pump(): readonly GreetingEffect[] {
    while (this.#state === 'command' || this.#state === 'sasl') {
      if (!(this.#state === 'sasl' ? this.#onSaslLine() : this.#onEvent(this.#reader.next()))) break;
    }
    if (this.#state === 'authenticating' && this.#reader.pendingBytes > this.#limits.pendingInputBytes) this.#close();
    return this.#takeEffects();
  }

  /** False when more bytes are needed. */
  #onEvent(event: ReaderEvent | undefined): boolean {
    switch (event?.type) {
      case undefined:
        return false;
      case 'continuation':
        this.#send('+ Go on\r\n');
        this.#reader.acceptLiteral();
        return true;
      case 'refused':
        this.#send(tagged(event.tag ?? '*', event.status, event.text, event.code));
        if (event.fatal) this.#bye('Out of step');
        else this.#countBad();
        return true;
      case 'command':
        this.#onCommand(event.command);
        return true;
    }
  }

  #onCommand(command: Command): void {
    try {
      if (HTTP_VERBS.has(command.tag.toUpperCase())) this.#close();
      else this.#dispatch(command, new ArgumentReader(command.arguments));
    } catch (error) {
      if (!(error instanceof SyntaxFault)) throw error;
      this.#bad(command.tag, error.message);
    }
  }

  #dispatch(command: Command, args: ArgumentReader): void {
    switch (command.name) {
      case 'CAPABILITY':
        args.end();
        this.#send(untagged('CAPABILITY', this.#capabilities()));
        this.#ok(command.tag, 'CAPABILITY');
        break;
      case 'NOOP':
        args.end();
        this.#ok(command.tag, 'NOOP');
        break;
      case 'ID':
        parseId(args);
        this.#send(idResponse());
        this.#ok(command.tag, 'ID');
        break;
      case 'LOGOUT':
        args.end();
        this.#send(untagged('BYE', 'Logging out') + tagged(command.tag, 'OK', 'LOGOUT completed'));
        this.#close();
        break;
      case 'STARTTLS':
        args.end();
        this.#onStartTls(command.tag);
        break;
      case 'LOGIN':
        this.#onLogin(command.tag, args);
        break;
      case 'AUTHENTICATE':
        this.#onAuthenticate(command.tag, args);
        break;
      default:
        this.#bad(command.tag, 'Unknown command, or not before a login');
    }
  }

  #onStartTls(tag: string): void {
    if (this.#secure || !this.#startTlsPossible) {
      this.#bad(tag, 'STARTTLS is not possible here');
    } else if (this.#reader.pendingBytes > 0) {
      // Commands injected before the handshake would be carried out as if they had come inside it (CVE-2011-0411).
      this.#send(tagged(tag, 'BAD', 'Commands behind STARTTLS'));
      this.#bye('Nothing may follow STARTTLS');
    } else {
      this.#send(tagged(tag, 'OK', 'Begin TLS now'));
      this.#effects.push({ type: 'startTls' });
      this.#state = 'startTls';
    }
  }

  #onLogin(tag: string, args: ArgumentReader): void {
    const user = args.astring();
    const password = args.astring();
    args.end();
    if (this.#mayLogin(tag)) this.#authenticate(tag, { authorizationId: '', user, password });
  }

  /** RFC 3501 6.2.2, with the initial response of RFC 4959. */
  #onAuthenticate(tag: string, args: ArgumentReader): void {
    const mechanism = args.keyword();
    const initial = args.atEnd ? undefined : args.word();
    args.end();
    if (mechanism !== 'PLAIN') this.#send(tagged(tag, 'NO', 'Unknown mechanism', 'CANNOT'));
    else if (!this.#mayLogin(tag)) return;
    else if (initial === undefined) this.#askForResponse(tag);
    else this.#authenticate(tag, parsePlain(initial === '=' ? '' : initial));
  }

  #askForResponse(tag: string): void {
    this.#tag = tag;
    this.#state = 'sasl';
    this.#send('+ \r\n');
  }

  #onSaslLine(): boolean {
    const line = this.#reader.nextRawLine(this.#limits.saslLineBytes);
    if (line === undefined) return false;
    this.#state = 'command';
    if (line === 'tooLong') this.#bye('Line is too long');
    else this.#onSaslResponse(line.toString('latin1'));
    return true;
  }

  #onSaslResponse(response: string): void {
    try {
      if (response === '*') throw new SyntaxFault('Authentication was cancelled');
      this.#authenticate(this.#tag, parsePlain(response));
    } catch (error) {
      if (!(error instanceof SyntaxFault)) throw error;
      this.#bad(this.#tag, error.message);
    }
  }

  #mayLogin(tag: string): boolean {
    const allowed = this.#secure || this.#allowPlaintext;
    if (!allowed) this.#send(tagged(tag, 'NO', 'Passwords need TLS', 'PRIVACYREQUIRED'));
    return allowed;
  }

  #authenticate(tag: string, { authorizationId, user, password }: PlainCredentials): void {
    if (authorizationId !== '' && authorizationId !== user) {
      this.#send(tagged(tag, 'NO', 'Nobody acts for another here', 'AUTHORIZATIONFAILED'));
      return;
    }
    this.#tag = tag;
    this.#state = 'authenticating';
    this.#effects.push({ type: 'authenticate', tag, user, password });
  }

  #capabilities(): string {
    const startTls = this.#startTlsPossible && !this.#secure;
    return capabilitiesBeforeLogin({ startTls, login: this.#secure || this.#allowPlaintext });
  }

  #ok(tag: string, name: string): void {
    this.#send(tagged(tag, 'OK', `${name} completed`));
  }

  #bad(tag: string, text: string): void {
    this.#send(tagged(tag, 'BAD', text));
    this.#countBad();
  }

  #countBad(): void {
    if (++this.#badCommands >= this.#limits.badCommands) this.#bye('Too many bad commands');
  }

  #bye(text: string): void {
    this.#send(untagged('BYE', text));
    this.#close();
  }

  #close(): void {
    this.#effects.push({ type: 'close' });
    this.#state = 'done';
  }

  #send(text: string): void {
    this.#effects.push({ type: 'send', bytes: Buffer.from(text) });
  }

  #takeEffects(): readonly GreetingEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}
