/** A copy that has to be made anew. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scenario } from '../../src/sim/scenario.ts';

test('the disk with a copy is lost when the first log files are long gone: it says that it needs a seed, gets one under load, and may lead', async () => {
  await scenario(
    async (stage) => {
      const { active, passive } = stage;
      const isFirstGone = (): boolean => {
        const names = stage.files(active, 'copy/log');
        return names.some((name) => /^E00[0-9a-f]{8}\.log$/.test(name)) && !names.includes('E0000000001.log');
      };
      for (let round = 0; round < 100 && !isFirstGone(); round++) {
        await stage.deliver(20);
        await stage.sleep(3_000);
      }
      assert(isFirstGone(), 'the first log file is removed when nobody needs it');
      passive.loseCopyDisk();
      passive.start();
      const needsSeed = (): boolean => passive.view?.failedMessage?.includes('Seed') ?? false;
      await stage.becomes('it says what it needs', needsSeed, 10_000);
      stage.startLoad();
      await passive.seed(active);
      await stage.well(20_000);
      await stage.move(passive);
      await stage.well(5_000);
    },
    { circularLogging: true, fileSizeBytes: 12_288 },
  );
});

test('a seeded copy is moved to and nobody writes: what a client sees waits for the record that begins the epoch', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    await stage.deliver(20);
    passive.loseCopyDisk();
    passive.start();
    await stage.sleep(1_000);
    await passive.seed(active);
    await stage.sleep(1_000);
    await stage.well(20_000);
    await stage.move(passive);
    await stage.servesOn(passive, 5_000);
    const { endLsn } = passive.view ?? {};
    assert.equal(passive.database?.appliedLsn, endLsn, 'the database holds all of the log');
    await stage.look();
    await stage.well(5_000);
  });
});

test('a new copy has no room for its database when the first records come: it follows when there is room, without a seed', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    passive.loseCopyDisk();
    stage.cut(active.name, passive.name);
    passive.start();
    await stage.sleep(2_000);
    passive.disk.isFull = true;
    stage.heal();
    await stage.deliver(3);
    await stage.sleep(5_000);
    passive.disk.isFull = false;
    await stage.well(20_000);
    await stage.move(passive);
  });
});
