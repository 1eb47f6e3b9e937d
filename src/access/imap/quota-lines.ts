/** Quotas as RFC 9208 says them: one root for each mailbox, named by its address; a resource without a limit is not told. */
import { type MailboxQuota, UNLIMITED } from '../../store/mailbox-keeping.ts';
import type { SessionContext } from './command.ts';
import { astring, line, list } from './wire/print.ts';

/** STORAGE is counted in units of 1024 octets (RFC 9208 5.1). */
const STORAGE_UNIT_BYTES = 1_024;

/** The root's name, or undefined where nothing is limited. */
export function quotaRootOf(session: SessionContext, mailboxId: number): string | undefined {
  if (resourcesOf(session.store.settings.quota(mailboxId)).length === 0) return undefined;
  return session.store.mailboxById(mailboxId)?.address;
}

export function printQuota(session: SessionContext, mailboxId: number, root: string): string {
  return line(`* QUOTA ${astring(root)} ${list(resourcesOf(session.store.settings.quota(mailboxId)))}`);
}

function resourcesOf(quota: MailboxQuota): readonly string[] {
  const { storageBytes, usedBytes, messages, usedMessages } = quota;
  const usedUnits = Math.ceil(usedBytes / STORAGE_UNIT_BYTES);
  return [
    ...(storageBytes === UNLIMITED ? [] : [`STORAGE ${usedUnits} ${Math.floor(storageBytes / STORAGE_UNIT_BYTES)}`]),
    ...(messages === UNLIMITED ? [] : [`MESSAGE ${usedMessages} ${messages}`]),
  ];
}
