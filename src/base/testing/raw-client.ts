/** A client that says exactly the bytes it is told to, cut where it is told, and keeps what it hears. */
import net from 'node:net';
import tls from 'node:tls';

const PATIENCE_MS = 5_000;
const LOOK_AGAIN_MS = 100;
/** Of a long answer only the beginning is kept as text. */
const MAX_HEARD_CHARACTERS = 100_000;

export function openSocket(port: number): net.Socket {
  return net.connect({ port, host: '127.0.0.1', noDelay: true });
}

export function openSecureSocket(port: number, protocols?: string[]): tls.TLSSocket {
  const alpn = protocols === undefined ? {} : { ALPNProtocols: protocols };
  return tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...alpn });
}

export class RawClient {
  #socket: net.Socket;
  #heard = '';
  #heardBytes = 0;
  #ended = false;
  #wake: (() => void)[] = [];

  constructor(socket: net.Socket) {
    this.#socket = socket;
    this.#listen();
  }

  get heard(): string {
    return this.#heard;
  }

  get heardBytes(): number {
    return this.#heardBytes;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves when the kernel has the bytes and the event loop has gone round. */
  async send(bytes: string | Buffer): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.write(bytes, 'latin1', () => resolve()));
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Until `isDone`, or until the other side has ended. */
  async until(isDone: () => boolean): Promise<void> {
    const untilMs = performance.now() + PATIENCE_MS;
    while (!isDone() && !this.#ended) {
      if (performance.now() > untilMs)
        throw new Error(`Nothing more is heard after: ${JSON.stringify(this.#heard.slice(-200))}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LOOK_AGAIN_MS);
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

  stopReading(): void {
    this.#socket.pause();
  }

  goOnReading(): void {
    this.#socket.resume();
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
      this.#heardBytes += bytes.length;
      if (this.#heard.length < MAX_HEARD_CHARACTERS) this.#heard += bytes.toString('latin1');
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
