/**
 * The clients of a simulated cluster, on a host of their own. Mail comes through the hub, or straight through the
 * production delivery client, and either way it is tried until it is answered. Sessions add messages, look, and change what they see, once each, as a
 * mail program does that has no delivery id: what is not answered stays unknown.
 */
import { sha256 } from '../base/checksum.ts';
import { type Clock, sleep } from '../base/clock.ts';
import type { Network } from '../base/network.ts';
import { isProblem, messageOf } from '../base/problem.ts';
import type { Random } from '../base/random.ts';
import { Rpc } from '../base/rpc.ts';
import { CopyFinder } from '../directory/copy-finder.ts';
import { copyEndpoint, copyMethods, encodeBody, encodeHello } from '../directory/copy-protocol.ts';
import type { ChannelPace } from '../directory/limits.ts';
import { encodeDelivery } from '../mail/delivery.ts';
import { INBOX } from '../mail/mailbox-name.ts';
import { parseMessage } from '../mail/mime.ts';
import { encodeStructure } from '../mail/structure-codec.ts';
import { DeliveryClient } from '../transport/delivery-client.ts';
import { deliveryClientLimits } from '../transport/limits.ts';
import type { Reply } from '../transport/replies.ts';
import type { History } from './history.ts';
import { MessageChanges, type SessionAnswer } from './message-changes.ts';
import { SESSION_SERVICE, type SeenFolder, sessionMethods } from './session-service.ts';
import { RECEPTION_ENDPOINT, RECEPTION_METHOD, type Transaction } from './simulated-hub.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { Story } from './story.ts';

export const DOMAIN = 'example.org';
export const ADDRESS = `anna@${DOMAIN}`;
const SESSION_TIMEOUT_MS = 5_000;
/** RFC 5321 4.5.3.2.6 gives the end of data ten minutes; here it is longer than anything in the hub lasts. */
const TRANSACTION_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 1_000;
const RETRY_MS = 50;
/** Answers that say for certain that nothing was done. */
const NOT_DONE = new Set([
  'NotActive',
  'Unreachable',
  'NotRedundant',
  'LogBusy',
  'DiskFull',
  'FolderNotFound',
  'FormatLevelTooLow',
]);

export interface ClientOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly process: SimulatedProcess;
  readonly history: History;
  readonly story: Story;
  readonly storageGroup: string;
  readonly hosts: readonly string[];
  readonly pace: ChannelPace;
  readonly trueNowMs: () => number;
}

