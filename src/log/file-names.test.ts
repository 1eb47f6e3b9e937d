/** Log files that are written before they have their names. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deferred } from '../base/deferred.ts';
import type { Disk } from './disk.ts';
import { truncateAfter } from './divergence.ts';
import { listLogFiles, settleNames } from './folder.ts';
import { MAX_RECYCLED_FILES, MAX_UNNAMED_FILES } from './limits.ts';
import { closedName, isPreparedName, OPEN_NAME } from './log-file.ts';
import { makeLsn } from './lsn.ts';
import { contents, FOLDER, KIND, type LogWorld, openWorld, payloadOf } from './testing/log-story.ts';
import { MemoryDisk } from './testing/memory-disk.ts';

const RECORD_BYTES = 1_000;

interface HeldWorld extends LogWorld {
  /** From now on a sync of the folder does not come back, but for those that belong to making files. */
  hold: () => void;
  goOn: () => void;
  /** How often the folder was synced. */
  syncs: () => number;
}

async function heldWorld(disk = new MemoryDisk()): Promise<HeldWorld> {
  const gate = deferred<void>();
  let isHeld = false;
  let syncs = 0;
  const syncFolder = async (folder: string): Promise<void> => {
    if (isHeld) await gate.promise;
    syncs += 1;
    await disk.syncFolder(folder);
  };
  const slow = new Proxy<Disk>(disk, {
    get: (target, name) => {
      if (name === 'syncFolder') return syncFolder;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const world = await openWorld(disk, { disk: slow });
  return {
    ...world,
    hold: () => {
      isHeld = true;
    },
    goOn: () => {
      isHeld = false;
      gate.resolve();
    },
    syncs: () => syncs,
  };
}

/** Appends until the log is in a new file, and waits until that is durable. */
async function fillFile({ log }: LogWorld): Promise<void> {
  for (const { generation } = log; log.generation === generation; )
    log.append(KIND, payloadOf(log.endLsn, RECORD_BYTES));
  await log.durable(log.endLsn);
}

async function namesOf(disk: Disk): Promise<string[]> {
  return (await listLogFiles(disk, FOLDER)).map(({ name }) => name);
}

/** The folder's sync hangs while several files are filled: they are durable, and called as they stood ready. */
async function unnamedWorld(): Promise<HeldWorld> {
  const world = await heldWorld();
  world.log.startEpoch(1, KIND, payloadOf(1));
  await fillFile(world);
  world.hold();
  for (let file = 0; file < 4; file++) await fillFile(world);
  return world;
}

test('file names: files begun while the folder is synced: are durable before they are named, and one sync names them all', async () => {
  const world = await unnamedWorld();
  const { log, disk } = world;
  assert.equal(log.durableLsn, log.endLsn);
  assert.ok((await namesOf(disk)).filter(isPreparedName).length >= 3, (await namesOf(disk)).join());
  const records = (await contents(log)).length;
  const before = world.syncs();
  world.goOn();
  await log.close();
  assert.deepEqual(await namesOf(disk), [...Array.from({ length: 5 }, (_, at) => closedName(at + 1)), OPEN_NAME]);
  assert.ok(world.syncs() - before <= 4, `${world.syncs() - before} syncs`);
  assert.equal((await contents((await openWorld(disk)).log)).length, records);
});

test('file names: a sync of the folder that hangs: so many files are begun and no more', async () => {
  const world = await unnamedWorld();
  const { log, disk } = world;
  let begun = 0;
  const filling = (async () => {
    for (; begun < 2 * MAX_UNNAMED_FILES; begun++) await fillFile(world);
  })();
  for (let turn = 0; turn < 2_000; turn++) await Promise.resolve();
  const unnamed = (await namesOf(disk)).filter((name) => name === OPEN_NAME || isPreparedName(name)).length;
  assert.ok(begun < MAX_UNNAMED_FILES && unnamed <= MAX_UNNAMED_FILES + 1, `${unnamed} files without a name`);
  world.goOn();
  await filling;
  await log.close();
  assert.equal((await namesOf(disk)).filter(isPreparedName).length, 0);
});

test('file names: the machine stops with several files unnamed: each is found by its header, whatever names are left', async () => {
  const { log, disk } = await unnamedWorld();
  const { endLsn, generation } = log;
  for (const keep of ['none', 'all'] as const) {
    const found = disk.afterCrashKeeping(() => keep === 'all');
    assert.equal((await listLogFiles(found, FOLDER)).at(-1)?.generation, generation);
    const again = await openWorld(found, { knownDurableLsn: endLsn });
    assert.equal(again.log.endLsn, endLsn);
    assert.ok(again.recovered.finishedRename);
    assert.deepEqual(await namesOf(found), [
      ...Array.from({ length: generation - 1 }, (_, at) => closedName(at + 1)),
      OPEN_NAME,
    ]);
    await again.log.close();
  }
});

test('file names: the machine stops again and again while a recovery names the files: none is lost or replaced', async () => {
  const { log, disk } = await unnamedWorld();
  const stoppedDisk = disk.afterCrashKeeping(() => false);
  const files = stoppedDisk.files();
  const whole = new MemoryDisk(new Map(files));
  await settleNames(whole, FOLDER);
  for (let stop = 0; stop <= whole.steps; stop++) {
    for (let mask = 0; mask < 32; mask++) {
      const again = new MemoryDisk(new Map(files));
      again.stopBefore(stop);
      await Promise.race([settleNames(again, FOLDER), again.stopped]);
      let thing = 0;
      const { log: recovered } = await openWorld(
        again.afterCrashKeeping(() => ((mask >>> thing++) & 1) === 1),
        { knownDurableLsn: log.endLsn },
      );
      assert.equal(recovered.endLsn, log.endLsn, `stop ${stop} mask ${mask}`);
      await recovered.close();
    }
  }
});

test('file names: a log with unnamed files is cut: what lay behind is in quarantine and does not come back', async () => {
  const { disk } = await unnamedWorld();
  const found = disk.afterCrashKeeping(() => false);
  const lsn = makeLsn(1, 2);
  const { quarantined } = await truncateAfter({ disk: found, folder: FOLDER, lsn, quarantineFolder: 'quarantine/1' });
  assert.equal(quarantined.length, 6);
  const { log } = await openWorld(found);
  assert.equal(log.endLsn, lsn);
  await log.close();
});

test('file names: old files go while newer ones are unnamed: never the one by which the others are found', async () => {
  const { log, disk, goOn } = await unnamedWorld();
  await log.removeBelow(log.endLsn);
  const { log: found } = await openWorld(
    disk.afterCrashKeeping(() => false),
    { knownDurableLsn: log.endLsn },
  );
  assert.equal(found.endLsn, log.endLsn);
  await found.close();
  goOn();
  await log.close();
  await openWorld(disk, { knownDurableLsn: log.endLsn });
});

test('file names: many old files go at once: with one sync of the folder, and a second for those that are not kept', async () => {
  const { disk, ...first } = await heldWorld();
  first.log.startEpoch(1, KIND, payloadOf(1));
  for (let file = 0; file < MAX_RECYCLED_FILES + 10; file++) await fillFile({ disk, ...first });
  await first.log.close();
  const { log, syncs } = await heldWorld(disk);
  const before = syncs();
  assert.equal(await log.removeBelow(makeLsn(1, 20)), 6);
  assert.equal(syncs() - before, 1);
  assert.equal(await log.removeBelow(log.endLsn), MAX_RECYCLED_FILES + 10 - 6);
  assert.equal(syncs() - before, 3);
  await log.close();
});
