/**
 * Decides who gets a delivered message: one fact, and one body, for all accepted recipients of the storage group. A
 * mailbox that has the message from an earlier attempt does not get it again, also when the answer to that attempt was
 * lost, the message was deleted since, or another copy is active now.
 */
import { assert } from '../base/assert.ts';
import { canonicalAddress } from '../mail/address.ts';
import { deliveryLimits } from '../mail/delivery.ts';
import { INBOX } from '../mail/mailbox-name.ts';
import { mailboxesServed } from './delivery-memory.ts';
import type { DeliveryTarget, MessageDelivered } from './facts.ts';
import { MAX_MESSAGE_BYTES } from './limits.ts';
import type { Delivery, DeliveryResult } from './mail-store.ts';
import type { Present } from './plan-folders.ts';
import { messageTooLarge } from './plan-messages.ts';
import { checkUidsLeft, hasRoom, quotaOf } from './room.ts';

export interface DeliveryPlan {
  /** Undefined when nobody gets it. */
  readonly fact: MessageDelivered | undefined;
  /** One for each recipient, in their order. */
  readonly results: readonly DeliveryResult[];
}

export function planDelivery(present: Present, delivery: Delivery): DeliveryPlan {
  const { deliveryId, acceptedMs, sender, trace, recipients, bytes, structure } = delivery;
  assert(deliveryId.length === deliveryLimits.idBytes, 'A delivery id has 16 bytes');
  assert(recipients.length <= deliveryLimits.maxRecipients, 'The hub splits a longer list of recipients');
  if (bytes.length > MAX_MESSAGE_BYTES) {
    const { code, message } = messageTooLarge(bytes.length);
    return { fact: undefined, results: recipients.map((recipient) => refused(recipient, code, message)) };
  }
  const served = mailboxesServed(present.queries.delivery(deliveryId), acceptedMs);
  const targets: DeliveryTarget[] = [];
  const results = recipients.map((recipient) => planRecipient(present, recipient, bytes.length, served, targets));
  if (targets.length === 0) return { fact: undefined, results };
  const fact: MessageDelivered = {
    type: 'MessageDelivered',
    deliveryId,
    acceptedMs,
    sender,
    trace,
    targets,
    internalDateMs: acceptedMs,
    bodyId: present.tally.nextBodyId,
    structure,
    bytes,
  };
  return { fact, results };
}

/** A mailbox that is named twice gets the message once, and both names are told that it was delivered. */
function planRecipient(
  present: Present,
  recipient: string,
  sizeBytes: number,
  served: ReadonlySet<number>,
  targets: DeliveryTarget[],
): DeliveryResult {
  const mailbox = present.queries.mailboxByKey(canonicalAddress(recipient));
  const inbox = mailbox && present.queries.folderByName(mailbox.id, INBOX);
  if (mailbox === undefined || inbox === undefined) {
    return refused(recipient, 'MailboxUnknown', `Cannot deliver to ${recipient}: there is no such mailbox here.`);
  }
  if (served.has(mailbox.id)) return { recipient, outcome: 'duplicate' };
  if (targets.every(({ mailboxId }) => mailboxId !== mailbox.id)) {
    const quota = quotaOf(present, mailbox.id);
    if (!hasRoom(quota, { sizeBytes, messages: 1 })) return mailboxFull(recipient, sizeBytes > quota.storageBytes);
    checkUidsLeft(inbox, 1);
    targets.push({ mailboxId: mailbox.id, folderId: inbox.id, uid: inbox.uidNext, recipient });
  }
  return { recipient, outcome: 'delivered' };
}

/** What deleting messages may help against is temporary (RFC 3463, X.2.2); a message that never fits is not. */
function mailboxFull(recipient: string, neverFits: boolean): DeliveryResult {
  if (!neverFits) return refused(recipient, 'MailboxFull', `Cannot deliver to ${recipient}: the mailbox is full.`);
  return refused(recipient, 'MailboxTooSmall', `Cannot deliver to ${recipient}: the mailbox may not hold so much.`);
}

function refused(recipient: string, code: string, message: string): DeliveryResult {
  return { recipient, outcome: 'refused', code, message };
}