export class SimulatedClient {
  readonly finder: CopyFinder;
  readonly changes: MessageChanges;
  readonly #options: ClientOptions;
  readonly #deliveries: DeliveryClient;
  readonly #sessions = new Map<string, Rpc>();
  #hub: Rpc | undefined;
  #isStopped = false;
  /** Operations that have begun and not ended. */
  #open = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
    const { network, clock, story, storageGroup, hosts, pace } = options;
    this.finder = new CopyFinder({ network, clock, logger: story.logger('client'), storageGroup, hosts, pace });
    this.changes = new MessageChanges({
      ...options,
      ask: (method, question) => this.#ask(method, { address: ADDRESS, ...question }),
    });
    this.#deliveries = new DeliveryClient({ finder: this.finder, clock, limits: deliveryClientLimits });
  }

  get openOperations(): number {
    return this.#open;
  }

  /** Nothing new is begun, nothing is tried again. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Makes the mailbox that everything goes to; tried until it is there. */
  async createMailbox(): Promise<void> {
    const { clock } = this.#options;
    for (;;) {
      const active = await this.finder.whenActive(SESSION_TIMEOUT_MS);
      try {
        const body = encodeBody({ address: ADDRESS, displayName: 'Anna', credential: null });
        if (active !== undefined)
          return void (await active.rpc.ask(copyMethods.createMailbox, body, SESSION_TIMEOUT_MS));
      } catch (error) {
        if (isProblem(error, 'MailboxExists')) return;
      }
      await sleep(clock, RETRY_MS);
    }
  }

  /** One message, tried under one id until it is answered; resolves then. */
  async deliver(): Promise<void> {
    const { history, random, clock, trueNowMs } = this.#options;
    const bytes = this.#message('delivery');
    const operation = history.begin('delivery', sha256(bytes).toString('hex'), trueNowMs());
    const encoded = encodeDelivery({
      deliveryId: random.bytes(16),
      acceptedMs: Math.floor(clock.wallMs()),
      sender: 'bob@example.org',
      recipients: [ADDRESS],
      trace: 'from client',
      bytes,
      structure: encodeStructure(parseMessage(bytes)),
    });
    this.#open += 1;
    while (operation.outcome === 'open' && !this.#isStopped) {
      const outcome = await this.#deliveries.deliver(encoded);
      if (outcome.kind === 'answered') {
        const result = outcome.results[0];
        if (result?.outcome === 'refused') this.#tell(`delivery ${operation.number} refused: ${result.code}`);
        history.end(operation, result?.outcome === 'refused' ? 'refused' : 'acknowledged', trueNowMs());
      } else if (outcome.kind === 'refused' && !outcome.problem.temporary) {
        this.#tell(`delivery ${operation.number} refused: ${outcome.problem.code} ${outcome.problem.message}`);
        history.end(operation, 'unknown', trueNowMs());
      } else await sleep(clock, RETRY_MS);
    }
    this.#open -= 1;
  }

  /** One message through the hub, sent again after 4xx or no answer, as senders do; resolves when it is answered for good. */
  async send(): Promise<void> {
    const { history, clock, trueNowMs } = this.#options;
    const text = this.#message('mail').toString();
    const operation = history.begin('mail', sha256(Buffer.from(text)).toString('hex'), trueNowMs());
    this.#open += 1;
    while (operation.outcome === 'open' && !this.#isStopped) {
      const code = (await this.#transaction({ sender: 'bob@example.org', recipient: ADDRESS, text }))?.code ?? 421;
      if (code === 250) history.end(operation, 'acknowledged', trueNowMs());
      else if (code >= 500) {
        this.#tell(`mail ${operation.number} refused: ${code}`);
        history.end(operation, 'refused', trueNowMs());
      } else await sleep(clock, 4 * RETRY_MS);
    }
    this.#open -= 1;
  }

  /** Undefined: no answer. */
  async #transaction(transaction: Transaction): Promise<Reply | undefined> {
    const { clock, network } = this.#options;
    try {
      if (this.#hub?.isClosed !== false) {
        this.#hub = new Rpc(await network.connect(RECEPTION_ENDPOINT, CONNECT_TIMEOUT_MS), { clock });
      }
      const body = await this.#hub.ask(
        RECEPTION_METHOD,
        Buffer.from(JSON.stringify(transaction)),
        TRANSACTION_TIMEOUT_MS,
      );
      return JSON.parse(body.toString('utf8')) as Reply;
    } catch (error) {
      if (!isProblem(error)) throw error;
      return undefined;
    }
  }

  async append(): Promise<void> {
    const { history, clock, trueNowMs } = this.#options;
    const bytes = this.#message('append');
    const operation = history.begin('append', sha256(bytes).toString('hex'), trueNowMs());
    const question = { address: ADDRESS, text: bytes.toString(), internalDateMs: Math.floor(clock.wallMs()) };
    const answer = await this.#ask(sessionMethods.append, question);
    if (answer.kind === 'answered') {
      const { uid, uidValidity } = answer.value as { uid: number; uidValidity: number };
      history.seen.push({ folder: INBOX, uid, uidValidity, sha256: operation.sha256 });
      history.end(operation, 'acknowledged', trueNowMs());
    } else history.end(operation, answer.kind === 'not-done' ? 'refused' : 'unknown', trueNowMs());
  }

  /** Looks at a folder; then changes something about one of the messages that it shows. */
  async look(): Promise<SeenFolder | undefined> {
    const { random } = this.#options;
    const folder = await this.list(this.changes.anyFolder(), this.#supposedHost());
    const one = folder?.messages[random.below(Math.max(1, folder.messages.length))];
    if (folder !== undefined && one !== undefined) await this.changes.any(folder.name, one);
    return folder;
  }

  async list(name = INBOX, host = this.finder.active()?.host): Promise<SeenFolder | undefined> {
    const answer = await this.#ask(sessionMethods.list, { address: ADDRESS, folder: name }, host);
    if (answer.kind !== 'answered') return undefined;
    const folder = answer.value as SeenFolder;
    for (const { uid, sha256: hash } of folder.messages) {
      this.#options.history.seen.push({ folder: name, uidValidity: folder.uidValidity, uid, sha256: hash });
    }
    return folder;
  }

  async #ask(method: string, question: object, host = this.finder.active()?.host): Promise<SessionAnswer> {
    this.#open += 1;
    try {
      const rpc = await this.#connected(host);
      if (rpc === undefined) return { kind: 'not-done' };
      const body = await rpc.ask(method, Buffer.from(JSON.stringify(question)), SESSION_TIMEOUT_MS);
      return { kind: 'answered', value: JSON.parse(body.toString('utf8')) };
    } catch (error) {
      if (!isProblem(error)) throw error;
      if (!NOT_DONE.has(error.code) && !error.temporary) this.#tell(`${method} failed: ${messageOf(error)}`);
      return { kind: NOT_DONE.has(error.code) ? 'not-done' : 'unknown' };
    } finally {
      this.#open -= 1;
    }
  }

  /** A session on `host`; kept, and made anew when it broke. */
  async #connected(host: string | undefined): Promise<Rpc | undefined> {
    const { network, clock, storageGroup } = this.#options;
    if (host === undefined) return undefined;
    const known = this.#sessions.get(host);
    if (known?.isClosed === false) return known;
    const channel = await network.connect(copyEndpoint(host, storageGroup), CONNECT_TIMEOUT_MS);
    channel.send(encodeHello({ service: SESSION_SERVICE }));
    const rpc = new Rpc(channel, { clock });
    this.#sessions.set(host, rpc);
    return rpc;
  }

  /** Where the client believes the active copy to be; now and then it has not heard of the last change. */
  #supposedHost(): string | undefined {
    const { random, hosts } = this.#options;
    return random.below(3) === 0 ? hosts[random.below(hosts.length)] : this.finder.active()?.host;
  }

  #message(kind: string): Buffer {
    const { history, random } = this.#options;
    const filler = 'x'.repeat(random.below(8) === 0 ? random.below(6_000) : random.below(300));
    const number = history.operations.length + 1;
    // Now and then two messages have one Message-ID, as those of careless programs have.
    const messageId = `<${number - (number % 4 === 0 ? 1 : 0)}@example.org>`;
    return Buffer.from(`Message-ID: ${messageId}\r\nSubject: ${kind} ${number}\r\n\r\n${filler}\r\n`);
  }

  #tell(what: string): void {
    this.#options.story.tell('client', what);
  }
}
