/** What is set for the mailboxes of a mounted storage group. */
import type { ChangePort } from './change-port.ts';
import type {
  Annotation,
  AnnotationChange,
  AnnotationPlace,
  MailboxLimits,
  MailboxQuota,
  MailboxSettings,
} from './mailbox-keeping.ts';
import { planAnnotations, planLimits } from './plan-keeping.ts';
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

  annotations(place: AnnotationPlace): readonly Annotation[] {
    return this.#port.present().keeping.annotations(place);
  }

  setAnnotations(changes: readonly AnnotationChange[]): Promise<void> {
    return this.#port.change((state) => {
      const facts = changes.map((change) => planAnnotations(state, change));
      this.#port.record(facts.filter(({ values }) => values.length > 0));
    });
  }
}
