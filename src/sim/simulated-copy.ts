/** The process of one copy: the production code of copy and mail service over simulated ports, and its front door. */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Channel, Network } from '../base/network.ts';
import { messageOf } from '../base/problem.ts';
import type { Random } from '../base/random.ts';
import type { CopyRequests } from '../cluster/copy-control.ts';
import type { FormatRange } from '../cluster/format-level.ts';
import { copyEndpoint, decodeHello, MAIL_SERVICE } from '../directory/copy-protocol.ts';
import { CopyService } from '../directory/copy-service.ts';
import { returnMailTo } from '../directory/returned-mail.ts';
import { Copy, type Serving } from '../replication/copy.ts';
import { CopyHosts } from '../replication/copy-hosts.ts';
import type { CopyStorage } from '../replication/copy-storage.ts';
import { replicationLimits } from '../replication/limits.ts';
import { parseReplicationHello } from '../replication/protocol.ts';
import type { ReturnMail } from '../replication/quarantine.ts';
import type { MailStore } from '../store/mail-store.ts';
import type { RecordFormats } from '../store/record-formats.ts';
import { SESSION_SERVICE, serveSession } from './session-service.ts';

export interface SimulatedCopyOptions {
  readonly host: string;
  readonly storageGroup: string;
  readonly copies: readonly string[];
  readonly incarnation: number;
  readonly fileSizeBytes: number;
  readonly circularLogging: boolean;
  readonly storage: CopyStorage;
  readonly network: Network;
  readonly requests: CopyRequests;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly clockJumpMs: number;
  readonly formats: FormatRange & RecordFormats;
  readonly yieldTurn: () => Promise<void>;
  readonly onServing: (serving: Serving | undefined) => void;
  /** It promised everything up to `lsn` to somebody under this epoch, right now. */
  readonly onAnswer: (epoch: number, lsn: number) => void;
  readonly onFatal: (error: unknown) => void;
  /** For planted bugs: what stands between the store and its clients. */
  readonly wrapStore?: (store: MailStore) => MailStore;
  readonly wrapServing?: (serving: Serving) => Serving;
  /** And how mail goes back from its quarantine. */
  readonly wrapReturn?: (returnMail: ReturnMail) => ReturnMail;
}

export class SimulatedCopy {
  readonly copy: Copy;
  readonly #options: SimulatedCopyOptions;
  readonly #mail: CopyService;
  #store: MailStore | undefined;

  constructor(options: SimulatedCopyOptions) {
    this.#options = options;
    this.#mail = new CopyService(options);
    const returnMail: ReturnMail = (host) =>
      returnMailTo(host, { ...options, answerTimeoutMs: replicationLimits.returnAnswerMs });
    this.copy = new Copy({
      ...options,
      copies: new CopyHosts(options.host, options.copies),
      returnMail: options.wrapReturn?.(returnMail) ?? returnMail,
      onServing: (serving) => this.#onServing(serving),
    });
  }

  async open(): Promise<void> {
    const { host, storageGroup, network } = this.#options;
    await this.copy.open({ suspended: null });
    network.listen(copyEndpoint(host, storageGroup), (channel) => this.#accept(channel));
  }

  #onServing(serving: Serving | undefined): void {
    this.#store = serving && this.#watched(serving);
    if (serving === undefined || this.#store === undefined) this.#mail.deactivate(this.copy.view().epochSeen);
    else this.#mail.activate({ ...(this.#options.wrapServing?.(serving) ?? serving), store: this.#store });
    this.#options.onServing(serving);
  }

  /** The store with an eye on every answer: `settled` is the last thing before one leaves. */
  #watched(serving: Serving): MailStore {
    const { onAnswer, wrapStore } = this.#options;
    const store = wrapStore?.(serving.store) ?? serving.store;
    return new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        if (name !== 'settled') return value.bind(target) as unknown;
        return async () => {
          const { endLsn } = this.copy.view();
          await target.settled();
          onAnswer(serving.epoch, endLsn);
        };
      },
    });
  }

  #accept(channel: Channel): void {
    channel.onFrame((frame) => {
      try {
        this.#hand(channel, frame);
      } catch (error) {
        channel.close(messageOf(error));
      }
    });
  }

  #hand(channel: Channel, frame: Buffer): void {
    const hello = decodeHello(frame);
    if (hello.service === MAIL_SERVICE) this.#mail.serve(channel);
    else if (hello.service === SESSION_SERVICE) serveSession(channel, this.#options.clock, () => this.#store);
    else if (hello.service === 'seed') this.copy.acceptSeed(channel);
    else this.copy.accept(channel, parseReplicationHello(hello));
  }
}
