/** A storage group in memory with one mailbox, and clients that talk to sessions on it, all in one thread of promises. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from '../../../base/logger.ts';
import { silentLogger } from '../../../base/logger.ts';
import { SeededRandom } from '../../../base/random.ts';
import { Database } from '../../../store/database.ts';
import type { MailStore } from '../../../store/mail-store.ts';
import { Packs } from '../../../store/packs.ts';
import { StorageGroup } from '../../../store/storage-group.ts';
import { MemoryJournal } from '../../../store/testing/memory-journal.ts';
import { MemoryPacks } from '../../../store/testing/memory-packs.ts';
import type { SessionLimits } from '../../limits.ts';
import { RecentRegistry } from '../recent.ts';
import { ImapSession } from '../session.ts';
import { ManualClock } from './manual-clock.ts';

export interface ImapWorld {
  readonly store: StorageGroup;
  readonly journal: MemoryJournal;
  readonly packs: MemoryPacks;
  readonly clock: ManualClock;
  readonly mailboxId: number;
  readonly recent: RecentRegistry;
}

export async function makeWorld(options: { commitsAtOnce?: boolean } = {}): Promise<ImapWorld> {
  const journal = new MemoryJournal({ commitsAtOnce: options.commitsAtOnce ?? true });
  const packs = new MemoryPacks();
  const clock = new ManualClock();
  const store = new StorageGroup({
    database: new Database({ path: ':memory:', signature: Buffer.alloc(16, 1) }),
    packs: new Packs(packs),
    journal,
    clock,
    random: new SeededRandom(1),
  });
  const mailbox = await store.createMailbox({ address: 'jo@example.org', displayName: 'Jo', credential: null });
  return { store, journal, packs, clock, mailboxId: mailbox.id, recent: new RecentRegistry() };
}

export interface ClientOptions {
  readonly limits?: SessionLimits;
  readonly logger?: Logger;
  readonly store?: MailStore;
  readonly mailboxId?: number;
  /** In place of taking everything at once. */
  readonly send?: (bytes: Buffer) => Promise<void>;
}

export class Client {
  readonly session: ImapSession;
  isClosed = false;
  turnsYielded = 0;
  #received: Buffer[] = [];

  constructor(world: ImapWorld, options: ClientOptions = {}) {
    this.session = new ImapSession({
      store: options.store ?? world.store,
      mailboxId: options.mailboxId ?? world.mailboxId,
      recent: world.recent,
      clock: world.clock,
      logger: options.logger ?? silentLogger,
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      send: async (bytes) => {
        this.#received.push(Buffer.from(bytes));
        await options.send?.(bytes);
      },
      close: () => {
        this.isClosed = true;
      },
      yieldTurn: async () => {
        this.turnsYielded++;
        await nextTurn();
      },
    });
  }

  /** What the server has said since the last time anybody asked, with \n for CR LF. */
  heard(): string {
    return this.heardBytes().toString('latin1').replaceAll('\r\n', '\n');
  }

  heardBytes(): Buffer {
    const received = Buffer.concat(this.#received);
    this.#received = [];
    return received;
  }

  /** Says these lines and waits for all the answers. */
  async say(...lines: readonly string[]): Promise<string> {
    await this.session.feed(Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'latin1'));
    return this.heard();
  }

  /** Lets everything run that is ready to. */
  async settle(): Promise<string> {
    await nextTurn();
    await nextTurn();
    return this.heard();
  }
}

/** APPEND's literal, non-synchronising. */
export function literal(text: string): string {
  return `{${Buffer.byteLength(text, 'latin1')}+}\r\n${text}`;
}
