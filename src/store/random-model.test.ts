/** Random sessions against a plain model; a failing seed is in the test's name and replays exactly. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../base/assert.ts';
import { SeededRandom } from '../base/random.ts';
import { ALL_FLAGS, FLAG_DELETED } from '../mail/flags.ts';
import { UidSet } from '../mail/uid-set.ts';
import { digestApplied } from './digest.ts';
import { DELETED_ITEM_RETENTION_MS } from './limits.ts';
import type { FlagChange } from './mail-store.ts';
import { ALL_MAILBOXES, ALL_RIGHTS, ANYONE, SHARED } from './mailbox-keeping.ts';
import { checkSums } from './maintenance/check-sums.ts';
import { Replayer } from './replay.ts';
import { BODY_USES } from './schema.ts';
import { StoreModel } from './testing/store-model.ts';
import {
  makeMailbox,
  makeWorld,
  messageBytes,
  newDelivery,
  newMessage,
  rebuild,
  type World,
} from './testing/store-world.ts';

const STEPS = 200;
const DAY_MS = 86_400_000;
const KEYWORDS = ['$Forwarded', '$Junk', 'work'];

class Session {
  readonly random: SeededRandom;
  readonly world: World;
  readonly model = new StoreModel();
  mailboxId = 0;
  otherId = 0;
  retentionMs: number | null = null;
  folderIds: number[] = [];
  #deliveries = 0;
  readonly #rights = new Map<number, Map<number, string>>();
  readonly #annotations = new Map<string, Map<string, string>>();

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.world = makeWorld({ seed });
    this.model.nowMs = this.world.clock.nowMs;
  }

  async start(): Promise<void> {
    const { mailbox } = await makeMailbox(this.world.store, 'ada@example.test');
    this.mailboxId = mailbox.id;
    this.otherId = (await makeMailbox(this.world.store, 'bob@example.test')).mailbox.id;
    this.folderIds = this.world.store.folders(mailbox.id).map(({ id }) => id);
    for (const id of this.folderIds) this.model.folder(id);
  }

  async step(): Promise<void> {
    const steps = [
      () => this.append(),
      () => this.append(),
      () => this.deliver(),
      () => this.changeFlags(),
      () => this.changeFlags(),
      () => this.copyOrMove('copy'),
      () => this.copyOrMove('move'),
      () => this.expunge(),
      () => this.makeFolder(),
      () => this.deleteFolder(),
      () => this.restore(),
      () => this.setRetention(),
      () => this.purge(),
      () => this.annotate(),
      () => this.share(),
      () => this.commit(),
    ];
    await this.#pick(steps)();
  }

  async append(): Promise<void> {
    const folder = this.#folder();
    const texts = Array.from({ length: this.random.below(6) }, () => 'x'.repeat(this.random.below(800)));
    const flags = this.random.below(ALL_FLAGS + 1);
    const messages = texts.map((text) => newMessage(text, { flags, keywords: this.#keywords() }));
    const expected = messages.map(({ bytes, keywords }) =>
      this.model.folder(folder).add({ bytes: bytes.toString(), flags, keywords: [...keywords].sort() }),
    );
    assert.deepEqual((await this.world.store.append(folder, messages)).uids, expected);
  }

  async deliver(): Promise<void> {
    const isAgain = this.#deliveries > 0 && this.random.below(3) === 0;
    const id = isAgain ? 1 + this.random.below(this.#deliveries) : ++this.#deliveries;
    const [result] = await this.world.store.deliver(newDelivery(id, ['ada@example.test']));
    assert.equal(result?.outcome, isAgain ? 'duplicate' : 'delivered');
    const inbox = present(this.world.store.folderByName(this.mailboxId, 'INBOX'), 'an inbox');
    if (!isAgain)
      this.model.folder(inbox.id).add({ bytes: messageBytes(`delivery ${id}`).toString(), flags: 0, keywords: [] });
  }

  async changeFlags(): Promise<void> {
    const folder = this.#folder();
    const uids = this.#uids(folder);
    const change: FlagChange = {
      operation: this.#pick(['add', 'remove', 'replace'] as const),
      flags: this.random.below(3) === 0 ? FLAG_DELETED : this.random.below(ALL_FLAGS + 1),
      keywords: this.#keywords(),
    };
    this.model.changeFlags(folder, uids, change);
    const rows = await this.world.store.changeFlags(folder, uids, change);
    assert.deepEqual(
      rows.map(({ uid }) => uid),
      this.model.folder(folder).selected(uids),
    );
  }

  async copyOrMove(what: 'copy' | 'move'): Promise<void> {
    const [source, target] = [this.#folder(), this.#folder()];
    const uids = this.#uids(source);
    const expected = this.model[what](source, uids, target);
    assert.deepEqual((await this.world.store[what](source, uids, target)).targetUids, expected);
  }

  async expunge(): Promise<void> {
    const folder = this.#folder();
    const uids = this.random.below(2) === 0 ? undefined : this.#uids(folder);
    const expected = this.model.expunge(folder, uids);
    assert.deepEqual(await this.world.store.expunge(folder, uids), expected);
  }

  async makeFolder(): Promise<void> {
    const name = `f${this.random.below(1_000)}`;
    if (this.world.store.folderByName(this.mailboxId, name) !== undefined) return;
    const folder = await this.world.store.createFolder(this.mailboxId, name);
    this.model.folder(folder.id);
    this.folderIds.push(folder.id);
  }

  async deleteFolder(): Promise<void> {
    const id = this.#folder();
    const folder = this.world.store.folderById(id);
    if (folder === undefined || !folder.name.startsWith('f')) return;
    await this.world.store.deleteFolder(this.mailboxId, folder.name);
    this.model.deleteFolder(id);
    this.folderIds = this.folderIds.filter((other) => other !== id);
  }

  async restore(): Promise<void> {
    const { store } = this.world;
    const items = this.model.deletedItems.filter(() => this.random.below(3) === 0);
    const target = this.#folder();
    const name = present(store.folderById(target), 'the folder').name;
    this.model.restore(items, target);
    assert.equal(await store.deletedItems.restore(this.mailboxId, items, name), items.length);
    assert.equal(await store.deletedItems.restore(this.mailboxId, items, name), 0, 'nothing comes back twice');
  }

  async setRetention(): Promise<void> {
    this.retentionMs = this.#pick([{ ms: 0 }, { ms: 5 * DAY_MS }, { ms: null }]).ms;
    this.model.keepsDeletedItems = this.retentionMs !== 0;
    const mailboxId = this.random.below(2) === 0 ? ALL_MAILBOXES : this.mailboxId;
    await this.world.store.settings.setLimits(ALL_MAILBOXES, { retentionMs: null });
    await this.world.store.settings.setLimits(this.mailboxId, { retentionMs: null });
    await this.world.store.settings.setLimits(mailboxId, { retentionMs: this.retentionMs });
  }

  async purge(): Promise<void> {
    this.world.clock.nowMs += this.random.below(7 * DAY_MS);
    this.model.nowMs = this.world.clock.nowMs;
    const expected = this.model.purge(this.retentionMs ?? DELETED_ITEM_RETENTION_MS);
    assert.equal(await this.world.store.deletedItems.purgeExpired(), expected);
  }

  async annotate(): Promise<void> {
    const { settings } = this.world.store;
    const place = { mailboxId: this.mailboxId, folderId: this.#folder(), owner: this.#pick([SHARED, this.mailboxId]) };
    const name = `/shared/${this.random.below(5)}`;
    const value = this.random.below(3) === 0 ? null : Buffer.from(`v${this.random.below(100)}`);
    await settings.setAnnotations([{ place, values: [{ name, value }] }]);
    const key = JSON.stringify(place);
    const expected = this.#annotations.get(key) ?? new Map<string, string>();
    this.#annotations.set(key, expected);
    if (value === null) expected.delete(name);
    else expected.set(name, value.toString());
    assert.deepEqual(
      settings.annotations(place).map((each) => [each.name, each.value.toString()]),
      [...expected].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    );
  }

  async share(): Promise<void> {
    const { settings } = this.world.store;
    const folderId = this.#folder();
    const granteeId = this.#pick([ANYONE, this.otherId]);
    const rights = ALL_RIGHTS.split('')
      .filter(() => this.random.below(2) === 0)
      .join('');
    await settings.setRights(folderId, { granteeId, rights });
    const given = this.#rights.get(folderId) ?? new Map<number, string>();
    this.#rights.set(folderId, given.set(granteeId, rights));
    const union = [...given.values()].join('');
    const expected = ALL_RIGHTS.split('')
      .filter((right) => union.includes(right))
      .join('');
    assert.equal(settings.rightsOf(folderId, this.otherId), expected);
    assert.equal(settings.rightsOf(folderId, this.mailboxId), ALL_RIGHTS);
    const isListed = settings.sharedFolders(this.otherId).some(({ id }) => id === folderId);
    assert.equal(isListed, union.includes('l'));
  }

  async commit(): Promise<void> {
    await this.world.store.commitDatabase(async () => this.random.below(2) === 0);
  }

  #folder(): number {
    return this.#pick(this.folderIds);
  }

  #keywords(): string[] {
    return KEYWORDS.filter(() => this.random.below(3) === 0);
  }

  #uids(folder: number): UidSet {
    const uidNext = this.model.folder(folder).uidNext;
    if (this.random.below(4) === 0) return new UidSet().add(1, 2 ** 32 - 1);
    const sparse = Array.from({ length: this.random.below(100) }, () => 1 + this.random.below(uidNext + 2));
    return UidSet.of(sparse);
  }

  #pick<T>(items: readonly T[]): T {
    return present(items[this.random.below(items.length)], 'There is something to pick');
  }
}

for (let seed = 1; seed <= 8; seed++) {
  test(`store: random changes, seed ${seed}: equal the model, a rebuild, and a crash with replay`, async () => {
    const session = new Session(seed);
    await session.start();
    for (let step = 0; step < STEPS; step++) {
      await session.step();
      session.model.assertEquals(session.world.store);
      session.model.assertKept(session.world.store, session.mailboxId);
    }
    const { world } = session;
    const digest = digestApplied(world.database).sha256;
    assert.equal(rebuild(world).digest, digest);
    assertBooksBalance(world);

    world.store.stop('the crash');
    const again = new Replayer(world);
    for (const record of world.journal.records) again.apply(record);
    assert.equal(digestApplied(world.database).sha256, digest);
  });
}

/** Reference counts and pack counts are what the rows say. */
function assertBooksBalance({ database }: World): void {
  database.writeTally();
  assert.deepEqual(checkSums({ connection: database.connection, name: 'database', sizeBytes: 0 }), []);
  const all = (sql: string) => JSON.stringify(database.connection.prepare(sql).all());
  assert.equal(
    all('SELECT id, references_count AS n FROM body ORDER BY id'),
    all(`SELECT body AS id, count(*) AS n FROM ${BODY_USES} GROUP BY body ORDER BY body`),
  );
  assert.equal(
    all('SELECT id, live_bodies AS n FROM pack WHERE live_bodies <> 0 ORDER BY id'),
    all('SELECT pack AS id, count(*) AS n FROM body GROUP BY pack ORDER BY pack'),
  );
  assert.equal(
    all('SELECT id, tombstone_runs AS n FROM folder WHERE tombstone_runs > 0 ORDER BY id'),
    all('SELECT folder AS id, count(*) AS n FROM tombstone GROUP BY folder ORDER BY folder'),
  );
}
