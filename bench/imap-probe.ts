/** A client that comes when the server may be away: it tries again until it has logged in, selected and been answered. */
import { connect, type Socket } from 'node:net';
import { pause } from './demo-cluster.ts';

export interface ImapAccount {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** A client of flesh would wait longer; this one hangs on to nothing that may be dead. */
const ATTEMPT_LIMIT_MS = 5_000;
const RETRY_PAUSE_MS = 20;

export class ImapProbe {
  readonly #account: ImapAccount;

  constructor(account: ImapAccount) {
    this.#account = account;
  }

  async firstServed(): Promise<void> {
    while (!(await this.#isServed())) await pause(RETRY_PAUSE_MS);
  }

  #isServed(): Promise<boolean> {
    const { address, port, user, password } = this.#account;
    const commands = [`a LOGIN "${user}" "${password}"`, 'b SELECT INBOX', 'c NOOP'];
    const socket = connect({ host: address, port, noDelay: true });
    return new Promise((resolve) => {
      const end = (isServed: boolean): void => {
        clearTimeout(limit);
        socket.destroy();
        resolve(isServed);
      };
      const limit = setTimeout(() => end(false), ATTEMPT_LIMIT_MS);
      socket.on('error', () => end(false));
      socket.on('close', () => end(false));
      converse(socket, commands, end);
    });
  }
}

/** Sends the next command at the greeting and at each tagged OK; anything else is the end. */
function converse(socket: Socket, commands: string[], end: (isServed: boolean) => void): void {
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    const lines = text.split('\r\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      const isGreeting = line.startsWith('* OK ') && commands.length === 3;
      if (/^[abc] (NO|BAD) |^\* BYE/.test(line)) return end(false);
      if (!isGreeting && !/^[abc] OK/.test(line)) continue;
      const next = commands.shift();
      if (next === undefined) return end(true);
      socket.write(`${next}\r\n`);
    }
  });
}
