/**
 * Sends the corpus over SMTP like any mail system would: several connections, each message until it is accepted. A
 * connection that breaks, and a 4xx, are tried again, so that a host may be killed meanwhile.
 */
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { messageOf, Problem } from '../../base/problem.ts';
import { type Corpus, readMessage } from './corpus.ts';
import { demoLimits } from './limits.ts';
import { forEachAtATime, untilDone } from './patience.ts';

const SENDER = 'corpus@example.org';

export interface MailOptions {
  readonly address: string;
  readonly port: number;
  /** Message i goes to recipients[i mod N]. */
  readonly recipients: readonly string[];
  readonly onProgress: (sent: number) => void;
  readonly stopped: () => boolean;
}

/** Problem('MailRefused') for the first message that is refused for good, or that cannot be sent for long. */
export async function sendMail(corpus: Corpus, options: MailOptions): Promise<void> {
  let sent = 0;
  const queue = corpus.files.map((path, index) => ({
    path,
    recipient: options.recipients[index % options.recipients.length] ?? '',
  }));
  const senders: SmtpSender[] = [];
  const idle: SmtpSender[] = [];
  const take = (): SmtpSender => {
    const sender = new SmtpSender(options.address, options.port);
    senders.push(sender);
    return sender;
  };
  try {
    await forEachAtATime(queue, demoLimits.mailConnections, async ({ path, recipient }, isOver) => {
      if (options.stopped()) return;
      const sender = idle.pop() ?? take();
      await sendOne(sender, recipient, path, () => options.stopped() || isOver());
      idle.push(sender);
      sent += 1;
      options.onProgress(sent);
    });
  } finally {
    for (const sender of senders) sender.quit();
  }
}

async function sendOne(sender: SmtpSender, recipient: string, path: string, stopped: () => boolean): Promise<void> {
  const message = readMessage(path);
  try {
    await untilDone(() => sender.send(recipient, message), {
      withinMs: demoLimits.mailRetryMs,
      pauseMs: demoLimits.mailRetryPauseMs,
      isTemporary: (error) => responseCode(error) < 500,
      stopped,
    });
  } catch (error) {
    if (stopped()) return;
    throw new Problem('MailRefused', `Cannot send ${path} to ${recipient}: ${messageOf(error)}.`, { cause: error });
  }
}

/** 0 for what is no answer of the server: a connection that broke. */
function responseCode(error: unknown): number {
  return error instanceof Error && 'responseCode' in error ? Number(error.responseCode) || 0 : 0;
}

/** One connection at a time, made when it is needed. */
class SmtpSender {
  readonly #address: string;
  readonly #port: number;
  #connection: SMTPConnection | undefined;

  constructor(address: string, port: number) {
    this.#address = address;
    this.#port = port;
  }

  async send(recipient: string, message: Buffer): Promise<void> {
    const connection = this.#connection ?? (await this.#connect());
    this.#connection = connection;
    try {
      await this.#transmit(connection, recipient, message);
    } catch (error) {
      connection.close();
      this.#connection = undefined;
      throw error;
    }
  }

  #connect(): Promise<SMTPConnection> {
    const connection = new SMTPConnection({
      host: this.#address,
      port: this.#port,
      name: 'corpus.example.org',
      ignoreTLS: true,
    });
    return new Promise((resolve, reject) => {
      connection.once('error', reject);
      connection.connect((error) => {
        if (error) return reject(error);
        // Whatever happens to the connection while it is idle, the next send will meet.
        connection.on('error', () => connection.close());
        connection.once('end', () => {
          if (this.#connection === connection) this.#connection = undefined;
        });
        resolve(connection);
      });
    });
  }

  #transmit(connection: SMTPConnection, recipient: string, message: Buffer): Promise<void> {
    const envelope = {
      from: SENDER,
      to: [recipient],
      size: message.length,
      use8BitMime: message.some((byte) => byte >= 0x80),
    };
    return new Promise((resolve, reject) => {
      const onEnd = (): void => reject(new Error('the connection was closed'));
      connection.once('end', onEnd);
      connection.send(envelope, message, (error) => {
        connection.off('end', onEnd);
        if (error) reject(error);
        else resolve();
      });
    });
  }

  quit(): void {
    this.#connection?.quit();
  }
}
