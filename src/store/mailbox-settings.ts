/** What is set for the mailboxes of a mounted storage group. */
import type { ChangePort } from './change-port.ts';
import type { MailboxLimits, MailboxQuota, MailboxSettings } from './mailbox-keeping.ts';
import { planLimits } from './plan-keeping.ts';
import { quotaOf } from './room.ts';

export class StoredSettings implements MailboxSettings {
  readonly #port: ChangePort;

  constructor(port: ChangePort) {
    this.#port = port;
  }

  limits(mailboxId: number): MailboxLimits {
    return this.#port.present().keeping.limits(mailboxId);
  }

  setLimits(mailboxId: number, change: Partial<MailboxLimits>): Promise<void> {
    return this.#port.change((state) => this.#port.record([planLimits(state, mailboxId, change)]));
  }

  quota(mailboxId: number): MailboxQuota {
    return quotaOf(this.#port.present(), mailboxId);
  }
}
