/**
 * An IMAP client without opinions: it sends what it is told and returns every byte of the answer. A library would
 * reconnect, retry and normalise, and so hide what is looked for here.
 */
import { ConnectionLost, LineSocket } from './line-socket.ts';

const ANSWER_TIMEOUT_MS = 60_000;
/** A message as it may be stored. */
const MAX_LITERAL_BYTES = 64 * 1024 * 1024;

/** One untagged answer: its text, with `{n}` where a literal stood, and the literals in order. */
export interface Untagged {
  readonly text: string;
  readonly literals: readonly Buffer[];
}

export interface Answer {
  readonly status: 'OK' | 'NO' | 'BAD';
  /** Behind the status. */
  readonly text: string;
  readonly untagged: readonly Untagged[];
}

export class ImapClient {
  readonly #socket: LineSocket;
  #tags = 0;

  private constructor(socket: LineSocket) {
    this.#socket = socket;
  }

  /** ConnectionLost when the server does not greet. */
  static async open(address: string, port: number, answerTimeoutMs = ANSWER_TIMEOUT_MS): Promise<ImapClient> {
    const socket = await LineSocket.open(address, port, answerTimeoutMs);
    const greeting = await socket.readLine();
    if (greeting.startsWith('* OK')) return new ImapClient(socket);
    socket.destroy();
    throw new ConnectionLost(`The server does not serve: ${greeting}`);
  }

  /**
   * Sends a command, with a literal behind it if there is one. `onUntagged` takes answers one by one instead of
   * gathering them. ConnectionLost when the connection ends before the tagged answer: then nobody knows.
   */
  async command(text: string, literal?: Buffer, onUntagged?: (untagged: Untagged) => void): Promise<Answer> {
    this.#tags += 1;
    const tag = `t${this.#tags}`;
    const untagged: Untagged[] = [];
    const take = onUntagged ?? ((each: Untagged) => untagged.push(each));
    this.#socket.write(`${tag} ${text}${literal === undefined ? '' : ` {${literal.length}}`}\r\n`);
    for (;;) {
      const answer = await this.#readAnswer();
      if (answer.text.startsWith('+'))
        this.#socket.write(Buffer.concat([literal ?? Buffer.alloc(0), Buffer.from('\r\n')]));
      else if (answer.text.startsWith(`${tag} `)) return { ...readTagged(answer.text.slice(tag.length + 1)), untagged };
      else if (answer.text.startsWith('* BYE')) throw new ConnectionLost(answer.text);
      else take(answer);
    }
  }

  /** As `command`; an Error with the answer unless it is OK. */
  async ok(text: string, literal?: Buffer, onUntagged?: (untagged: Untagged) => void): Promise<Answer> {
    const answer = await this.command(text, literal, onUntagged);
    if (answer.status === 'OK') return answer;
    throw new ImapRefused(`${text.replace(/^LOGIN .*/, 'LOGIN')}: ${answer.status} ${answer.text}`, answer);
  }

  async login(user: string, password: string): Promise<void> {
    await this.ok(`LOGIN ${user} ${password}`);
  }

  close(): void {
    this.#socket.destroy();
  }

  async #readAnswer(): Promise<Untagged> {
    let text = '';
    const literals: Buffer[] = [];
    for (;;) {
      const line = await this.#socket.readLine();
      text += line;
      const size = /\{(\d+)\}$/.exec(line)?.[1];
      if (size === undefined) return { text, literals };
      if (Number(size) > MAX_LITERAL_BYTES) throw new Error(`A literal of ${size} bytes`);
      literals.push(await this.#socket.readBytes(Number(size)));
    }
  }
}

/** NO or BAD where OK was needed. */
export class ImapRefused extends Error {
  override name = 'ImapRefused';
  readonly answer: Answer;

  constructor(message: string, answer: Answer) {
    super(message);
    this.answer = answer;
  }
}

function readTagged(text: string): Pick<Answer, 'status' | 'text'> {
  const [, status = '', rest = ''] = /^(OK|NO|BAD)(?: (.*))?$/.exec(text) ?? [];
  if (status !== 'OK' && status !== 'NO' && status !== 'BAD')
    throw new Error(`Not a tagged answer: ${text.slice(0, 100)}`);
  return { status, text: rest };
}
