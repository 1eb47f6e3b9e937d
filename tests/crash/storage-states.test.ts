/**
 * The machine stops at every step of a checkpoint, of a release of log files, of a defragmentation and of a seed's
 * exchange, and comes up with legal remainders of what was not synced. However it comes up, every message that was
 * acknowledged is there, byte for byte, and the copy goes on.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Promised } from '../../src/log/testing/crash-story.ts';
import { MemoryDisk } from '../../src/log/testing/memory-disk.ts';
import { UidSet } from '../../src/mail/uid-set.ts';
import { finishSeed, SeedPlace } from '../../src/replication/seed-place.ts';
import { makeMailbox, newDelivery, newMessage } from '../../src/store/testing/store-world.ts';
import { StopEverywhere } from '../support/stop-everywhere.ts';
import { StorageOnMemoryDisk } from '../support/storage-on-memory-disk.ts';

const STATES_PER_STOP = 32;
const LEAST_STATES = 1_500;
const ADDRESS = 'jo@example.test';

const stops = new StopEverywhere(STATES_PER_STOP);

after(() => {
  console.log(`storage: ${stops.states} different crash states, each recovered`);
  assert.ok(stops.states >= LEAST_STATES, `only ${stops.states} crash states`);
});

const bodyOf = (number: number): Buffer =>
  Buffer.from(`From: a@example.test\r\nSubject: ${number}\r\n\r\n${`number ${number} `.repeat(50)}\r\n`);

class Work {
  readonly #storage: StorageOnMemoryDisk;
  readonly #promised: Promised;
  #delivered = 0;

  constructor(storage: StorageOnMemoryDisk, promised: Promised) {
    this.#storage = storage;
    this.#promised = promised;
  }

  async deliver(count: number): Promise<void> {
    const { store, log } = this.#storage;
    for (let number = this.#delivered + 1; number <= this.#delivered + count; number++) {
      await store.deliver(newDelivery(number, [ADDRESS], { bytes: bodyOf(number) }));
      await store.settled();
      Object.assign(this.#promised, { lsn: log.endLsn, count: number });
    }
    this.#delivered += count;
  }

  /** Messages that nobody counts come and go, so that packs have room in them. */
  async waste(): Promise<void> {
    const { store } = this.#storage;
    const { uids } = await store.append(2, [newMessage('x'.repeat(900)), newMessage('y'.repeat(900))]);
    await store.changeFlags(2, UidSet.of(uids), { operation: 'add', flags: 8, keywords: [] });
    await store.expunge(2);
  }
}

async function begin(disk: MemoryDisk, promised: Promised): Promise<{ storage: StorageOnMemoryDisk; work: Work }> {
  const storage = await StorageOnMemoryDisk.open(disk, 1, 0);
  await storage.replay();
  const { mailbox } = await makeMailbox(storage.store, ADDRESS);
  await storage.store.settings.setLimits(mailbox.id, { retentionMs: 0 });
  return { storage, work: new Work(storage, promised) };
}

/** Everything acknowledged is there, and the copy takes more. */
async function assertServes(state: MemoryDisk, { lsn, count }: Promised, label: string): Promise<void> {
  try {
    const storage = await StorageOnMemoryDisk.open(state, 7, lsn);
    await storage.replay();
    assertHas(storage, count);
    if (count > 0) {
      await storage.store.deliver(newDelivery(1_000, [ADDRESS], { bytes: bodyOf(1_000) }));
      await storage.commit(true);
      await storage.close();
      const again = await StorageOnMemoryDisk.open(state, 8, lsn);
      await again.replay();
      assertHas(again, count);
      again.assertAgrees(label);
      await again.close();
    } else await storage.close();
  } catch (error) {
    throw new Error(label, { cause: error });
  }
}

function assertHas({ store }: StorageOnMemoryDisk, count: number): void {
  if (count === 0) return;
  const rows = store.messages(1, 1, 1_000_000, 1_000);
  assert.deepEqual(
    store.uids(1),
    rows.map(({ uid }) => uid),
  );
  for (let number = 1; number <= count; number++) {
    const row = rows[number - 1];
    assert.ok(row !== undefined && store.body(row.bodyId).equals(bodyOf(number)), `message ${number}`);
  }
}

test('crash: commits, checkpoints and released log files: every acknowledged message is there, at every stop', async () => {
  await stops.run({
    begin: () => new MemoryDisk(),
    run: async (disk, promised) => {
      const { storage, work } = await begin(disk, promised);
      for (const withCheckpoint of [false, true, false, false, true]) {
        await work.deliver(2);
        await storage.commit(withCheckpoint);
      }
      await work.deliver(1);
    },
    check: assertServes,
  });
});

test('crash: packs are emptied and go: no body goes with them, at every stop', async () => {
  await stops.run({
    begin: () => new MemoryDisk(),
    run: async (disk, promised) => {
      const { storage, work } = await begin(disk, promised);
      for (let round = 0; round < 3; round++) {
        await work.deliver(1);
        await work.waste();
      }
      await storage.commit(true);
      for (const pack of [1, 2]) {
        await storage.empty(pack);
        await work.deliver(1);
        await storage.commit(pack === 2);
      }
      await storage.commit(true);
    },
    check: assertServes,
  });
});

const OLD = ['database.sqlite', 'database.sqlite-wal', 'packs/00000001.pack', 'packs/00000002.pack', 'log/E00.log'];
const NEW = ['database.sqlite', 'packs/00000001.pack', 'seeded.json'];

test('crash: a seed takes the place of the old files: all of it or nothing, at every stop', async () => {
  const files = ['database.sqlite', 'packs/00000001.pack'].map((name) => ({ name, sizeBytes: 700 }));
  const manifest = { lsn: 4_294_967_300, signature: '07'.repeat(16), files, ends: [] };
  await stops.run({
    begin: () => new MemoryDisk(new Map(OLD.map((name) => [name, Buffer.from(`old ${name}`)]))),
    run: async (disk) => {
      const place = new SeedPlace(disk);
      await place.begin(manifest);
      for (const file of files) {
        await place.write(file.name, 0, Buffer.alloc(700, `new ${file.name} `));
        await place.finish(file);
      }
      await place.install(manifest, { keep: false, surplus: [] });
    },
    check: async (state, _promised, label) => {
      await finishSeed(state);
      const found = [...state.files()].filter(([name]) => !name.startsWith('seeding/'));
      const isNew = found.some(([name]) => name === 'seeded.json');
      assert.deepEqual(found.map(([name]) => name).sort(), (isNew ? NEW : OLD).toSorted(), label);
      for (const [name, bytes] of found) {
        const wanted = isNew ? Buffer.alloc(700, `new ${name} `) : Buffer.from(`old ${name}`);
        if (name !== 'seeded.json') assert.ok(bytes.equals(wanted), `${label}: ${name}`);
      }
    },
  });
});
