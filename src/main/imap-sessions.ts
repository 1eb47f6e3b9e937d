/**
 * The IMAP sessions of a copy's process. Each is joined to a client through the access role: the channel's frames are
 * the client's bytes and ours. When the copy stops serving, all of them end at once, so that clients come again and
 * are led to the copy that serves now.
 */
import * as v from 'valibot';
import { RecentRegistry } from '../access/imap/recent.ts';
import { ImapSession } from '../access/imap/session.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Channel } from '../base/network.ts';
import { messageOf, Problem } from '../base/problem.ts';
import type { CopyHello } from '../directory/copy-protocol.ts';
import type { MailStore } from '../store/mail-store.ts';

const helloSchema = v.looseObject({
  mailboxId: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  tag: v.pipe(v.string(), v.minLength(1), v.maxLength(1_024)),
});

/** Bytes of a client that wait while its session works. Above it the client is not keeping to the protocol. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

export class ImapSessions {
  readonly #options: { clock: Clock; logger: Logger; yieldTurn: () => Promise<void> };
  readonly #open = new Set<Channel>();
  #store: MailStore | undefined;
  #recent = new RecentRegistry();

  constructor(options: { clock: Clock; logger: Logger; yieldTurn: () => Promise<void> }) {
    this.#options = options;
  }

  /** From now on sessions work on `store`; those on another one end. */
  serve(store: MailStore | undefined): void {
    if (this.#store === store) return;
    this.#store = store;
    this.#recent = new RecentRegistry();
    for (const channel of this.#open) channel.close('this copy no longer serves');
  }

  /** Problem('NotActive' | 'Malformed') */
  join(channel: Channel, hello: CopyHello): void {
    const store = this.#store;
    if (store === undefined)
      throw new Problem('NotActive', 'Cannot open an IMAP session: this copy is not active', { temporary: true });
    const parsed = v.safeParse(helloSchema, hello);
    if (!parsed.success)
      throw new Problem('Malformed', 'Cannot open an IMAP session: the hello does not name a mailbox');
    const session = new ImapSession({
      ...this.#options,
      store,
      mailboxId: parsed.output.mailboxId,
      recent: this.#recent,
      send: (bytes) => {
        channel.send(bytes);
        return channel.drained();
      },
      close: () => channel.close('the session ended'),
    });
    this.#open.add(channel);
    const input = new SessionInput(session);
    channel.onFrame((frame) => {
      if (!input.push(frame)) channel.close('too many bytes are waiting');
    });
    channel.onClose(() => {
      this.#open.delete(channel);
      session.disconnected();
    });
    session.start(parsed.output.tag).catch((error: unknown) => {
      this.#options.logger.error({ reason: messageOf(error) }, 'an IMAP session failed');
      channel.close('internal error');
    });
  }
}

/** One chunk after the other: a session reads on when it has answered what it has. */
class SessionInput {
  readonly #session: ImapSession;
  #waitingBytes = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(session: ImapSession) {
    this.#session = session;
  }

  push(bytes: Buffer): boolean {
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes > MAX_WAITING_BYTES) return false;
    this.#last = this.#last.then(async () => {
      await this.#session.feed(bytes);
      this.#waitingBytes -= bytes.length;
    });
    return true;
  }
}
