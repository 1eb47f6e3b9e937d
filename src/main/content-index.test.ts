import assert from 'node:assert/strict';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { RecentRegistry } from '../access/imap/recent.ts';
import { Client } from '../access/imap/testing/imap-world.ts';
import { ManualClock } from '../access/imap/testing/manual-clock.ts';
import { silentLogger } from '../base/logger.ts';
import { CONTENT_INDEX_NAME, ThreadContentIndex } from '../host/content-index.ts';
import { machineClock, machineRandom } from '../host/machine.ts';
import { FilePackDevice } from '../host/pack-device.ts';
import { parseMessage } from '../mail/mime.ts';
import { UidSet } from '../mail/uid-set.ts';
import { Database } from '../store/database.ts';
import { Packs } from '../store/packs.ts';
import { StorageGroup } from '../store/storage-group.ts';
import { MemoryJournal } from '../store/testing/memory-journal.ts';
import { MemoryPacks } from '../store/testing/memory-packs.ts';

const SIGNATURE = Buffer.alloc(16, 7);
const thread = new URL('./content-index-thread.ts', import.meta.url);
const PATIENCE_MS = 20_000;

/** A storage group on a real disk with its index, and an IMAP client that has selected its one inbox. */
class World {
  readonly root = mkdtempSync(join(tmpdir(), 'holdfast-index-'));
  readonly index = new ThreadContentIndex({ root: this.root, thread, clock: machineClock, logger: silentLogger });
  readonly #database: Database;
  readonly #packs: Packs;
  readonly journal = new MemoryJournal();
  readonly store: StorageGroup;
  folderId = 0;
  #client: Client | undefined;

  constructor(context: TestContext) {
    mkdirSync(join(this.root, 'packs'));
    this.#database = new Database({ path: join(this.root, 'database.sqlite'), signature: SIGNATURE });
    this.#packs = new Packs(new FilePackDevice(join(this.root, 'packs')));
    this.store = new StorageGroup({
      database: this.#database,
      packs: this.#packs,
      journal: this.journal,
      clock: machineClock,
      random: machineRandom,
      contentIndex: this.index,
    });
    context.after(async () => {
      await this.index.close();
      this.#database.close();
      this.#packs.close();
      rmSync(this.root, { recursive: true });
    });
  }

  /** A session of the mailbox that was made first. */
  async #connect(): Promise<Client> {
    const client = new Client({
      store: this.store,
      journal: this.journal,
      packs: new MemoryPacks(),
      clock: new ManualClock(),
      mailboxId: 1,
      recent: new RecentRegistry(),
    });
    await client.session.start('a0');
    return client;
  }

  async start(): Promise<void> {
    const mailbox = await this.store.createMailbox({ address: 'jo@example.org', displayName: '', credential: null });
    this.folderId = this.store.folderByName(mailbox.id, 'INBOX')?.id ?? 0;
    this.index.open(SIGNATURE);
  }

  async append(...texts: readonly string[]): Promise<void> {
    const messages = texts.map((text) => {
      const bytes = Buffer.from(
        `From: a@example.test\r\nSubject: ${text}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${text}\r\n`,
      );
      return { bytes, structure: parseMessage(bytes), flags: 0, keywords: [], internalDateMs: 0 };
    });
    await this.store.append(this.folderId, messages);
  }

  /** Everything is in the database, and the index has it. */
  async commit(): Promise<void> {
    const lsn = await this.store.commitDatabase();
    this.index.committed();
    await until(() => this.index.status().state === 'Healthy' && this.index.status().indexedLsn >= lsn);
  }

  async ask(text: string): Promise<{ found: number[]; open: number[] } | undefined> {
    const answer = await this.index.search(this.folderId, [{ field: 'body', text }]);
    const only = answer?.answers[0];
    return only && { found: [...only.found], open: [...only.open] };
  }

  /** The UIDs that a client is told. */
  async search(criteria: string): Promise<string> {
    this.#client ??= await this.#connect();
    const client = this.#client;
    await client.say('s SELECT INBOX');
    const answer = await client.say(`u UID SEARCH CHARSET UTF-8 ${criteria}`);
    return /^\* SEARCH ?(.*)$/m.exec(answer)?.[1] ?? answer;
  }
}

