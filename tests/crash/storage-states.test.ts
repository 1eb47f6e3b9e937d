/**
 * The machine stops at every step of a checkpoint, of a release of log files, of a defragmentation and of a seed's
 * exchange, and comes up with legal remainders of what was not synced. However it comes up, every message that was
 * acknowledged is there, byte for byte, and the copy goes on.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { MemoryDisk } from '../../src/log/testing/memory-disk.ts';
import { finishSeed, SeedPlace } from '../../src/replication/seed-place.ts';
import { assertServes, beginWork } from '../support/acknowledged-mail.ts';
import { StopEverywhere } from '../support/stop-everywhere.ts';

const STATES_PER_STOP = 150;
const LEAST_STATES = 5_000;

const stops = new StopEverywhere(STATES_PER_STOP);

after(() => {
  console.log(`storage: ${stops.states} different crash states, each recovered`);
  assert.ok(stops.states >= LEAST_STATES, `only ${stops.states} crash states`);
});

test('crash: commits, checkpoints and released log files: every acknowledged message is there, at every stop', async () => {
  await stops.run({
    begin: () => new MemoryDisk(),
    run: async (disk, promised) => {
      const { storage, work } = await beginWork(disk, promised);
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
      const { storage, work } = await beginWork(disk, promised);
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
