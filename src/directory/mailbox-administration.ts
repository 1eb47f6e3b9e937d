/**
 * What administrators ask of the active copy about its mailboxes: what they are, what is set for them, and what was
 * deleted in them. Part of the mail service; the same rule holds: no answer before it is committed.
 */
import { Problem } from '../base/problem.ts';
import type { RpcHandler } from '../base/rpc.ts';
import type { Mailbox, MailStore } from '../store/mail-store.ts';
import { ALL_MAILBOXES, type DeletedItem, type MailboxLimits } from '../store/mailbox-keeping.ts';
import {
  copyMethods,
  decodeBody,
  deletedItemsQuestionSchema,
  encodeBody,
  limitsQuestionSchema,
  restoreItemsQuestionSchema,
  setLimitsQuestionSchema,
} from './copy-protocol.ts';
import { directoryLimits } from './limits.ts';

export type AdministeredStore = Pick<
  MailStore,
  'settled' | 'mailboxes' | 'mailboxByAddress' | 'deletedItems' | 'settings' | 'structure'
>;

/** `activeStore` throws Problem('NotActive') while the copy serves nobody. */
export function administrationHandlers(activeStore: () => AdministeredStore): Readonly<Record<string, RpcHandler>> {
  const answer =
    (carryOut: (store: AdministeredStore, body: Buffer) => Promise<object> | object): RpcHandler =>
    async (body) => {
      const store = activeStore();
      const result = await carryOut(store, body);
      await store.settled();
      return encodeBody(result);
    };
  return {
    [copyMethods.listMailboxes]: answer((store) => store.mailboxes().map((mailbox) => mailboxFacts(store, mailbox))),
    [copyMethods.limits]: answer((store, body) => {
      const { address } = decodeBody(limitsQuestionSchema, body);
      return store.settings.limits(idOf(store, address));
    }),
    [copyMethods.setLimits]: answer(async (store, body) => {
      const { address, limits } = decodeBody(setLimitsQuestionSchema, body);
      await store.settings.setLimits(idOf(store, address), given(limits));
      return {};
    }),
    [copyMethods.deletedItems]: answer((store, body) => {
      const { address, limit } = decodeBody(deletedItemsQuestionSchema, body);
      return store.deletedItems.list(idOf(store, address), limit).map((item) => itemFacts(store, item));
    }),
    [copyMethods.restoreItems]: answer(async (store, body) => {
      const { address, items, folderName } = decodeBody(restoreItemsQuestionSchema, body);
      const id = idOf(store, address);
      const wanted = items ?? store.deletedItems.list(id, directoryLimits.maxItemsPerQuestion);
      return { restored: await store.deletedItems.restore(id, wanted, folderName) };
    }),
  };
}

export function mailboxAnswer(mailbox: Mailbox): object {
  const { id, guid, address, displayName, credential, createdMs } = mailbox;
  return { id, guid, address, displayName, hasCredential: credential !== null, createdMs };
}

function mailboxFacts(store: AdministeredStore, mailbox: Mailbox): object {
  return { ...mailboxAnswer(mailbox), quota: store.settings.quota(mailbox.id) };
}

/** Null is the storage group itself. */
function idOf(store: AdministeredStore, address: string | null): number {
  if (address === null) return ALL_MAILBOXES;
  const mailbox = store.mailboxByAddress(address);
  if (mailbox !== undefined) return mailbox.id;
  throw new Problem('MailboxNotFound', `Cannot find mailbox ${JSON.stringify(address)}: there is none here.`);
}

/** Without what was left out. */
function given(limits: { readonly [K in keyof MailboxLimits]?: number | null | undefined }): Partial<MailboxLimits> {
  return Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== undefined));
}

function itemFacts(store: AdministeredStore, item: DeletedItem): object {
  return { ...item, subject: store.structure(item.bodyId).envelope.subject };
}