async function until(isSo: () => boolean): Promise<void> {
  for (let waitedMs = 0; !isSo(); waitedMs += 10) {
    assert.ok(waitedMs < PATIENCE_MS, 'it takes too long');
    await pause(10);
  }
}

test('content index: what was committed is found, what comes later is read', async (context) => {
  const world = new World(context);
  await world.start();
  await world.append('an invoice', 'café', 'hello world');
  await world.commit();
  assert.deepEqual(await world.ask('nvoic'), { found: [1], open: [] });
  assert.equal(await world.search('BODY cafe'), '2');
  assert.equal(await world.search('BODY "lo wor"'), '3');
  assert.equal(await world.search('NOT BODY invoice'), '2 3');
  await world.append('one more invoice');
  assert.equal(await world.search('SUBJECT invoice'), '1 4');
  assert.equal(await world.search('OR SUBJECT nothing BODY more'), '4');
  await world.commit();
  assert.deepEqual(await world.ask('invoice'), { found: [1, 4], open: [] });
});

test('content index: moved, copied and expunged messages: answers follow the folder', async (context) => {
  const world = new World(context);
  await world.start();
  await world.append('alpha', 'beta');
  const drafts = world.store.folderByName(1, 'Drafts')?.id ?? 0;
  await world.store.copy(world.folderId, new UidSet().add(1, 1), drafts);
  await world.store.changeFlags(world.folderId, new UidSet().add(1, 1), { operation: 'add', flags: 8, keywords: [] });
  await world.store.expunge(world.folderId);
  await world.commit();
  assert.equal(await world.search('BODY alpha'), '');
  const answer = await world.index.search(drafts, [{ field: 'body', text: 'alpha' }]);
  assert.deepEqual([...(answer?.answers[0]?.found ?? [])], [1]);
});

test('content index: restarted: goes on where it was; damaged or gone: is made anew', async (context) => {
  const world = new World(context);
  await world.start();
  await world.append('first words');
  await world.commit();
  await world.index.close();
  assert.equal(await world.ask('first'), undefined);
  assert.equal(await world.search('BODY first'), '1');
  await world.append('second words');
  world.index.open(SIGNATURE);
  await world.commit();
  assert.deepEqual(await world.ask('words'), { found: [1, 2], open: [] });

  await world.index.close();
  writeFileSync(join(world.root, CONTENT_INDEX_NAME), Buffer.alloc(50_000, 0x5a));
  world.index.open(SIGNATURE);
  await world.commit();
  assert.deepEqual(await world.ask('words'), { found: [1, 2], open: [] });
  world.index.rebuild();
  await world.commit();
  assert.deepEqual(await world.ask('words'), { found: [1, 2], open: [] });
});

test('content index: an index of another history of the same log: nothing of it is believed', async (context) => {
  const world = new World(context);
  await world.start();
  await world.append('true words');
  await world.commit();
  await world.index.close();
  const file = new DatabaseSync(join(world.root, CONTENT_INDEX_NAME));
  file.exec("UPDATE document SET crc32 = 1; UPDATE meta SET value = 77 WHERE name = 'last_body'");
  file.exec("INSERT INTO document VALUES (50, 5, 1); INSERT INTO text_index (rowid, body) VALUES (50, 'ghost')");
  file.close();
  world.index.open(SIGNATURE);
  await world.commit();
  assert.deepEqual(await world.ask('true'), { found: [1], open: [] });
  await world.append('and new ones');
  await world.commit();
  assert.deepEqual(await world.ask('new'), { found: [2], open: [] });
});

test('content index: a damaged body: nothing is claimed about it', async (context) => {
  const world = new World(context);
  await world.start();
  await world.append('good', 'also good');
  await world.store.commitDatabase();
  const pack = openSync(join(world.root, 'packs', '00000001.pack'), 'r+');
  writeSync(pack, 'X', 25);
  closeSync(pack);
  await world.commit();
  assert.deepEqual(await world.ask('good'), { found: [2], open: [1] });
});
