/**
 * Mail that goes back from a copy's quarantine through the copy that is active: the mail service's own questions, over a
 * channel of their own that lasts as long as there is something to bring.
 */
import type { Clock } from '../base/clock.ts';
import type { Network } from '../base/network.ts';
import { Rpc } from '../base/rpc.ts';
import { type Delivery, type DeliveryResult, decodeDeliveryResults, encodeDelivery } from '../mail/delivery.ts';
import type { NewMessage } from '../store/mail-store.ts';
import { copyEndpoint, copyMethods, encodeHello, MAIL_SERVICE } from './copy-protocol.ts';
import { directoryLimits } from './limits.ts';
import { encodeImport } from './mailbox-merge.ts';

export interface ReturnedMailOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly storageGroup: string;
  readonly answerTimeoutMs: number;
}

export interface ReturnedMail {
  /** Problems of the copy, or Problem('TimedOut' | 'ChannelClosed'): then the outcome is unknown. */
  deliver(delivery: Delivery): Promise<readonly DeliveryResult[]>;
  /** A folder that is not there is made. The same problems. */
  append(
    place: { readonly address: string; readonly folderName: string },
    message: Omit<NewMessage, 'structure'>,
  ): Promise<void>;
  close(): void;
}

/** To the copy on `host`. Problem('Unreachable') */
export async function returnMailTo(host: string, options: ReturnedMailOptions): Promise<ReturnedMail> {
  const { network, clock, storageGroup, answerTimeoutMs } = options;
  const channel = await network.connect(copyEndpoint(host, storageGroup), directoryLimits.connectTimeoutMs);
  const rpc = new Rpc(channel, { clock, notices: { [copyMethods.copyState]: () => undefined } });
  channel.send(encodeHello({ service: MAIL_SERVICE }));
  return {
    deliver: async (delivery) =>
      decodeDeliveryResults(await rpc.ask(copyMethods.deliver, encodeDelivery(delivery), answerTimeoutMs)),
    append: async ({ address, folderName }, { flags, keywords, internalDateMs, bytes, source }) => {
      const message = { flags, keywords, internalDateMs, bytes, ...(source === undefined ? {} : { source }) };
      await rpc.ask(
        copyMethods.importMessages,
        encodeImport({ address, folderName, messages: [message] }),
        answerTimeoutMs,
      );
    },
    close: () => channel.close('nothing more is to be brought back'),
  };
}
