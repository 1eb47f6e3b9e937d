/** One listener on a loopback port, with ports behind it that remember what came in. */
import getTlsOptions from 'smtp-server/lib/tls-options.js';
import { silentLogger } from '../../base/logger.ts';
import { realClock } from '../../base/testing/real-clock.ts';
import type { RecipientAnswer } from '../../directory/recipients.ts';
import type { IncomingMessage, Verdict } from '../acceptance.ts';
import { receptionLimits } from '../limits.ts';
import { ReceivingMemory } from '../receiving-memory.ts';
import { replies } from '../replies.ts';
import { type ReceptionKind, SmtpListener } from '../smtp-listener.ts';
import { RawSmtpClient } from './raw-smtp-client.ts';

/** The library's own certificate, made for tests. */
export function testCertificate(): { certificate: string; key: string } {
  const { cert, key } = getTlsOptions();
  return { certificate: cert as string, key: key as string };
}

export class ReceptionStory {
  readonly accepted: IncomingMessage[] = [];
  /** How often a client has proven that it read a success. */
  seen = 0;
  verdict: ((message: IncomingMessage) => Promise<Verdict>) | undefined;
  readonly memory: ReceivingMemory;
  readonly #listener: SmtpListener;
  readonly #clients: RawSmtpClient[] = [];
  #port = 0;

  constructor(kind: ReceptionKind, limits: Partial<typeof receptionLimits> = {}, allowPlaintextLogin = false) {
    const all = { ...receptionLimits, maxConnectionsPerAddress: 1_000, ...limits };
    this.memory = new ReceivingMemory(all.maxReceivingBytes);
    this.#listener = new SmtpListener({
      kind,
      hostName: 'mail.example.com',
      certificate: testCertificate(),
      allowPlaintextLogin,
      limits: all,
      memory: this.memory,
      clock: realClock,
      logger: silentLogger,
      resolve: async (recipient) => resolve(recipient),
      accept: (message) => this.#accept(message),
      login: async ({ user, password }) => {
        if (password === 'later') return { outcome: 'unavailable' };
        return password === 'secret' ? { outcome: 'ok', mailboxId: 1, address: user } : { outcome: 'wrong' };
      },
    });
  }

  async start(): Promise<this> {
    this.#port = await this.#listener.start('127.0.0.1', 0);
    return this;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.#listener.stop();
  }

  stopGently(): Promise<void> {
    return this.#listener.stop();
  }

  /** A client that has heard the greeting. */
  async client(): Promise<RawSmtpClient> {
    const client = await RawSmtpClient.connect(this.#port);
    this.#clients.push(client);
    await client.reply();
    return client;
  }

  /** A client that says something before it has heard anything. */
  async hasty(): Promise<RawSmtpClient> {
    const client = await RawSmtpClient.connect(this.#port);
    this.#clients.push(client);
    return client;
  }

  bodies(): readonly string[] {
    return this.accepted.map((message) => message.bytes.toString('latin1'));
  }

  async #accept(message: IncomingMessage): Promise<Verdict> {
    this.accepted.push(message);
    if (this.verdict !== undefined) return this.verdict(message);
    const reply = replies.accepted(Buffer.alloc(16));
    return {
      kind: 'answer',
      replies: message.recipients.map(({ address }) => (address.startsWith('full') ? replies.refused : reply)),
      receipt: { seen: () => void this.seen++ },
    };
  }
}

function resolve(recipient: string): RecipientAnswer {
  if (!recipient.endsWith('@example.com')) return { outcome: 'not-local' };
  if (recipient.startsWith('nobody')) return { outcome: 'unknown' };
  if (recipient.startsWith('later')) return { outcome: 'undecided' };
  return { outcome: 'known', address: recipient, storageGroup: 'First Storage Group' };
}
