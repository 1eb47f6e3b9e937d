/** What is set for the mailboxes of a mounted storage group. */
import type { ChangePort } from './change-port.ts';
import type { Folder } from './mail-store.ts';
import {
  ALL_RIGHTS,
  ANYONE,
  type Annotation,
  type AnnotationChange,
  type AnnotationPlace,
  type FolderRights,
  type MailboxLimits,
  type MailboxQuota,
  type MailboxSettings,
} from './mailbox-keeping.ts';
import { inOrder, planAnnotations, planLimits, planRights } from './plan-keeping.ts';
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

  rights(folderId: number): readonly FolderRights[] {
    return this.#port.present().keeping.rights(folderId);
  }

  rightsOf(folderId: number, mailboxId: number): string {
    const { keeping, queries } = this.#port.present();
    if (queries.folderById(folderId)?.mailboxId === mailboxId) return ALL_RIGHTS;
    const given = keeping.rights(folderId).filter(({ granteeId }) => granteeId === ANYONE || granteeId === mailboxId);
    return inOrder(given.map(({ rights }) => rights).join(''));
  }

  setRights(folderId: number, rights: FolderRights): Promise<void> {
    return this.#port.change((state) => {
      const fact = planRights(state, folderId, rights);
      if (fact !== undefined) this.#port.record([fact]);
    });
  }

  sharedFolders(mailboxId: number): readonly Folder[] {
    const { keeping, queries } = this.#port.present();
    return keeping.foldersSharedWith(mailboxId).flatMap((id) => queries.folderById(id) ?? []);
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
