/**
 * What a mail client does in a session, reduced to its promises: add a message, set a flag, look at a folder; each
 * answered by the rule of the access role: after the change, and everything that the answer shows, is committed.
 */
import { sha256 } from '../base/checksum.ts';
import type { Clock } from '../base/clock.ts';
import type { Channel } from '../base/network.ts';
import { isProblem, Problem } from '../base/problem.ts';
import { Rpc, type RpcHandler } from '../base/rpc.ts';
import { FLAG_FLAGGED } from '../mail/flags.ts';
import { INBOX } from '../mail/mailbox-name.ts';
import { parseMessage } from '../mail/mime.ts';
import { UidSet } from '../mail/uid-set.ts';
import type { MailStore } from '../store/mail-store.ts';

export const SESSION_SERVICE = 'session';
export const sessionMethods = { append: 'append', flag: 'flag', list: 'list' } as const;

export interface SeenMessage {
  readonly uid: number;
  readonly flags: number;
  /** Of the message's bytes, hex. */
  readonly sha256: string;
}

export interface SeenFolder {
  readonly uidValidity: number;
  readonly messages: readonly SeenMessage[];
}

export function readFolder(store: MailStore, address: string): SeenFolder {
  const { id, uidValidity } = inboxOf(store, address);
  const rows = store.messages(id, 1, 0xffff_ffff, 1_000_000);
  const messages = rows.map(({ uid, flags, bodyId }) => ({
    uid,
    flags,
    sha256: sha256(store.body(bodyId)).toString('hex'),
  }));
  return { uidValidity, messages };
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
      [sessionMethods.append]: answer(async (store, { address, text, internalDateMs }) => {
        const bytes = Buffer.from(String(text));
        const message = {
          bytes,
          structure: parseMessage(bytes),
          flags: 0,
          keywords: [],
          internalDateMs: Number(internalDateMs),
        };
        const { uids, uidValidity } = await store.append(inboxOf(store, String(address)).id, [message]);
        return { uid: uids[0], uidValidity };
      }),
      [sessionMethods.flag]: answer(async (store, { address, uid }) => {
        const change = { operation: 'add', flags: FLAG_FLAGGED, keywords: [] } as const;
        const rows = await store.changeFlags(inboxOf(store, String(address)).id, UidSet.of([Number(uid)]), change);
        return { count: rows.length };
      }),
      [sessionMethods.list]: answer((store, { address }) => readFolder(store, String(address))),
    },
  });
}

function inboxOf(store: MailStore, address: string): { id: number; uidValidity: number } {
  const mailbox = store.mailboxByAddress(address);
  const inbox = mailbox && store.folderByName(mailbox.id, INBOX);
  if (inbox === undefined) throw new Problem('FolderNotFound', `Cannot open the inbox of ${address}: there is none`);
  return inbox;
}
