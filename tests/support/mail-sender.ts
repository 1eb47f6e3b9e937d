/**
 * A mail server with a queue: each message is new, and is tried until it is accepted, with the same envelope and the same
 * bytes each time, like any MTA would. Now and then it gives up after an error, because what was refused must not appear
 * either.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../../src/base/random.ts';
import { type History, type MessageEntry, type Outcome, sha256Of } from './history.ts';
import { makeMessage } from './make-message.ts';
import { SmtpClient, type SmtpTarget } from './smtp-client.ts';

const SENDER = 'sender@example.org';
const RETRY_PAUSE_MS = 100;
const GIVE_UP_AFTER_MS = 90_000;
/** One refusal in so many is taken for final. */
const GIVE_UP_ONE_IN = 4;
const TWO_RECIPIENTS_ONE_IN = 10;

export interface MailSenderOptions {
  readonly name: string;
  readonly target: SmtpTarget;
  readonly recipients: readonly string[];
  readonly history: History;
  readonly random: Random;
  readonly paceMs: number;
}

export class MailSender {
  readonly #options: MailSenderOptions;
  readonly #client: SmtpClient;
  #count = 0;

  constructor(options: MailSenderOptions) {
    this.#options = options;
    this.#client = new SmtpClient(options.target);
  }

  /** One message, from its making to the end of its attempts. */
  async step(): Promise<void> {
    const { name, history, random, target, paceMs } = this.#options;
    const id = `${name}.${this.#count++}`;
    const recipients = this.#pickRecipients();
    const message = makeMessage(id, recipients.join(', '), random);
    const outcome = await this.#sendUntilDone(recipients, message);
    const common = { id, folder: 'INBOX', via: target.protocol, sha256: sha256Of(message), outcome } as const;
    history.messages.push(...recipients.map((mailbox): MessageEntry => ({ ...common, mailbox })));
    await pause(paceMs);
  }

  close(): void {
    this.#client.close();
  }

  /** LMTP answers for each recipient, and only a retry to all of them would be the same envelope: there, one. */
  #pickRecipients(): readonly string[] {
    const { recipients, random, target } = this.#options;
    const first = random.below(recipients.length);
    const isForTwo = target.protocol === 'smtp' && recipients.length > 1 && random.below(TWO_RECIPIENTS_ONE_IN) === 0;
    const chosen = isForTwo ? [first, (first + 1) % recipients.length] : [first];
    return chosen.map((index) => recipients[index] ?? '');
  }

  async #sendUntilDone(recipients: readonly string[], message: Buffer): Promise<Outcome> {
    const deadline = performance.now() + GIVE_UP_AFTER_MS;
    let sofar: Outcome = 'refused';
    for (;;) {
      const [outcome = 'unknown'] = await this.#client.send({ sender: SENDER, recipients }, message);
      if (outcome === 'acknowledged') return outcome;
      if (outcome === 'unknown') sofar = 'unknown';
      const givesUp = outcome === 'refused' && this.#options.random.below(GIVE_UP_ONE_IN) === 0;
      if (givesUp || performance.now() > deadline) return sofar;
      await pause(RETRY_PAUSE_MS);
    }
  }
}
