/**
 * One channel to one copy, kept up: connected again after every loss, with a bounded backoff, and asked for a sign of
 * life while it is up. A cut network does not close a channel, it only falls silent; the ping is what notices.
 */
import type { Cancel, Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Network } from '../base/network.ts';
import { isProblem, messageOf } from '../base/problem.ts';
import { Rpc } from '../base/rpc.ts';
import {
  type CopyState,
  copyMethods,
  copyStateSchema,
  decodeBody,
  encodeHello,
  MAIL_SERVICE,
} from './copy-protocol.ts';
import { type ChannelPace, directoryLimits } from './limits.ts';

export interface CopyPeerOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly endpoint: string;
  readonly pace: ChannelPace;
  /** The state or the channel is another one than before. */
  readonly onChange: () => void;
}

const NOTHING = Buffer.alloc(0);

export class CopyPeer {
  readonly #options: CopyPeerOptions;
  #rpc: Rpc | undefined;
  #state: CopyState | undefined;
  #backoffMs = directoryLimits.reconnectMinMs;
  #cancelTimer: Cancel | undefined;
  #closed = false;

  constructor(options: CopyPeerOptions) {
    this.#options = options;
    void this.#connect();
  }

  /** The channel and what the copy last said about itself; undefined while nothing is known. */
  get connection(): { readonly rpc: Rpc; readonly state: CopyState } | undefined {
    return this.#rpc === undefined || this.#state === undefined ? undefined : { rpc: this.#rpc, state: this.#state };
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer?.();
    this.#rpc?.channel.close('no longer needed');
  }

  /** Never rejects. */
  async #connect(): Promise<void> {
    const { network, endpoint, clock, logger } = this.#options;
    try {
      const channel = await network.connect(endpoint, directoryLimits.connectTimeoutMs);
      if (this.#closed) return channel.close('no longer needed');
      const rpc: Rpc = new Rpc(channel, {
        clock,
        notices: { [copyMethods.copyState]: (body) => this.#onState(rpc, body) },
        onClose: (reason) => this.#lost(rpc, reason),
      });
      this.#rpc = rpc;
      channel.send(encodeHello({ service: MAIL_SERVICE }));
      this.#pingLater(rpc);
    } catch (error) {
      if (!isProblem(error)) logger.error({ endpoint, error: messageOf(error) }, 'copy: cannot connect');
      this.#connectLater();
    }
  }

  #onState(rpc: Rpc, body: Buffer): void {
    if (rpc !== this.#rpc) return;
    try {
      this.#state = decodeBody(copyStateSchema, body);
    } catch (error) {
      this.#lost(rpc, messageOf(error));
      return;
    }
    this.#backoffMs = directoryLimits.reconnectMinMs;
    this.#options.onChange();
  }

  #pingLater(rpc: Rpc): void {
    const { clock, pace } = this.#options;
    this.#cancelTimer = clock.after(pace.pingIntervalMs, () => {
      rpc.ask(copyMethods.ping, NOTHING, pace.pingTimeoutMs).then(
        () => rpc === this.#rpc && this.#pingLater(rpc),
        (error) => this.#lost(rpc, messageOf(error)),
      );
    });
  }

  /** Does not wait for the channel's own close: flushing towards a silent host may take for ever. */
  #lost(rpc: Rpc, reason: string): void {
    if (rpc !== this.#rpc) return;
    const { endpoint, logger, onChange } = this.#options;
    if (this.#state !== undefined) logger.info({ endpoint, reason }, 'copy: channel lost');
    this.#rpc = undefined;
    this.#state = undefined;
    this.#cancelTimer?.();
    rpc.channel.close(reason);
    this.#connectLater();
    onChange();
  }

  #connectLater(): void {
    if (this.#closed) return;
    const { clock, pace } = this.#options;
    this.#cancelTimer = clock.after(this.#backoffMs, () => void this.#connect());
    this.#backoffMs = Math.min(this.#backoffMs * 2, pace.reconnectMaxMs);
  }
}
