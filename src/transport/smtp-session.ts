/**
 * One client connection of the reception, on smtp-server's. The library splits lines, keeps the envelope and undoes the
 * dots; what it leaves open is closed here: content with bare CR, LF or NUL ends the connection after its 550, a BDAT
 * (whose chunk it would read as commands) ends it at once, so does everything that looks like a browser, and every
 * reply carries the enhanced status code that we mean.
 *
 * Members with an underscore are the library's inner ones; its version is pinned, and the tests beside this file hold
 * each of them to what is used here.
 */

import type { SMTPServer, SMTPServerSession } from 'smtp-server';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import type { Cancel, Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { messageOf } from '../base/problem.ts';
import type { Verdict } from './acceptance.ts';
import type { ReceptionLimits } from './limits.ts';
import { MessageReader, type ReadMessage } from './message-reader.ts';
import { ReadProof } from './read-proof.ts';
import type { ReceivingMemory } from './receiving-memory.ts';
import { type Reply, replies } from './replies.ts';

/** `5.7.1 text`: then the library adds no code of its own. */
const ENHANCED = /^[245]\.\d{1,3}\.\d{1,3} /;

/** A browser that was sent here by a foreign page (ALPACA), or a client that would go on with bytes that are no commands. */
const ENDING_COMMANDS = new Set([
  'BDAT',
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'CONNECT',
  'TRACE',
  'PRI',
  'HOST:',
]);

export type WholeMessage = Extract<ReadMessage, { kind: 'message' }>;

/** What a session wants from the port it came in by. */
export interface SessionHost {
  readonly limits: ReceptionLimits;
  readonly memory: ReceivingMemory;
  readonly clock: Clock;
  readonly eventLog: Logger;
  readonly isLmtp: boolean;
  /** 5xx replies on one connection. */
  readonly maxErrors: number;
  accept(message: WholeMessage, session: SMTPServerSession): Promise<Verdict>;
}

type DataStream = ReturnType<NonNullable<Exclude<SMTPConnection['_parser'], false>>['startDataMode']>;

type SocketAndOptions = ConstructorParameters<typeof SMTPConnection> extends [unknown, ...infer Rest] ? Rest : never;

export class SmtpSession extends SMTPConnection {
  readonly #host: SessionHost;
  readonly #proof = new ReadProof();
  #errors = 0;
  /** Corked: what it was told waits for the end of this turn. */
  #corked: SMTPConnection['_socket'] | undefined;
  #isAnswering = false;

  constructor(host: SessionHost & SMTPServer, ...rest: SocketAndOptions) {
    super(host, ...rest);
    this.#host = host;
  }

  override send(code: number, data?: string | string[] | null, context?: string | false): void {
    const isOurs = typeof data === 'string' && ENHANCED.test(data);
    const mayWait = code === 250 && !this.#isAnswering;
    if (mayWait) this.#cork();
    super.send(code, data, isOurs ? false : context);
    if (!mayWait) this.#uncork();
    if (code >= 500 && ++this.#errors >= this.#host.maxErrors) this.#say(replies.tooManyErrors);
  }

  /**
   * MAIL, RCPT and DATA come together (RFC 2920), and so do their replies: one write instead of three. Only a success of
   * a command waits, and never longer than this turn of the event loop; what answers for a message leaves at once,
   * because from then on the proof that it was read is counted.
   */
  #cork(): void {
    if (this.#corked !== undefined) return;
    this.#corked = this._socket;
    this._socket.cork();
    setImmediate(() => this.#uncork());
  }

  #uncork(): void {
    const socket = this.#corked;
    this.#corked = undefined;
    socket?.uncork();
  }

  override _onCommand(command: Buffer, callback?: () => void): void {
    this.#proof.onCommand(this._socket.bytesRead);
    if (command.includes(0x0d) || command.includes(0)) return this.#end(replies.badLine);
    if (!this._upgrading && this._nextHandler === false) {
      const verb = command.toString('latin1', 0, 8).split(' ', 1)[0] ?? '';
      if (ENDING_COMMANDS.has(verb.toUpperCase())) return this.#end(replies.notHere);
    }
    super._onCommand(command, callback);
  }

  override handler_DATA(_command: Buffer, callback: () => void): void {
    if (this.session.envelope.rcptTo.length === 0) {
      this.#say(replies.noRecipients);
      return callback();
    }
    if (this._parser === false) return callback();
    const stream = this._parser.startDataMode(this.#host.limits.maxMessageBytes);
    this._dataStream = stream;
    this.#receive(stream).catch((error: unknown) => {
      this.#host.eventLog.error({ error: messageOf(error) }, 'reception: internal error');
      this._socket.destroy();
    });
    this.send(354, 'End data with <CR><LF>.<CR><LF>');
    this.#proof.onPrompt(this._socket.bytesRead);
    callback();
  }

  async #receive(stream: DataStream): Promise<void> {
    stream.once('data', () => this.#proof.onMessageBytes(this._socket.bytesRead));
    const reader = new MessageReader(this.#host.limits, this.#host.memory);
    const cancelDeadline = this.#deadline();
    try {
      const message = await reader.read(stream);
      cancelDeadline();
      await this.#onMessage(message);
    } finally {
      cancelDeadline();
      reader.release();
    }
  }

  #deadline(): Cancel {
    return this.#host.clock.after(this.#host.limits.dataTimeoutMs, () => this.#end(replies.tooSlow));
  }

  async #onMessage(message: ReadMessage): Promise<void> {
    switch (message.kind) {
      case 'gone':
        return;
      case 'endless':
        return this.#end(replies.tooLarge);
      case 'unclean':
        return this.#endForAll(replies.unclean);
      case 'too-large':
        return this.#answer({ kind: 'answer', replies: this.#forAll(replies.tooLarge), receipt: undefined });
      case 'no-memory':
        return this.#answer({ kind: 'answer', replies: this.#forAll(replies.memory), receipt: undefined });
      case 'message':
        return this.#answer(await this.#host.accept(message, this.session));
    }
  }

  #forAll(reply: Reply): readonly Reply[] {
    return this.session.envelope.rcptTo.map(() => reply);
  }

  /** Then the next transaction may begin. */
  #answer(verdict: Verdict): void {
    if (this._parser === false) return; // the client is gone
    if (verdict.kind === 'no-answer') {
      this._socket.destroy();
      return;
    }
    this._dataStream = false;
    // Before the reply is written: what was read by now cannot be an answer to it.
    if (verdict.receipt !== undefined) this.#proof.onSuccess(verdict.receipt, this._socket.bytesRead);
    this.#isAnswering = true;
    for (const reply of this.#host.isLmtp ? verdict.replies : [combine(verdict.replies)]) this.#say(reply);
    this.#isAnswering = false;
    this._transactionCounter++;
    this._unrecognizedCommands = 0;
    this._resetSession();
    this._parser.continue();
  }

  #say(reply: Reply): void {
    this.send(reply.code, reply.text);
  }

  /** Nothing that the client has sent behind this is looked at. */
  #end(reply: Reply): void {
    if (this._closing || this._closed) return;
    this.#say(reply);
    this.close();
  }

  /** One for each recipient where the client waits for as many (RFC 2033 4.2). */
  #endForAll(reply: Reply): void {
    this._dataStream = false;
    if (this.#host.isLmtp) for (const each of this.#forAll(reply).slice(1)) this.#say(each);
    this.#end(reply);
  }
}

/** SMTP has one reply for all recipients: a success only if all of them were reached. */
function combine(all: readonly Reply[]): Reply {
  const [first = replies.internal] = all;
  return all.every((reply) => reply.code === first.code) ? first : replies.mixed;
}
