/**
 * Mail that goes back from a copy's quarantine through the copy that is active: both ends. A delivery is a delivery like
 * any other. What a session had added goes to its folder, which is made if it is not there, with its flags and date.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import type { Network } from '../base/network.ts';
import { Problem } from '../base/problem.ts';
import { Rpc, type RpcHandler } from '../base/rpc.ts';
import {
  type Delivery,
  type DeliveryResult,
  decodeDeliveryResults,
  deliveryLimits,
  encodeDelivery,
} from '../mail/delivery.ts';
import { parseMessage } from '../mail/mime.ts';
import type { MailStore, ReturnedMessage } from '../store/mail-store.ts';
import { copyEndpoint, copyMethods, encodeBody, encodeHello, MAIL_SERVICE } from './copy-protocol.ts';
import { directoryLimits } from './limits.ts';
import { decodeImport, encodeImport, folderFor, type MergedStore, mailboxId } from './mailbox-merge.ts';

export interface ReturnedMailOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly storageGroup: string;
  readonly answerTimeoutMs: number;
}

export interface ReturnedMail {
  /** Problems of the copy, or Problem('TimedOut' | 'ChannelClosed'): then the outcome is unknown. */
  deliver(delivery: Delivery): Promise<readonly DeliveryResult[]>;
  /** The same problems. */
  put(
    place: { readonly address: string; readonly folderName: string },
    message: Omit<ReturnedMessage, 'structure'>,
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
    put: async (place, { returnId, ...message }) => {
      const encoded = encodeImport({ ...place, messages: [message] });
      const body = new ByteWriter(returnId.length + encoded.length).raw(returnId).raw(encoded).finish();
      await rpc.ask(copyMethods.returnMessage, body, answerTimeoutMs);
    },
    close: () => channel.close('nothing more is to be brought back'),
  };
}

export type ReturnedToStore = MergedStore & Pick<MailStore, 'returnMessage'>;

export function returnHandlers(activeStore: () => ReturnedToStore): Readonly<Record<string, RpcHandler>> {
  return {
    [copyMethods.returnMessage]: async (body) => {
      const store = activeStore();
      const reader = new ByteReader(body);
      const returnId = Buffer.from(reader.raw(deliveryLimits.idBytes));
      const { address, folderName, messages } = decodeImport(reader.raw(reader.remaining));
      const [message] = messages;
      if (message === undefined || messages.length > 1)
        throw new Problem('Malformed', 'Cannot bring back mail: an id is of one message');
      const folder = await folderFor(store, mailboxId(store, address), folderName);
      const parsed = { ...message, structure: parseMessage(message.bytes), returnId };
      const isNew = await store.returnMessage(folder.id, parsed);
      await store.settled();
      return encodeBody({ returned: isNew });
    },
  };
}
