/**
 * Decides how a message comes back to the folder where a session, or a restore, had put it: the record that had it was lost
 * in a takeover and stands in a copy's quarantine. It is recorded as a delivery to that folder, because a delivery is
 * known by its id for days, on every copy: several copies may have the same lost record, each brings it back, and
 * whoever deletes it in between has deleted it.
 */
import { present as mustBe } from '../base/assert.ts';
import type { Fact } from './facts.ts';
import type { Folder, ReturnedMessage } from './mail-store.ts';
import type { Present } from './plan-folders.ts';
import { planAppend } from './plan-messages.ts';

/** Undefined when it came back already. Problem('MailboxFull' | 'FolderFull' | 'MessageTooLarge') */
export function planReturn(present: Present, folder: Folder, message: ReturnedMessage): readonly Fact[] | undefined {
  const { queries, wallMs } = present;
  const { returnId: deliveryId, source } = message;
  if (queries.delivery(deliveryId) !== undefined) return undefined;
  const [planned] = planAppend(present, folder, [message]).messages;
  const { uid, bodyId, flags, keywords, internalDateMs, structure, bytes } = mustBe(planned, 'One message was planned');
  const mailbox = mustBe(queries.mailboxById(folder.mailboxId), 'A folder has a mailbox');
  const delivered: Fact = {
    type: 'MessageDelivered',
    deliveryId,
    // Remembered from now on. The clock of this copy must not say when: one that is ahead would have all others forgotten.
    acceptedMs: queries.newestAcceptedMs() || Math.floor(wallMs),
    sender: source?.sender ?? '',
    trace: source?.trace ?? '',
    targets: [{ mailboxId: mailbox.id, folderId: folder.id, uid, recipient: mailbox.address }],
    internalDateMs,
    bodyId,
    structure,
    bytes,
  };
  if (flags === 0 && keywords.length === 0) return [delivered];
  const groups = [{ ranges: [{ first: uid, last: uid }], flags, keywords }];
  return [delivered, { type: 'FlagsChanged', folderId: folder.id, groups }];
}
