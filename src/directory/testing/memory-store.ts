/**
 * The mail side of a storage group in memory: mailboxes, deliveries, and the store's rule for duplicates. `hold` keeps
 * answers back, as a commit that waits for a slow copy does; `fail` makes it stop serving in the middle.
 */
import { type Deferred, deferred } from '../../base/deferred.ts';
import { Problem } from '../../base/problem.ts';
import { canonicalAddress } from '../../mail/address.ts';
import type { Delivery, DeliveryResult } from '../../mail/delivery.ts';
import type { Envelope } from '../../mail/envelope.ts';
import type { MessageStructure } from '../../mail/mime.ts';
import type { Folder, Mailbox, MessageRow } from '../../store/mail-store.ts';
import { type DeletedItems, type MailboxSettings, UNLIMITED } from '../../store/mailbox-keeping.ts';
import type { CopyStore } from '../copy-service.ts';

const NO_LIMITS = { retentionMs: null, warningBytes: null, storageBytes: null, messages: null };
const NO_QUOTA = {
  retentionMs: 0,
  warningBytes: UNLIMITED,
  storageBytes: UNLIMITED,
  messages: UNLIMITED,
  usedBytes: 0,
  usedMessages: 0,
};
const DUPLICATE_WINDOW_MS = 24 * 3_600_000;

export class MemoryStore implements CopyStore {
  readonly #mailboxes: Mailbox[] = [];
  /** What has arrived, by mailbox address: one entry for each copy of a message. */
  readonly arrived = new Map<string, Delivery[]>();
  readonly deletedItems: DeletedItems = { list: () => [], restore: async () => 0, purgeExpired: async () => 0 };
  readonly settings: MailboxSettings = {
    limits: () => NO_LIMITS,
    setLimits: async () => undefined,
    quota: () => NO_QUOTA,
    annotations: () => [],
    rights: () => [],
    rightsOf: () => '',
    setRights: async () => undefined,
    sharedFolders: () => [],
    setAnnotations: async () => undefined,
  };
  readonly #served = new Map<string, number>();
  #held: Deferred<void> | undefined;
  #failure: Problem | undefined;
  /** Every call of deliver, duplicates included. */
  attempts = 0;

  constructor(addresses: readonly string[] = []) {
    for (const address of addresses) this.add(address, null);
  }

  add(address: string, credential: string | null): Mailbox {
    const id = this.#mailboxes.length + 1;
    const mailbox = { id, guid: `${id}`.padStart(32, '0'), address, displayName: '', credential, createdMs: 0 };
    this.#mailboxes.push(mailbox);
    return mailbox;
  }

  /** Messages of one mailbox as text. */
  messagesOf(address: string): readonly string[] {
    return (this.arrived.get(address) ?? []).map((delivery) => delivery.bytes.toString('latin1'));
  }

  hold(): void {
    this.#held = deferred();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  /** From now on nothing can be answered: the copy has lost its place. */
  fail(): void {
    this.#failure = new Problem('NotActive', 'Cannot serve: not active any more', { temporary: true });
    this.release();
  }

  recover(): void {
    this.#failure = undefined;
  }

  /** As after a takeover that lost the last records. */
  forgetDeliveries(): void {
    this.arrived.clear();
    this.#served.clear();
  }

  async settled(): Promise<void> {
    await this.#held?.promise;
    if (this.#failure !== undefined) throw this.#failure;
  }

  mailboxes(): readonly Mailbox[] {
    return this.#mailboxes;
  }

  mailboxByAddress(address: string): Mailbox | undefined {
    return this.#mailboxes.find((mailbox) => canonicalAddress(mailbox.address) === canonicalAddress(address));
  }

  async createMailbox(request: { address: string; displayName: string; credential: string | null }): Promise<Mailbox> {
    if (this.mailboxByAddress(request.address) !== undefined)
      throw new Problem('MailboxExists', 'Cannot create: exists');
    return this.add(request.address, request.credential);
  }

  async setCredential(mailboxId: number, credential: string | null): Promise<void> {
    const index = this.#mailboxes.findIndex((mailbox) => mailbox.id === mailboxId);
    const mailbox = this.#mailboxes[index];
    if (mailbox !== undefined) this.#mailboxes[index] = { ...mailbox, credential };
  }

  structure(): MessageStructure {
    throw noFolders();
  }

  envelope(): Envelope {
    throw noFolders();
  }

  checksum(): number {
    throw noFolders();
  }

  folders(): readonly Folder[] {
    return [];
  }

  folderByName(): Folder | undefined {
    return undefined;
  }

  messages(): readonly MessageRow[] {
    return [];
  }

  createFolder(): Promise<Folder> {
    return Promise.reject(noFolders());
  }

  subscriptions(): readonly string[] {
    return [];
  }

  setSubscribed(): Promise<void> {
    return Promise.reject(noFolders());
  }

  append(): Promise<{ uidValidity: number; uids: readonly number[] }> {
    return Promise.reject(noFolders());
  }

  returnMessage(): Promise<boolean> {
    return Promise.reject(noFolders());
  }

  async deliver(delivery: Delivery): Promise<readonly DeliveryResult[]> {
    this.attempts += 1;
    return delivery.recipients.map((recipient) => this.#deliverTo(recipient, delivery));
  }

  #deliverTo(recipient: string, delivery: Delivery): DeliveryResult {
    const mailbox = this.mailboxByAddress(recipient);
    if (mailbox === undefined) {
      return { recipient, outcome: 'refused', code: 'MailboxUnknown', message: 'Cannot deliver: no such mailbox' };
    }
    const key = `${delivery.deliveryId.toString('hex')}/${mailbox.id}`;
    const servedMs = this.#served.get(key);
    if (servedMs !== undefined && Math.abs(servedMs - delivery.acceptedMs) <= DUPLICATE_WINDOW_MS) {
      return { recipient, outcome: 'duplicate' };
    }
    this.#served.set(key, delivery.acceptedMs);
    const messages = this.arrived.get(mailbox.address) ?? [];
    messages.push({ ...delivery, bytes: Buffer.from(delivery.bytes) });
    this.arrived.set(mailbox.address, messages);
    return { recipient, outcome: 'delivered' };
  }
}

function noFolders(): Problem {
  return new Problem('FolderNotFound', 'Cannot look into a folder: this store keeps none');
}
