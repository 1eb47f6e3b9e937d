/**
 * A connection read line by line and byte by byte, which is all that SMTP, LMTP and IMAP need from below. Waiting has a
 * bound, and every way in which a connection can end is one error, because to a client they mean the same: no answer.
 */
import { connect, type Socket } from 'node:net';

const MAX_LINE_BYTES = 1024 * 1024;
const LF = 0x0a;

/** The answer did not come, for whatever reason. */
export class ConnectionLost extends Error {
  override name = 'ConnectionLost';
}

export class LineSocket {
  readonly #socket: Socket;
  readonly #answerTimeoutMs: number;
  #received: Buffer[] = [];
  #receivedBytes = 0;
  #end: ConnectionLost | undefined;
  #wake: (() => void) | undefined;

  private constructor(socket: Socket, answerTimeoutMs: number) {
    this.#socket = socket;
    this.#answerTimeoutMs = answerTimeoutMs;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => {
      this.#received.push(bytes);
      this.#receivedBytes += bytes.length;
      this.#wake?.();
    });
    socket.on('error', (error) => this.#lose(error.message));
    socket.on('close', () => this.#lose('the connection was closed'));
    socket.on('end', () => this.#lose('the server closed the connection'));
  }

  /** ConnectionLost when nothing listens, or nothing answers in time. */
  static open(address: string, port: number, answerTimeoutMs: number): Promise<LineSocket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: address, port });
      const fail = (why: string): void => {
        socket.destroy();
        reject(new ConnectionLost(`Cannot connect to ${address}:${port}: ${why}`));
      };
      const timer = setTimeout(() => fail('no answer in time'), answerTimeoutMs);
      socket.once('error', (error) => {
        clearTimeout(timer);
        fail(error.message);
      });
      socket.once('connect', () => {
        clearTimeout(timer);
        socket.removeAllListeners('error');
        resolve(new LineSocket(socket, answerTimeoutMs));
      });
    });
  }

  /** Handed to the system; whether it arrives, only an answer tells. */
  write(bytes: string | Uint8Array): void {
    if (this.#end !== undefined) throw this.#end;
    this.#socket.write(bytes);
  }

  /** Without its line end, as latin1. */
  async readLine(): Promise<string> {
    const end = await this.#until((buffer) => {
      const index = buffer.indexOf(LF);
      if (index < 0 && buffer.length > MAX_LINE_BYTES) throw new Error('A line without end');
      return index < 0 ? undefined : index + 1;
    });
    return this.#take(end)
      .toString('latin1')
      .replace(/\r?\n$/, '');
  }

  async readBytes(count: number): Promise<Buffer> {
    // Counted, not gathered: joining the parts at every packet would be quadratic.
    await this.#wait(() => this.#receivedBytes >= count);
    this.#gather();
    return this.#take(count);
  }

  destroy(): void {
    this.#lose('we closed the connection');
    this.#socket.destroy();
  }

  async #until(find: (buffer: Buffer) => number | undefined): Promise<number> {
    let found: number | undefined;
    await this.#wait(() => {
      found = find(this.#gather());
      return found !== undefined;
    });
    return found ?? 0;
  }

  /** What came before the end is still read. */
  async #wait(isThere: () => boolean): Promise<void> {
    const timer = setTimeout(() => this.#destroyFor('no answer in time'), this.#answerTimeoutMs);
    try {
      while (!isThere()) {
        if (this.#end !== undefined) throw this.#end;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
      this.#wake = undefined;
    }
  }

  #destroyFor(why: string): void {
    this.#lose(why);
    this.#socket.destroy();
  }

  #gather(): Buffer {
    if (this.#received.length > 1) this.#received = [Buffer.concat(this.#received)];
    return this.#received[0] ?? Buffer.alloc(0);
  }

  #take(count: number): Buffer {
    const buffer = this.#received[0] ?? Buffer.alloc(0);
    const rest = buffer.subarray(count);
    this.#received = rest.length === 0 ? [] : [rest];
    this.#receivedBytes = rest.length;
    return buffer.subarray(0, count);
  }

  #lose(why: string): void {
    this.#end ??= new ConnectionLost(`The connection was lost: ${why}`);
    this.#wake?.();
  }
}
