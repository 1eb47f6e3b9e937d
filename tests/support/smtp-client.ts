/**
 * A sending mail server, reduced to what its history needs: whether a message was accepted, refused, or nobody knows.
 * The border is exact. Until the final dot has left, a broken connection means that nothing was accepted (RFC 5321
 * 4.1.1.4); after it, nobody knows (RFC 1047).
 */
import type { Outcome } from './history.ts';
import { ConnectionLost, LineSocket } from './line-socket.ts';

export interface SmtpTarget {
  readonly address: string;
  readonly port: number;
  readonly protocol: 'smtp' | 'lmtp';
}

export interface Envelope {
  readonly sender: string;
  readonly recipients: readonly string[];
}

const ANSWER_TIMEOUT_MS = 30_000;

export class SmtpClient {
  readonly #target: SmtpTarget;
  #socket: LineSocket | undefined;

  constructor(target: SmtpTarget) {
    this.#target = target;
  }

  /** One attempt; an outcome for each recipient. The next attempt makes a new connection if this one broke it. */
  async send(envelope: Envelope, message: Buffer): Promise<readonly Outcome[]> {
    const progress = { isWhole: false };
    try {
      return await this.#transaction(envelope, message, progress);
    } catch (error) {
      this.close();
      if (!(error instanceof ConnectionLost)) throw error;
      return envelope.recipients.map(() => (progress.isWhole ? 'unknown' : 'refused'));
    }
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #transaction(envelope: Envelope, message: Buffer, progress: { isWhole: boolean }): Promise<readonly Outcome[]> {
    const { recipients } = envelope;
    const refusedAll = async (socket: LineSocket): Promise<readonly Outcome[]> => {
      await this.#say(socket, 'RSET');
      return recipients.map(() => 'refused');
    };
    const socket = await this.#connected();
    if ((await this.#say(socket, `MAIL FROM:<${envelope.sender}>`)) >= 400) return await refusedAll(socket);
    for (const recipient of recipients) {
      if ((await this.#say(socket, `RCPT TO:<${recipient}>`)) >= 400) return await refusedAll(socket);
    }
    if ((await this.#say(socket, 'DATA')) !== 354) return await refusedAll(socket);
    progress.isWhole = true;
    socket.write(Buffer.concat([stuffDots(message), Buffer.from('.\r\n')]));
    const replies = this.#target.protocol === 'lmtp' ? recipients.length : 1;
    const outcomes: Outcome[] = [];
    for (let index = 0; index < replies; index++) {
      outcomes.push((await readReply(socket)) < 400 ? 'acknowledged' : 'refused');
    }
    return recipients.map((_, index) => outcomes[index] ?? outcomes[0] ?? 'unknown');
  }

  async #connected(): Promise<LineSocket> {
    if (this.#socket !== undefined) return this.#socket;
    const { address, port, protocol } = this.#target;
    const socket = await LineSocket.open(address, port, ANSWER_TIMEOUT_MS);
    this.#socket = socket;
    const greeting = await readReply(socket);
    const hello = await this.#say(socket, `${protocol === 'lmtp' ? 'LHLO' : 'EHLO'} history.example.org`);
    if (greeting !== 220 || hello !== 250) throw new ConnectionLost(`The server does not serve: ${greeting}, ${hello}`);
    return socket;
  }

  async #say(socket: LineSocket, command: string): Promise<number> {
    socket.write(`${command}\r\n`);
    return await readReply(socket);
  }
}

/** The code of a reply of one or more lines. 421 ends the connection, whatever it answers. */
async function readReply(socket: LineSocket): Promise<number> {
  for (;;) {
    const line = await socket.readLine();
    const [, code = '', separator] = /^(\d{3})([ -]|$)/.exec(line) ?? [];
    if (code === '') throw new Error(`Not a reply: ${line.slice(0, 100)}`);
    if (code === '421') throw new ConnectionLost('The server closes: 421');
    if (separator !== '-') return Number(code);
  }
}

/** RFC 5321 4.5.2. The message ends in CR LF. */
function stuffDots(message: Buffer): Buffer {
  return Buffer.from(message.toString('latin1').replace(/^\./gm, '..'), 'latin1');
}
