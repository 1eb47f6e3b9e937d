/**
 * What a session is going to say. Lines gather here and leave together, and only through `flush`, which waits for the
 * store to be settled first: that is the commit rule, kept in the one place through which every byte goes.
 */
import type { MailStore } from '../../store/mail-store.ts';

/** The connection is to be closed without another word: this copy no longer serves, or the client is gone. */
export class SessionEnded extends Error {
  override name = 'SessionEnded';
}

export interface OutputOptions {
  readonly store: MailStore;
  /** Resolves when the client's side has room again. */
  readonly send: (bytes: Buffer) => Promise<void>;
  readonly highWaterBytes: number;
  readonly isClosed: () => boolean;
}

export class Output {
  readonly #options: OutputOptions;
  #parts: Buffer[] = [];
  #partsBytes = 0;
  /** Grows by appending, which V8 does in constant time; becomes one Buffer at the end. */
  #text = '';
  #flushes = 0;

  constructor(options: OutputOptions) {
    this.#options = options;
  }

  text(text: string): void {
    this.#text += text;
  }

  /** Bytes of data inside a literal that was announced before. The buffer must not change afterwards. */
  bytes(bytes: Buffer): void {
    this.#sealText();
    this.#push(bytes);
  }

  get pendingBytes(): number {
    return this.#partsBytes + this.#text.length;
  }

  /** A place to come back to; of use until the next flush only. */
  mark(): OutputMark {
    this.#sealText();
    return { parts: this.#parts.length, partsBytes: this.#partsBytes, flushes: this.#flushes };
  }

  /** Unsays what was said since `mark`; false when some of it has left already. */
  rewind(mark: OutputMark): boolean {
    if (mark.flushes !== this.#flushes) return false;
    this.#text = '';
    this.#parts.length = mark.parts;
    this.#partsBytes = mark.partsBytes;
    return true;
  }

  async flushIfLarge(): Promise<void> {
    if (this.pendingBytes >= this.#options.highWaterBytes) await this.flush();
  }

  async flush(): Promise<void> {
    this.#sealText();
    if (this.#partsBytes === 0) return;
    const bytes = this.#parts.length === 1 && this.#parts[0] ? this.#parts[0] : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#partsBytes = 0;
    this.#flushes++;
    await this.#settle();
    if (this.#options.isClosed()) throw new SessionEnded('The client is gone');
    await this.#send(bytes);
    if (this.#options.isClosed()) throw new SessionEnded('The client is gone');
  }

  async #send(bytes: Buffer): Promise<void> {
    try {
      await this.#options.send(bytes);
    } catch (error) {
      throw new SessionEnded('The client cannot be reached', { cause: error });
    }
  }

  async #settle(): Promise<void> {
    try {
      await this.#options.store.settled();
    } catch (error) {
      throw new SessionEnded('What was to be said is not settled', { cause: error });
    }
  }

  #sealText(): void {
    if (this.#text === '') return;
    this.#push(Buffer.from(this.#text));
    this.#text = '';
  }

  #push(bytes: Buffer): void {
    this.#parts.push(bytes);
    this.#partsBytes += bytes.length;
  }
}

export interface OutputMark {
  readonly parts: number;
  readonly partsBytes: number;
  readonly flushes: number;
}
