/**
 * What a mail client does in a session, reduced to its promises: add a message, set a flag, move, expunge, make a
 * folder, look at one; each answered by the rule of the access role: after the change, and everything that the answer shows, is committed.
 */
import { sha256 } from '../base/checksum.ts';
import type { Clock } from '../base/clock.ts';
import type { Channel } from '../base/network.ts';
import { isProblem, Problem } from '../base/problem.ts';
import { Rpc, type RpcHandler } from '../base/rpc.ts';
import { FLAG_DELETED, FLAG_FLAGGED } from '../mail/flags.ts';
import { INBOX } from '../mail/mailbox-name.ts';
import { parseMessage } from '../mail/mime.ts';
import { UidSet } from '../mail/uid-set.ts';
import type { MailStore } from '../store/mail-store.ts';

export const SESSION_SERVICE = 'session';
export const sessionMethods = {
  append: 'append',
  flag: 'flag',
  move: 'move',
  expunge: 'expunge',
  createFolder: 'create-folder',
  list: 'list',
} as const;

export interface SeenMessage {
  readonly uid: number;
  readonly flags: number;
  /** Of the message's bytes, hex. */
  readonly sha256: string;
}

export interface SeenFolder {
  readonly name: string;
  readonly uidValidity: number;
  readonly messages: readonly SeenMessage[];
}

/** Every folder of the mailbox; none without one. */
export function readMailbox(store: MailStore, address: string): readonly SeenFolder[] {
  const mailbox = store.mailboxByAddress(address);
  return mailbox === undefined ? [] : store.folders(mailbox.id).map(({ name }) => readFolder(store, address, name));
}

function readFolder(store: MailStore, address: string, name: string): SeenFolder {
  const { id, uidValidity } = folderOf(store, address, name);
  const rows = store.messages(id, 1, 0xffff_ffff, 1_000_000);
  const messages = rows.map(({ uid, flags, bodyId }) => ({
    uid,
    flags,
    sha256: sha256(store.body(bodyId)).toString('hex'),
  }));
  return { name, uidValidity, messages };
}

export function serveSession(channel: Channel, clock: Clock, serving: () => MailStore | undefined): void {
  const answer =
    (change: (store: MailStore, question: Record<string, unknown>) => unknown): RpcHandler =>
    async (body) => {
      const store = serving();
      if (store === undefined)
        throw new Problem('NotActive', 'Cannot serve: this copy is not active', { temporary: true });
      try {
        const result = await change(store, JSON.parse(body.toString('utf8')) as Record<string, unknown>);
        await store.settled();
        return Buffer.from(JSON.stringify(result));
      } catch (error) {
        if (!isProblem(error, 'NotActive')) throw error;
        throw new Problem('OutcomeUnknown', 'Cannot confirm: this copy stopped serving', {
          temporary: true,
          cause: error,
        });
      }
    };
  new Rpc(channel, {
    clock,
    handlers: {
      [sessionMethods.append]: answer(append),
      [sessionMethods.flag]: answer(async (store, { address, folder, uid }) => {
        const change = { operation: 'add', flags: FLAG_FLAGGED, keywords: [] } as const;
        const { id } = folderOf(store, String(address), String(folder));
        return { count: (await store.changeFlags(id, UidSet.of([Number(uid)]), change)).length };
      }),
      [sessionMethods.move]: answer(async (store, { address, folder, uid, target }) => {
        const { id } = folderOf(store, String(address), String(folder));
        const { id: targetId } = folderOf(store, String(address), String(target));
        return { count: (await store.move(id, UidSet.of([Number(uid)]), targetId)).targetUids.length };
      }),
      [sessionMethods.expunge]: answer(async (store, { address, folder, uid }) => {
        const { id } = folderOf(store, String(address), String(folder));
        const uids = UidSet.of([Number(uid)]);
        await store.changeFlags(id, uids, { operation: 'add', flags: FLAG_DELETED, keywords: [] });
        return { count: (await store.expunge(id, uids)).length };
      }),
      [sessionMethods.createFolder]: answer(async (store, { address, name }) => {
        const mailbox = store.mailboxByAddress(String(address));
        if (mailbox === undefined) throw new Problem('FolderNotFound', 'Cannot make a folder: there is no mailbox');
        await store.createFolder(mailbox.id, String(name));
        return { count: 1 };
      }),
      [sessionMethods.list]: answer((store, { address, folder }) => readFolder(store, String(address), String(folder))),
    },
  });
}

async function append(
  store: MailStore,
  { address, text, internalDateMs }: Record<string, unknown>,
): Promise<{ uid: number | undefined; uidValidity: number }> {
  const bytes = Buffer.from(String(text));
  const message = {
    bytes,
    structure: parseMessage(bytes),
    flags: 0,
    keywords: [],
    internalDateMs: Number(internalDateMs),
  };
  const { uids, uidValidity } = await store.append(folderOf(store, String(address), INBOX).id, [message]);
  return { uid: uids[0], uidValidity };
}

function folderOf(store: MailStore, address: string, name: string): { id: number; uidValidity: number } {
  const mailbox = store.mailboxByAddress(address);
  const folder = mailbox && store.folderByName(mailbox.id, name);
  if (folder === undefined) throw new Problem('FolderNotFound', `Cannot open ${name} of ${address}: there is none`);
  return folder;
}
