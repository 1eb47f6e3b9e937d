/** A client that says exactly the bytes it is told to, cut where it is told, and keeps everything it hears. */
import net from 'node:net';
import tls from 'node:tls';
import type { Cancel, Clock } from '../../base/clock.ts';

export class RawClient {
  #socket: net.Socket;
  #heard = '';
  #ended = false;
  #wake: (() => void)[] = [];

  constructor(socket: net.Socket) {
    this.#socket = socket;
    this.#listen();
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    const client = new RawClient(socket);
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return client;
  }

  get heard(): string {
    return this.#heard;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves when the kernel has the bytes and the event loop has gone round. */
  async send(bytes: string | Buffer): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.write(bytes, 'latin1', () => resolve()));
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Sends a line and returns what is heard up to the next whole reply. */
  async ask(line: string): Promise<string> {
    const from = this.#heard.length;
    await this.send(`${line}\r\n`);
    return this.reply(from);
  }

  /** The reply that begins at `from`: its last line has a space behind the code. */
  async reply(from = 0): Promise<string> {
    await this.until(() => /^\d{3} .*\r\n/m.test(this.#heard.slice(from)));
    return this.#heard.slice(from);
  }

  async until(isDone: () => boolean): Promise<void> {
    const untilMs = performance.now() + 5_000;
    while (!isDone() && !this.#ended) {
      if (performance.now() > untilMs) throw new Error(`Nothing more is heard after: ${JSON.stringify(this.#heard)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        this.#wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  async untilEnd(): Promise<string> {
    await this.until(() => this.#ended);
    return this.#heard;
  }

  async startTls(): Promise<void> {
    this.#socket.removeAllListeners('data');
    const secured = tls.connect({ socket: this.#socket, rejectUnauthorized: false });
    await new Promise<void>((resolve, reject) => secured.once('secureConnect', resolve).once('error', reject));
    this.#socket = secured;
    this.#listen();
  }

  /** Without a word and without reading what is left. */
  cut(): void {
    this.#socket.resetAndDestroy();
  }

  close(): void {
    this.#socket.destroy();
  }

  #listen(): void {
    this.#socket.on('data', (bytes: Buffer) => {
      this.#heard += bytes.toString('latin1');
      this.#wakeAll();
    });
    for (const event of ['end', 'close', 'error']) {
      this.#socket.on(event, () => {
        this.#ended = true;
        this.#wakeAll();
      });
    }
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** Time as it is, for what has sockets. */
export const realClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs: number, fire: () => void): Cancel {
    const timer = setTimeout(fire, delayMs);
    return () => clearTimeout(timer);
  },
};
