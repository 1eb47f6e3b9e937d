/**
 * The copy's side of the mail service: deliveries, addresses, credentials. It answers while the copy is active, and
 * only after what the answer rests on is committed and the lease was still held (`settled`); every other time the
 * asker hears NotActive and looks elsewhere. Who serves is pushed to every client at once: a failover must not wait
 * for anybody's polling.
 */
import { sha256 } from '../base/checksum.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Channel } from '../base/network.ts';
import { isProblem, messageOf, Problem } from '../base/problem.ts';
import { Rpc, type RpcHandler } from '../base/rpc.ts';
import { parseAddress } from '../mail/address.ts';
import { decodeDelivery, encodeDeliveryResults } from '../mail/delivery.ts';
import type { MailStore } from '../store/mail-store.ts';
import {
  type CopyState,
  copyMethods,
  createMailboxQuestionSchema,
  credentialQuestionSchema,
  decodeBody,
  encodeBody,
  mailboxesQuestionSchema,
  resolveQuestionSchema,
  setCredentialQuestionSchema,
} from './copy-protocol.ts';
import { type AdministeredStore, administrationHandlers, mailboxAnswer } from './mailbox-administration.ts';
import { mergeHandlers } from './mailbox-merge.ts';
import { type ReturnedToStore, returnHandlers } from './returned-mail.ts';

export interface CopyServiceOptions {
  readonly storageGroup: string;
  readonly host: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Of a mounted storage group, what mail from outside and administrators touch. */
export type CopyStore = AdministeredStore &
  ReturnedToStore &
  Pick<MailStore, 'settled' | 'mailboxes' | 'mailboxByAddress' | 'createMailbox' | 'setCredential' | 'deliver'>;

export interface Activation {
  readonly epoch: number;
  /** The takeover may have lost records; true for the whole epoch. */
  readonly lossy: boolean;
  readonly mode: CopyState['mode'];
  readonly store: CopyStore;
}

export class CopyService {
  readonly #options: CopyServiceOptions;
  readonly #clients = new Set<Rpc>();
  #store: CopyStore | undefined;
  #state: CopyState;

  constructor(options: CopyServiceOptions) {
    this.#options = options;
    const { storageGroup, host } = options;
    this.#state = { storageGroup, host, active: false, epoch: 0, lossy: false, mode: 'sync' };
  }

  get state(): CopyState {
    return this.#state;
  }

  /** Takes over a channel whose hello named the mail service; the client hears the state at once. */
  serve(channel: Channel): void {
    const rpc: Rpc = new Rpc(channel, {
      clock: this.#options.clock,
      handlers: this.#handlers(),
      onClose: () => this.#clients.delete(rpc),
      onInternalError: (method, error) =>
        this.#options.logger.error({ method, error: messageOf(error) }, 'mail service: internal error'),
    });
    this.#clients.add(rpc);
    rpc.notify(copyMethods.copyState, encodeBody(this.#state));
  }

  /** From now on this copy serves; call it when the store is open for changes under `epoch`. */
  activate(activation: Activation): void {
    this.#store = activation.store;
    this.#change({
      ...this.#state,
      active: true,
      epoch: activation.epoch,
      lossy: activation.lossy,
      mode: activation.mode,
    });
  }

  /** From now on this copy serves nobody. `epoch` is the highest that it has seen. */
  deactivate(epoch: number): void {
    this.#store = undefined;
    this.#change({ ...this.#state, active: false, epoch, lossy: false });
  }

