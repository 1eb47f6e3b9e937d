/**
 * A small storage group with a row in every table, and everything that it gives out as one text: whoever reads the same
 * text from a changed file has been given the same data, byte for byte.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '../../src/base/random.ts';
import { canonicalAddress } from '../../src/mail/address.ts';
import { MAX_UID } from '../../src/mail/limits.ts';
import { UidSet } from '../../src/mail/uid-set.ts';
import type { StoredRecord } from '../../src/store/apply.ts';
import { Database } from '../../src/store/database.ts';
import { KeepingQueries } from '../../src/store/keeping-queries.ts';
import { Packs } from '../../src/store/packs.ts';
import { Queries } from '../../src/store/queries.ts';
import { StorageGroup } from '../../src/store/storage-group.ts';
import { MemoryJournal } from '../../src/store/testing/memory-journal.ts';
import { MemoryPacks } from '../../src/store/testing/memory-packs.ts';
import { makeMailbox, newDelivery, newMessage, SIGNATURE, TestClock } from '../../src/store/testing/store-world.ts';

const DELIVERY = 7;

export interface SmallStorageGroup {
  /** The database file with everything in it. */
  readonly database: Buffer;
  /** What a stop of the machine leaves: the file at its last checkpoint, and what came behind it. */
  readonly stopped: { readonly database: Buffer; readonly wal: Buffer };
  readonly packs: MemoryPacks;
  readonly records: readonly StoredRecord[];
  readonly served: string;
}

export async function makeSmallStorageGroup(): Promise<SmallStorageGroup> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-flips-'));
  try {
    const path = join(folder, 'database.sqlite');
    const database = new Database({ path, signature: SIGNATURE });
    const journal = new MemoryJournal();
    const device = new MemoryPacks();
    const packs = new Packs(device);
    const common = { database, packs, journal, clock: new TestClock(), random: new SeededRandom(1) };
    const store = new StorageGroup(common);
    await fill(store);
    await store.commitDatabase(() => checkpoint(database));
    const atCheckpoint = readFileSync(path);
    await fillMore(store);
    await store.commitDatabase();
    const wal = readFileSync(`${path}-wal`);
    await checkpoint(database);
    const served = servedBy(database, packs);
    const whole = readFileSync(path);
    database.close();
    return {
      database: whole,
      stopped: { database: atCheckpoint, wal },
      packs: device,
      records: journal.records,
      served,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function checkpoint(database: Database): Promise<boolean> {
  database.connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  return true;
}

async function fill(store: StorageGroup): Promise<void> {
  const { mailbox, inbox } = await makeMailbox(store, 'ann@example.test');
  await makeMailbox(store, 'bob@example.test');
  const keywords = ['Blue', 'Later'];
  await store.append(inbox.id, [newMessage('one'), newMessage('two', { flags: 3, keywords }), newMessage('three')]);
  await store.deliver(newDelivery(DELIVERY, ['ann@example.test', 'bob@example.test']));
  await store.settings.setLimits(mailbox.id, { storageBytes: 1_000_000 });
  await store.settings.setRights(inbox.id, { granteeId: 2, rights: 'lr' });
  const place = { mailboxId: mailbox.id, folderId: inbox.id, owner: 0 };
  await store.settings.setAnnotations([{ place, values: [{ name: '/comment', value: Buffer.from('a comment') }] }]);
}

async function fillMore(store: StorageGroup): Promise<void> {
  const archive = await store.createFolder(1, 'Archive/2026');
  await store.copy(1, new UidSet().add(1, 2), archive.id);
  await store.changeFlags(1, new UidSet().add(3, 3), { operation: 'add', flags: 8, keywords: [] });
  await store.expunge(1);
  await store.append(archive.id, [newMessage('four '.repeat(2_400))]);
}

/** Packs of one's own, for whoever writes to them. */
export function copyOf(packs: MemoryPacks): MemoryPacks {
  const copy = new MemoryPacks();
  for (const { pack, length } of packs.list()) copy.append(pack, 0, packs.read(pack, 0, length));
  return copy;
}

/** As whoever opens the database is given it. Problem('DatabaseDamaged' | 'BodyDamaged') */
export function servedBy(database: Database, packs: Packs): string {
  const queries = new Queries(database);
  const keeping = new KeepingQueries(database);
  const id = newDelivery(DELIVERY, []).deliveryId;
  const mailboxes = queries
    .mailboxes()
    .map((mailbox) => [
      mailbox,
      queries.mailboxByKey(canonicalAddress(mailbox.address)),
      keeping.quota(mailbox.id),
      queries.subscriptions(mailbox.id),
      keeping.deletedItems(mailbox.id, 100).map((item) => [item, bodyOf(queries, packs, item.bodyId)]),
      keeping.foldersSharedWith(mailbox.id),
      queries
        .folders(mailbox.id)
        .map((folder) => [
          folder,
          queries.folderByName(mailbox.id, folder.name),
          keeping.rights(folder.id),
          keeping.annotations({ mailboxId: mailbox.id, folderId: folder.id, owner: 0 }),
          queries.uids(folder.id).map((uid) => queries.message(folder.id, uid)),
          queries.deletedSum(folder.id),
          queries.messages(folder.id, 1, MAX_UID, 100).map((row) => [row, bodyOf(queries, packs, row.bodyId)]),
        ]),
    ]);
  return JSON.stringify([database.tally, queries.delivery(id), mailboxes]);
}

function bodyOf(queries: Queries, packs: Packs, bodyId: number): unknown {
  const place = queries.bodyPlace(bodyId);
  return [place, queries.structure(bodyId), place && packs.read(place).toString('latin1')];
}
