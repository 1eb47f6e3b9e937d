/**
 * One message on its way from a client to an answer: looked through once, given its id, handed to the storage groups of
 * its recipients, answered for each recipient. What is stored is exactly what was sent; what a Received field would say
 * travels beside it.
 */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Delivery, DeliveryResult } from '../mail/delivery.ts';
import { parseMessage } from '../mail/mime.ts';
import { encodeStructure } from '../mail/structure-codec.ts';
import { deliveryIdOf, fingerprintOf, type Occurrences } from './delivery-id.ts';
import { type Reply, replies } from './replies.ts';
import type { Route, Taken } from './route.ts';

export interface AcceptedRecipient {
  /** As given in the envelope. */
  readonly address: string;
  readonly storageGroup: string;
}

export interface IncomingMessage {
  readonly sender: string;
  readonly recipients: readonly AcceptedRecipient[];
  readonly bytes: Buffer;
  readonly trace: string;
}

/** Told when the client has certainly read the success that it was sent. */
export interface Receipt {
  seen(): void;
}

export type Verdict =
  | {
      readonly kind: 'answer';
      /** One for each recipient, in their order. */
      readonly replies: readonly Reply[];
      /** There is one when any of them is a success. */
      readonly receipt: Receipt | undefined;
    }
  /** Nobody knows whether the message was taken: the connection ends without a word. */
  | { readonly kind: 'no-answer' };

export interface AcceptanceOptions {
  readonly routes: readonly Route[];
  readonly occurrences: Occurrences;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class Acceptance {
  readonly #options: AcceptanceOptions;
  readonly #routes: ReadonlyMap<string, Route>;

  constructor(options: AcceptanceOptions) {
    this.#options = options;
    this.#routes = new Map(options.routes.map((route) => [route.storageGroup, route]));
  }

  async accept(message: IncomingMessage): Promise<Verdict> {
    const { occurrences, clock } = this.#options;
    const addresses = message.recipients.map((recipient) => recipient.address);
    const fingerprint = fingerprintOf(message.sender, addresses, message.bytes);
    const occurrence = occurrences.of(fingerprint);
    const whole: Delivery = {
      deliveryId: deliveryIdOf(fingerprint, occurrence),
      acceptedMs: clock.wallMs(),
      sender: message.sender,
      recipients: addresses,
      trace: message.trace,
      bytes: message.bytes,
      structure: encodeStructure(parseMessage(message.bytes)),
    };
    const answers = await this.#takeByStorageGroup(message, whole);
    if (answers === undefined) return { kind: 'no-answer' };
    this.#log(whole, answers);
    const isSuccess = answers.some((answer) => answer.code === 250);
    const receipt = isSuccess ? { seen: () => occurrences.confirm(fingerprint, occurrence) } : undefined;
    return { kind: 'answer', replies: answers, receipt };
  }

  /** Replies in the order of the recipients; undefined when no answer may be given. */
  async #takeByStorageGroup(message: IncomingMessage, whole: Delivery): Promise<readonly Reply[] | undefined> {
    const groups = Map.groupBy(message.recipients, (recipient) => recipient.storageGroup);
    const takings = [...groups].map(async ([storageGroup, recipients]) => {
      const addresses = recipients.map((recipient) => recipient.address);
      const taken = await this.#routes.get(storageGroup)?.take({ ...whole, recipients: addresses });
      return taken === undefined ? undefined : repliesFor(taken, addresses, whole.deliveryId);
    });
    const byAddress = new Map<string, Reply>();
    for (const answers of await Promise.all(takings)) {
      if (answers === undefined) return undefined;
      for (const [address, reply] of answers) byAddress.set(address, reply);
    }
    return message.recipients.map((recipient) => byAddress.get(recipient.address) ?? replies.internal);
  }

  #log(delivery: Delivery, answers: readonly Reply[]): void {
    const accepted = answers.filter((answer) => answer.code === 250).length;
    this.#options.logger.info(
      {
        deliveryId: delivery.deliveryId.toString('hex'),
        bytes: delivery.bytes.length,
        recipients: answers.length,
        accepted,
      },
      'message',
    );
  }
}

function repliesFor(
  taken: Taken,
  addresses: readonly string[],
  deliveryId: Buffer,
): readonly (readonly [string, Reply])[] | undefined {
  if (taken.kind === 'unknown') return undefined;
  if (taken.kind === 'answered') return taken.results.map((result) => [result.recipient, replyFor(result, deliveryId)]);
  const reply = taken.kind === 'queued' ? replies.accepted(deliveryId) : replies.notTaken[taken.reason];
  return addresses.map((address) => [address, reply]);
}

function replyFor(result: DeliveryResult, deliveryId: Buffer): Reply {
  if (result.outcome !== 'refused') return replies.accepted(deliveryId);
  return replies.refusals[result.code] ?? replies.refused;
}
