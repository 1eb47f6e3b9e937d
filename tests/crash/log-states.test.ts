/**
 * The machine stops at every step that the log makes on its disk, and comes up with every legal remainder of what was
 * not synced. However it comes up, everything that was promised is there, and the log goes on from it.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { truncateAfter } from '../../src/log/divergence.ts';
import { makeLsn, numberOf } from '../../src/log/lsn.ts';
import { crashStates } from '../../src/log/testing/crash-states.ts';
import { assertRecovers, type Promised, standardLoad } from '../../src/log/testing/crash-story.ts';
import { contents, FOLDER, KIND, openWorld, payloadOf, writtenWorld } from '../../src/log/testing/log-story.ts';
import { MemoryDisk } from '../../src/log/testing/memory-disk.ts';
import { StopEverywhere } from '../support/stop-everywhere.ts';

const LEAST_STATES = 20_000;
/** What a log may keep of the records that were released: a stop may come before their files go. */
const KEPT_RECORDS = 12;

/** Seeds of loads, and how many records they have under way. */
const LOADS = Array.from({ length: 16 }, (_, seed) => [seed, 2 + (seed % 15)] as const);

const stops = new StopEverywhere();

after(() => {
  console.log(`log: ${stops.states} different crash states, each recovered`);
  assert.ok(stops.states >= LEAST_STATES, `only ${stops.states} crash states`);
});

test('crash: records, new files and a new epoch: all that was promised is there, at every stop', async () => {
  for (const [seed, underWay] of LOADS) {
    await stops.run({
      begin: () => new MemoryDisk(),
      run: (disk, promised) => standardLoad(disk, promised, { seed, underWay }),
      check: assertRecovers,
    });
  }
});

test('crash: old files are released and written again: nothing behind the release is lost, nothing old comes back', async () => {
  for (const atOnce of [3, 5, 7, 9, 15]) {
    await stops.run({
      begin: () => new MemoryDisk(),
      run: (disk, promised) => releasingLoad(disk, promised, atOnce),
      check: assertRest,
    });
  }
});

async function releasingLoad(disk: MemoryDisk, promised: Promised, atOnce: number): Promise<void> {
  const { log, device } = await openWorld(disk);
  log.startEpoch(1, KIND, payloadOf(1));
  for (let number = 2; number <= 120; number++) {
    const { lsn } = log.append(KIND, payloadOf(number));
    if (number % atOnce !== 0) continue;
    await log.durable(lsn);
    promised.lsn = lsn;
    if (number % (2 * atOnce) === 0) await log.removeBelow(lsn - KEPT_RECORDS);
  }
  assert.ok(device.preparedFiles < log.generation, 'Files were written again');
  await log.close();
}

/** The log holds an unbroken run of the story's records, from what was not released up to what was promised. */
async function assertRest(state: MemoryDisk, { lsn }: Promised, label: string): Promise<void> {
  const { log } = await openWorld(state, { knownDurableLsn: lsn }).catch((error: unknown) => {
    throw new Error(label, { cause: error });
  });
  assert.ok(log.endLsn >= lsn, label);
  assert.ok(log.firstReadableLsn <= lsn, label);
  let next = log.firstReadableLsn === 0 ? makeLsn(1, 1) : log.firstReadableLsn + 1;
  for (const record of await contents(log)) {
    assert.equal(record.lsn, next, label);
    assert.ok(record.payload.equals(payloadOf(numberOf(record.lsn))), label);
    next += 1;
  }
  if (log.endLsn > 0) {
    log.append(KIND, payloadOf(numberOf(log.endLsn) + 1));
    await log.durable(log.endLsn);
  }
  await log.close();
}

test('crash: a tail is put aside and cut off: it is whole in the log or in quarantine, and the cut is done or not begun', async () => {
  const files = (await writtenWorld(40)).files();
  for (const lastKept of [1, 13, 27, 39]) {
    await stops.run({
      begin: () => new MemoryDisk(new Map(files)),
      run: (disk) => cutBehind(disk, lastKept),
      check: async (state, _promised, label) => {
        await assertCut(state, lastKept, label);
      },
    });
  }
});

async function cutBehind(disk: MemoryDisk, number: number): Promise<void> {
  await truncateAfter({ disk, folder: FOLDER, lsn: makeLsn(1, number), quarantineFolder: 'quarantine/1' });
  const { log } = await openWorld(disk);
  log.startEpoch(2, KIND, payloadOf(1));
  await log.close();
}

async function assertCut(state: MemoryDisk, lastKept: number, label: string): Promise<void> {
  const { log } = await openWorld(state);
  const first = (await contents(log)).filter((record) => record.lsn < makeLsn(2, 0));
  assert.ok(first.length === 40 || first.length === lastKept, `${label}: ${first.length} records`);
  await log.close();
}

test('crash: a machine that stops again while it recovers: is as well off as after the first stop', async () => {
  for (let first = 30; first < 230; first += 20) {
    const promised = { lsn: 0, count: 0 };
    const disk = new MemoryDisk();
    disk.stopBefore(first);
    await Promise.race([standardLoad(disk, promised), disk.stopped]);
    for (const state of [...crashStates(disk, first)].slice(0, 4)) {
      const files = state.files();
      await stops.run({
        begin: () => new MemoryDisk(new Map(files)),
        run: async (again, shown) => {
          Object.assign(shown, promised);
          await (await openWorld(again, { knownDurableLsn: promised.lsn })).log.close();
        },
        check: assertRecovers,
      });
    }
  }
});
