/** All clients of a system test together: senders, mail programs and probes, held and let go as one. */
import { SeededRandom } from '../../src/base/random.ts';
import type { Demo } from './demo.ts';
import { Gate } from './gate.ts';
import { History, sha256Of } from './history.ts';
import { ImapClient, ImapRefused } from './imap-client.ts';
import { ConnectionLost } from './line-socket.ts';
import { MailSender } from './mail-sender.ts';
import { MailboxWriter } from './mailbox-writer.ts';
import { makeMessage } from './make-message.ts';
import { Probe } from './probe.ts';
import type { Account, ImapServer } from './read-mail.ts';
import { SmtpClient, type SmtpTarget } from './smtp-client.ts';

const SENDERS = { smtp: 4, lmtp: 2 } as const;
const MAILBOX_WRITERS = 4;
const SENDER_PACE_MS = 40;
const WRITER_PACE_MS = 25;
/** Longer than the server's own patience, so that a probe's failure is the server's answer. */
const PROBE_TIMEOUT_MS = 15_000;
const PROBE_MESSAGE_BYTES = 100;

export class Load {
  readonly history = new History();
  readonly violations: string[] = [];
  /** LMTP: from LHLO to the 250 behind a message of its own. */
  readonly delivery: Probe;
  /** IMAP: connect, LOGIN, SELECT, NOOP, each time anew. */
  readonly session: Probe;
  readonly users: readonly Account[];
  readonly imap: ImapServer;
  readonly #gate = new Gate();
  readonly #clients: { step(): Promise<void> }[] = [];
  readonly #closers: { close(): void }[] = [];
  readonly #running: Promise<void>[] = [];
  readonly #random: SeededRandom;
  #probed = 0;

  constructor(demo: Demo, seed: number) {
    const { ports, address, users } = demo.description;
    this.users = users;
    this.imap = { address, port: ports.imap };
    this.#random = new SeededRandom(seed);
    this.#addSenders({ address, port: ports.smtp, protocol: 'smtp' }, seed);
    this.#addSenders({ address, port: ports.lmtp, protocol: 'lmtp' }, seed);
    this.#addWriters(seed);
    const probeTarget = { address, port: ports.lmtp, protocol: 'lmtp' } as const;
    const probeClient = new SmtpClient(probeTarget);
    this.delivery = new Probe('LMTP', () => this.#probeDelivery(probeClient));
    this.session = new Probe('IMAP', () => this.#probeSession());
    this.#clients.push(this.delivery, this.session);
    this.#closers.push(probeClient);
  }

  start(): void {
    for (const client of this.#clients) this.#running.push(this.#gate.repeat(() => client.step()));
    // A writer's own mistake is told when the load ends; until then the others go on.
    for (const running of this.#running) running.catch((error: unknown) => this.violations.push(String(error)));
  }

  /** Resolves when every operation has its outcome. */
  async hold(): Promise<void> {
    await this.#gate.hold();
  }

  resume(): void {
    this.#gate.open();
  }

  async end(): Promise<void> {
    this.#gate.end();
    await Promise.allSettled(this.#running);
    for (const each of this.#closers) each.close();
  }

  #addSenders(target: SmtpTarget, seed: number): void {
    const recipients = this.users.map((user) => user.address);
    for (let index = 0; index < SENDERS[target.protocol]; index++) {
      const name = `${target.protocol}${index}`;
      const random = new SeededRandom(seed + 100 * target.port + index);
      const options = { name, target, recipients, history: this.history, random, paceMs: SENDER_PACE_MS };
      this.#add(new MailSender(options));
    }
  }

  #addWriters(seed: number): void {
    for (let index = 0; index < MAILBOX_WRITERS; index++) {
      const account = this.users[index % this.users.length];
      if (account === undefined) return;
      this.#add(
        new MailboxWriter({
          name: `imap${index}`,
          server: this.imap,
          account,
          history: this.history,
          random: new SeededRandom(seed + 10_000 + index),
          paceMs: WRITER_PACE_MS,
          onViolation: (what) => this.violations.push(what),
        }),
      );
    }
  }

  #add(client: MailSender | MailboxWriter): void {
    this.#clients.push(client);
    this.#closers.push(client);
  }

  async #probeDelivery(client: SmtpClient): Promise<string | undefined> {
    const id = `probe.${this.#probed++}`;
    const mailbox = this.users[0]?.address ?? '';
    const message = makeMessage(id, mailbox, this.#random, PROBE_MESSAGE_BYTES);
    const [outcome = 'unknown'] = await client.send({ sender: 'probe@example.org', recipients: [mailbox] }, message);
    this.history.messages.push({ id, mailbox, folder: 'INBOX', via: 'lmtp', sha256: sha256Of(message), outcome });
    return outcome === 'acknowledged' ? undefined : outcome;
  }

  async #probeSession(): Promise<string | undefined> {
    const account = this.users.at(-1);
    let client: ImapClient | undefined;
    try {
      client = await ImapClient.open(this.imap.address, this.imap.port, PROBE_TIMEOUT_MS);
      await client.login(account?.address ?? '', account?.password ?? '');
      await client.ok('SELECT INBOX');
      await client.ok('NOOP');
      return undefined;
    } catch (error) {
      if (error instanceof ConnectionLost || error instanceof ImapRefused) return error.message;
      throw error;
    } finally {
      client?.close();
    }
  }
}
