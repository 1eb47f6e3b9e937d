/**
 * One logged-in IMAP client (RFC 3501: authenticated and selected state), beside the data it works on. Bytes come in
 * through `feed`, bytes go out through `send`; commands are carried out one after the other, in the order they came.
 *
 * Whatever the session does, answering a command or telling an idle client what happened, it does in a *turn*; turns
 * follow one another and never overlap, so that no code here has to think of two things at once. A turn that fails for
 * a reason that is the client's becomes NO or BAD; one that fails because this copy no longer serves ends the
 * connection without a word, since any word would be a guess.
 */

import { assert } from '../../base/assert.ts';
import type { Cancel, Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { isProblem, messageOf } from '../../base/problem.ts';
import type { MailStore } from '../../store/mail-store.ts';
import { type SessionLimits, sessionLimits } from '../limits.ts';
import { capabilitiesAfterLogin } from './capability.ts';
import type { Completion, SessionContext } from './command.ts';
import { findCommand } from './dispatch.ts';
import { type Reply, replyFor } from './errors.ts';
import { rightsIn } from './folder-rights.ts';
import { Output, SessionEnded } from './output.ts';
import type { RecentRegistry } from './recent.ts';
import type { SelectedFolder } from './selected-folder.ts';
import { Slice } from './slice.ts';
import { ArgumentReader } from './wire/arguments.ts';
import { CommandReader, type ReaderEvent } from './wire/command-reader.ts';
import { tagged, untagged } from './wire/print.ts';
import { type Command, SyntaxFault } from './wire/token.ts';

export interface ImapSessionOptions {
  readonly store: MailStore;
  readonly mailboxId: number;
  /** One for all sessions of the process. */
  readonly recent: RecentRegistry;
  /** Takes bytes for the client; resolves when there is room for more, also when the client is gone. */
  readonly send: (bytes: Buffer) => Promise<void>;
  /** Called once, when everything that is to be sent has been given to `send`. */
  readonly close: () => void;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Lets the process do something else and comes back: setImmediate in production. */
  readonly yieldTurn: () => Promise<void>;
  readonly limits?: SessionLimits;
}

export class ImapSession implements SessionContext {
  readonly store: MailStore;
  readonly mailboxId: number;
  readonly recent: RecentRegistry;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: SessionLimits;
  readonly out: Output;
  readonly slice: Slice;
  readonly #close: () => void;
  readonly #reader: CommandReader;
  #tag = '';
  #selected: SelectedFolder | undefined;
  #lastTurn: Promise<void> = Promise.resolve();
  #openTurns = 0;
  #isClosed = false;
  /** Tag of the IDLE under way. */
  #idleTag: string | undefined;
  #wakeIsDue = false;
  /** In a row. */
  #badCommands = 0;
  #cancelInactivity: Cancel = () => undefined;

  constructor(options: ImapSessionOptions) {
    this.store = options.store;
    this.mailboxId = options.mailboxId;
    this.recent = options.recent;
    this.clock = options.clock;
    this.logger = options.logger;
    this.limits = options.limits ?? sessionLimits;
    this.#close = options.close;
    this.#reader = new CommandReader(this.limits.command);
    this.slice = new Slice(options.clock, this.limits.sliceMs, options.yieldTurn);
    this.out = new Output({
      store: options.store,
      send: options.send,
      highWaterBytes: this.limits.outputBytes,
      isClosed: () => this.#isClosed,
    });
    this.#watchInactivity();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get tag(): string {
    return this.#tag;
  }

  get selected(): SelectedFolder | undefined {
    return this.#selected;
  }

  selectedFolder(): SelectedFolder {
    assert(this.#selected !== undefined, 'The command table says that a folder is selected');
    return this.#selected;
  }

  select(folder: SelectedFolder | undefined): void {
    this.#selected?.leave();
    this.#selected = folder;
  }

  /** Answers the login that led here: `tag` is the one of the LOGIN or AUTHENTICATE. */
  start(tag: string): Promise<void> {
    return this.#turn(async () => {
      this.out.text(tagged(tag, 'OK', 'Logged in', `CAPABILITY ${capabilitiesAfterLogin}`));
      await this.out.flush();
    });
  }

  /** Resolves when the commands in `bytes` are answered; until then the caller reads nothing more from the client. */
  feed(bytes: Buffer): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#watchInactivity();
    this.#reader.push(bytes);
    if (this.#openTurns > 0 && this.#reader.pendingBytes > this.limits.pendingInputBytes) this.#end();
    return this.#turn(() => this.#pump());
  }

  /** The client is gone: nothing more is sent, and the folder is left. */
  disconnected(): void {
    this.#end();
  }

  /** Ends the session from our side, behind the command that is under way: before a move, or at the end of the service. */
  bye(text: string): Promise<void> {
    return this.#turn(() => this.#bye(text));
  }

  #turn(work: () => Promise<void>): Promise<void> {
    this.#openTurns++;
    this.#lastTurn = this.#lastTurn.then(async () => {
      try {
        this.slice.begin();
        if (!this.#isClosed) await work();
      } catch (error) {
        this.#fail(error);
      } finally {
        this.#openTurns--;
      }
    });
    return this.#lastTurn;
  }

  #fail(error: unknown): void {
    if (!(error instanceof SessionEnded) && !isProblem(error, 'NotActive')) this.#logFailure(error, 'session');
    this.#end();
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelInactivity();
    this.select(undefined);
    this.#close();
  }

  async #pump(): Promise<void> {
    while (!this.#isClosed) {
      if (this.#idleTag === undefined) {
        const event = this.#reader.next();
        if (event === undefined) return;
        await this.#onEvent(event);
      } else if (!(await this.#onIdleLine(this.#idleTag))) return;
    }
  }

  async #onEvent(event: ReaderEvent): Promise<void> {
    this.slice.begin();
    switch (event.type) {
      case 'command':
        return this.#onCommand(event.command);
      case 'continuation':
        this.#reader.acceptLiteral();
        this.out.text('+ Go on\r\n');
        return this.out.flush();
      case 'refused':
        if (event.fatal) return this.#bye(event.text);
        return this.#refuse(event.tag ?? '*', event);
    }
  }

  async #onCommand(command: Command): Promise<void> {
    if (this.#selected !== undefined && this.#isLost(this.#selected))
      return this.#bye('The selected folder was deleted');
    try {
      const completion = await this.#carryOut(command);
      this.#badCommands = 0;
      await this.#complete(command, completion);
    } catch (error) {
      const reply = replyFor(error);
      if (reply === 'close') throw error;
      if (reply === 'internal') this.#logFailure(error, command.name);
      await this.#refuse(command.tag, reply === 'internal' ? internalError : reply);
    }
  }

  async #carryOut(command: Command): Promise<Completion> {
    this.#tag = command.tag;
    const args = new ArgumentReader(command.arguments);
    const definition = findCommand(command.name, args);
    if (definition === undefined) throw new SyntaxFault('Unknown command');
    const run = definition.prepare(args, this.limits);
    if (definition.needsSelected && this.#selected === undefined) throw new SyntaxFault('Select a folder first');
    const completion = await run(this);
    if (definition.announcement !== 'nothing') await this.#announce(definition.announcement === 'all');
    return { text: `${definition.name} completed`, ...completion };
  }

  /** To whom may not read it any more it is as if it were not there. */
  #isLost(selected: SelectedFolder): boolean {
    const { folderId, mailboxId } = selected;
    return selected.isDeleted || !rightsIn(this, { id: folderId, mailboxId }).includes('r');
  }

  async #announce(expunges: boolean): Promise<void> {
    await this.#selected?.announce(this.out, this.slice, expunges);
  }

  async #complete(command: Command, completion: Completion): Promise<void> {
    if (completion.next === 'idle') return this.#beginIdle(command.tag);
    this.out.text(tagged(command.tag, 'OK', completion.text ?? '', completion.code));
    await this.out.flush();
    if (completion.next === 'logout') this.#end();
  }

  async #refuse(tag: string, reply: Reply): Promise<void> {
    this.out.text(tagged(tag, reply.status, reply.text, reply.code));
    if (reply.status === 'BAD' && ++this.#badCommands >= this.limits.badCommands) {
      return this.#bye('Too many bad commands');
    }
    await this.out.flush();
  }

  async #bye(text: string): Promise<void> {
    this.out.text(untagged('BYE', text));
    await this.out.flush();
    this.#end();
  }

  /** IDLE (RFC 2177): from here on, changes are told as they come. */
  async #beginIdle(tag: string): Promise<void> {
    this.#idleTag = tag;
    this.#selected?.onChange(() => this.#wake());
    this.out.text('+ Idling\r\n');
    await this.out.flush();
  }

  /** Events of one moment are told together: the turn begins when the code that caused them is done. */
  #wake(): void {
    if (this.#wakeIsDue) return;
    this.#wakeIsDue = true;
    void this.#turn(async () => {
      this.#wakeIsDue = false;
      if (this.#idleTag === undefined) return;
      if (this.#selected !== undefined && this.#isLost(this.#selected))
        return this.#bye('The selected folder was deleted');
      await this.#announce(true);
      await this.out.flush();
    });
  }

  /** False when more bytes are needed. */
  async #onIdleLine(tag: string): Promise<boolean> {
    const line = this.#reader.nextRawLine(this.limits.idleLineBytes);
    if (line === undefined) return false;
    this.#idleTag = undefined;
    this.#selected?.onChange(undefined);
    if (line === 'tooLong') {
      await this.#bye('Line is too long');
    } else if (line.toString('latin1').toUpperCase() !== 'DONE') {
      await this.#refuse(tag, { status: 'BAD', code: undefined, text: 'DONE ends IDLE' });
    } else {
      await this.#announce(true);
      this.out.text(tagged(tag, 'OK', 'IDLE completed'));
      await this.out.flush();
    }
    return true;
  }

  #watchInactivity(): void {
    this.#cancelInactivity();
    this.#cancelInactivity = this.clock.after(this.limits.inactivityMs, () => {
      // A command that takes so long because the client reads so slowly is no inactivity.
      if (this.#openTurns > 0) this.#watchInactivity();
      else void this.bye('Nothing was heard for too long');
    });
  }

  #logFailure(error: unknown, during: string): void {
    const stack = error instanceof Error ? error.stack : undefined;
    this.logger.error({ mailboxId: this.mailboxId, during, reason: messageOf(error), stack }, 'imap.failed');
  }
}

const internalError: Reply = { status: 'NO', code: 'SERVERBUG', text: 'Internal error' };