  /** Ends all channels of this service. */
  close(): void {
    for (const client of this.#clients) client.channel.close('the copy stops');
  }

  #change(state: CopyState): void {
    this.#state = state;
    const notice = encodeBody(state);
    for (const client of this.#clients) client.notify(copyMethods.copyState, notice);
  }

  #handlers(): Readonly<Record<string, RpcHandler>> {
    return {
      [copyMethods.deliver]: (body) => this.#deliver(body),
      [copyMethods.resolve]: (body) => this.#resolve(body),
      [copyMethods.credential]: (body) => this.#credential(body),
      [copyMethods.mailboxes]: (body) => this.#mailboxes(body),
      [copyMethods.createMailbox]: (body) => this.#createMailbox(body),
      [copyMethods.setCredential]: (body) => this.#setCredential(body),
      ...administrationHandlers(() => this.#activeStore()),
      ...mergeHandlers(() => this.#activeStore()),
      ...returnHandlers(() => this.#activeStore()),
      [copyMethods.ping]: () => Buffer.alloc(0),
    };
  }

  #activeStore(): CopyStore {
    if (this.#store !== undefined) return this.#store;
    const { storageGroup, host } = this.#options;
    throw new Problem(
      'NotActive',
      `Cannot serve ${storageGroup}: the copy on ${host} is not active. Ask the active copy.`,
      {
        temporary: true,
      },
    );
  }

  async #deliver(body: Buffer): Promise<Buffer> {
    const store = this.#activeStore();
    const delivery = decodeDelivery(body);
    try {
      const results = await store.deliver(delivery);
      await store.settled();
      return encodeDeliveryResults(results);
    } catch (error) {
      if (!isProblem(error, 'NotActive')) throw error;
      // The record may be in the log, and the next active copy may have it: that is not what NotActive says.
      throw new Problem(
        'OutcomeUnknown',
        'Cannot confirm the delivery: this copy stopped serving. Ask the active copy.',
        {
          temporary: true,
          cause: error,
        },
      );
    }
  }

  async #resolve(body: Buffer): Promise<Buffer> {
    const store = this.#activeStore();
    const { addresses } = decodeBody(resolveQuestionSchema, body);
    const known = addresses.map((address) => store.mailboxByAddress(address) !== undefined);
    await store.settled();
    return encodeBody({ known });
  }

  async #credential(body: Buffer): Promise<Buffer> {
    const store = this.#activeStore();
    const mailbox = store.mailboxByAddress(decodeBody(credentialQuestionSchema, body).address);
    await store.settled();
    if (mailbox === undefined) return encodeBody({ found: null });
    return encodeBody({ found: { mailboxId: mailbox.id, address: mailbox.address, phc: mailbox.credential } });
  }

  async #mailboxes(body: Buffer): Promise<Buffer> {
    const store = this.#activeStore();
    const question = decodeBody(mailboxesQuestionSchema, body);
    const addresses = store.mailboxes().map((mailbox) => mailbox.address);
    await store.settled();
    const digest = digestOf(addresses);
    return encodeBody({ digest, addresses: digest === question.digest ? null : addresses });
  }

  async #createMailbox(body: Buffer): Promise<Buffer> {
    const store = this.#activeStore();
    const request = decodeBody(createMailboxQuestionSchema, body);
    if (parseAddress(request.address) === undefined) {
      throw new Problem('AddressInvalid', `Cannot create a mailbox: ${JSON.stringify(request.address)} is no address`);
    }
    const mailbox = await store.createMailbox(request);
    await store.settled();
    return encodeBody(mailboxAnswer(mailbox));
  }

  async #setCredential(body: Buffer): Promise<Buffer> {
    const store = this.#activeStore();
    const request = decodeBody(setCredentialQuestionSchema, body);
    const mailbox = store.mailboxByAddress(request.address);
    if (mailbox === undefined) {
      await store.settled();
      throw new Problem(
        'MailboxNotFound',
        `Cannot set the password: there is no mailbox ${JSON.stringify(request.address)}`,
      );
    }
    await store.setCredential(mailbox.id, request.credential);
    await store.settled();
    return encodeBody({});
  }
}

/** Of the list in its order: the same list has the same digest on every copy, because it follows from the log. */
function digestOf(addresses: readonly string[]): string {
  return sha256(Buffer.from(addresses.join('\n'))).toString('base64url');
}
