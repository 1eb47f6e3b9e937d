/**
 * Big folders as an IMAP client meets them: a session on the store, in this process, so that what is measured is the
 * server's work and not a network's. The content index runs in its thread, as in a copy's process.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { RecentRegistry } from '../src/access/imap/recent.ts';
import { ImapSession } from '../src/access/imap/session.ts';
import { present } from '../src/base/assert.ts';
import { silentLogger } from '../src/base/logger.ts';
import { ThreadContentIndex } from '../src/host/content-index.ts';
import { machineClock, yieldTurn } from '../src/host/machine.ts';
import { parseMessage } from '../src/mail/mime.ts';
import { findCorpus, readMessage } from '../src/main/demo/corpus.ts';
import type { NewMessage } from '../src/store/mail-store.ts';
import type { StorageGroup } from '../src/store/storage-group.ts';
import { openLog } from './log.ts';
import { closeParts, inboxOf, newStore, storeOf } from './store-parts.ts';
import { type Cell, milliseconds, printTable, whole } from './table.ts';
import { atMost, type Target } from './targets.ts';

const SEARCHED_MESSAGES = 10_000;
const WARM_ROUNDS = 15;
const APPENDED_AT_ONCE = 100;
const INDEX_THREAD = new URL('../src/main/content-index-thread.ts', import.meta.url);

/** A session that has a mailbox's client at its other end, who waits for the tagged answer. */
export class BenchClient {
  readonly #session: ImapSession;
  #tail = '';

  constructor(store: StorageGroup, mailboxId: number) {
    this.#session = new ImapSession({
      store,
      mailboxId,
      recent: new RecentRegistry(),
      clock: machineClock,
      logger: silentLogger,
      send: (bytes) => {
        this.#tail = bytes.subarray(-200).toString('latin1');
        return Promise.resolve();
      },
      close: () => undefined,
      yieldTurn,
    });
  }

  async start(): Promise<void> {
    await this.#session.start('a0');
  }

  /** A session that is left alone would keep the process for as long as it may be idle. */
  end(): void {
    this.#session.disconnected();
  }

  /** Milliseconds until it is answered. */
  async ask(command: string): Promise<number> {
    const started = performance.now();
    this.#tail = '';
    await this.#session.feed(Buffer.from(`b ${command}\r\n`));
    if (!/(^|\n)b OK/.test(this.#tail)) throw new Error(`${command}: ${this.#tail}`);
    return performance.now() - started;
  }

  /** The first time, and the middle one of the times after. */
  async coldAndWarm(command: string, rounds = WARM_ROUNDS): Promise<{ coldMs: number; warmMs: number }> {
    const coldMs = await this.ask(command);
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) times.push(await this.ask(command));
    return { coldMs, warmMs: times.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0 };
  }
}

export function row(what: string, { coldMs, warmMs }: { coldMs: number; warmMs: number }): Cell[] {
  return [what, milliseconds(coldMs), milliseconds(warmMs)];
}

export async function benchSearch(root: string, isQuick: boolean): Promise<readonly Target[]> {
  const wanted = isQuick ? SEARCHED_MESSAGES / 5 : SEARCHED_MESSAGES;
  mkdirSync(root, { recursive: true });
  const { log, close } = await openLog(join(root, 'log'));
  const { parts, store: first } = newStore(root, log);
  const { id } = await first.createMailbox({ address: 'real@example.test', displayName: 'real', credential: null });
  await appendCorpus(first, inboxOf(first, id), wanted);
  const lsn = await first.commitDatabase();
  const index = new ThreadContentIndex({ root, thread: INDEX_THREAD, clock: machineClock, logger: silentLogger });
  const started = performance.now();
  index.open(present(log.signature, 'The log has begun'));
  while (index.status().state !== 'Healthy' || index.status().indexedLsn < lsn) await yieldTurn();
  const indexSeconds = (performance.now() - started) / 1_000;
  const client = new BenchClient(storeOf(parts, log, index), id);
  await client.start();
  await client.ask('SELECT INBOX');
  const rows: Cell[][] = [];
  const targets: Target[] = [];
  for (const text of ['linux', 'perl script', 'viagra', 'nowhereatall', 'the']) {
    const command = `UID SEARCH BODY "${text}"`;
    const times = await client.coldAndWarm(command);
    rows.push(row(command, times));
    if (text !== 'the') targets.push(atMost(`${command}, warm`, 30, times.warmMs, 'ms'));
  }
  rows.push(row('UID SEARCH SUBJECT "re:"', await client.coldAndWarm('UID SEARCH SUBJECT "re:"')));
  rows.push(row('UID SEARCH TEXT "spamassassin"', await client.coldAndWarm('UID SEARCH TEXT "spamassassin"')));
  client.end();
  printTable(`store: search in ${whole(wanted)} real messages`, ['command', 'cold ms', 'warm ms'], rows);
  process.stdout.write(`\nthe index was made at ${whole(wanted / indexSeconds)} messages/s, with its rests\n`);
  await index.close();
  closeParts(parts);
  await close();
  return targets;
}

/** The corpus has some 6,000 messages: it is gone through again until there are enough. */
async function appendCorpus(store: StorageGroup, folderId: number, wanted: number): Promise<void> {
  const { files } = findCorpus();
  for (let count = 0; count < wanted; count += APPENDED_AT_ONCE) {
    const messages = Array.from({ length: Math.min(APPENDED_AT_ONCE, wanted - count) }, (_, index): NewMessage => {
      const bytes = readMessage(files[(count + index) % files.length] ?? '');
      return { bytes, structure: parseMessage(bytes), flags: 0, keywords: [], internalDateMs: machineClock.wallMs() };
    });
    await store.append(folderId, messages);
    await store.settled();
  }
}
