/** An IMAP client of bytes: says what it is told, keeps what it hears. */
import net from 'node:net';
import tls from 'node:tls';

export class LineClient {
  #socket: net.Socket;
  #heard = '';
  #heardBytes = 0;
  #ended = false;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    this.#listen();
  }

  static async plain(port: number): Promise<LineClient> {
    const client = new LineClient(net.connect({ port, host: '127.0.0.1', noDelay: true }));
    await client.until(() => client.heard.includes('\r\n'));
    return client;
  }

  static async secure(port: number, protocols?: string[]): Promise<LineClient> {
    const alpn = protocols === undefined ? {} : { ALPNProtocols: protocols };
    const client = new LineClient(tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...alpn }));
    await client.until(() => client.heard.includes('\r\n'));
    return client;
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

  send(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  /** Sends a command and returns what is heard up to its tagged answer. */
  async ask(tag: string, command: string): Promise<string> {
    const from = this.#heard.length;
    this.send(`${tag} ${command}\r\n`);
    await this.until(() => this.#heard.slice(from).includes(`${tag} `));
    return this.#heard.slice(from);
  }

  async until(isDone: () => boolean): Promise<void> {
    const untilMs = performance.now() + 5_000;
    while (!isDone() && !this.#ended) {
      if (performance.now() > untilMs)
        throw new Error(`Nothing more is heard after: ${JSON.stringify(this.#heard.slice(-200))}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
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

  close(): void {
    this.#socket.destroy();
  }

  /** Of a long answer only the beginning is kept as text. */
  #listen(): void {
    this.#socket.on('data', (bytes: Buffer) => {
      this.#heardBytes += bytes.length;
      if (this.#heard.length < 100_000) this.#heard += bytes.toString('latin1');
    });
    for (const event of ['end', 'close', 'error']) {
      this.#socket.on(event, () => {
        this.#ended = true;
      });
    }
  }
}
