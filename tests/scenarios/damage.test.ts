/** A disk that gives back something else than it was given: the copy is made whole from the other one, by itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Stage, scenario } from '../../src/sim/scenario.ts';
import { STORAGE_GROUP } from '../../src/sim/simulated-cluster.ts';
import type { SimulatedHost } from '../../src/sim/simulated-host.ts';

const SMALL_FILES = { fileSizeBytes: 12_288 };

/** `rounds`: a database survives a loss of power once it was carried over, which takes some commits. */
async function fill(stage: Stage, rounds = 4): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await stage.deliver(10);
    await stage.sleep(2_000);
  }
}

/** It may lead afterwards with everything: every checker looks at it. */
async function isWholeAgain(stage: Stage, host: SimulatedHost): Promise<void> {
  await stage.sleep(5_000);
  await stage.well(30_000);
  if (stage.active !== host) await stage.move(host);
  await stage.well(10_000);
}

for (const file of ['E0000000001.log', 'E0000000002.log', 'E0000000003.log', 'E00.log']) {
  for (const role of ['passive', 'active'] as const) {
    test(`a bit of ${file} turns over on the ${role} copy: fetched again from the other one, without a seed`, async () => {
      await scenario(async (stage) => {
        await fill(stage);
        const host = stage[role];
        stage.startLoad();
        assert.ok(host.rotLog(file));
        host.start();
        await isWholeAgain(stage, host);
      }, SMALL_FILES);
    });
  }
}

for (const role of ['passive', 'active'] as const) {
  test(`a page of the database is damaged on the ${role} copy: made anew from the other one while that serves`, async () => {
    await scenario(async (stage) => {
      await fill(stage, 40);
      const host = stage[role];
      stage.startLoad();
      assert.ok(host.rotDatabase());
      host.start();
      await isWholeAgain(stage, host);
      const told = stage.cluster.story.lines.filter((line) => line.includes('was made anew'));
      assert.equal(told.length, 1);
    }, SMALL_FILES);
  });
}

test('a page of the database cannot be read on the active copy: it hands over to the one that has everything, and is made anew', async () => {
  await scenario(async (stage) => {
    await fill(stage);
    const { active, passive } = stage;
    stage.startLoad();
    active.failDatabaseRead();
    await stage.servesOn(passive, 10_000);
    await isWholeAgain(stage, active);
    assert.equal(stage.cluster.story.lines.filter((line) => line.includes('was made anew')).length, 1);
  }, SMALL_FILES);
});

test('a page of the database cannot be read once while no other copy is there: the copy goes on serving', async () => {
  await scenario(async (stage) => {
    await fill(stage);
    const { active, passive } = stage;
    passive.kill();
    await stage.deliver(3);
    await stage.inSync([active], 10_000);
    active.failDatabaseRead();
    await stage.deliver(3);
    assert.equal(stage.active, active);
    passive.start();
    await stage.well(30_000);
  });
});

test('a page of the database is damaged while no other copy is there: made anew from the log, which reaches back', async () => {
  await scenario(async (stage) => {
    await fill(stage, 40);
    const { active, passive } = stage;
    passive.kill();
    await stage.deliver(3);
    await stage.inSync([active], 10_000);
    assert.ok(active.rotDatabase());
    active.start();
    await stage.servesOn(active, 30_000);
    await stage.deliver(3);
  });
});

for (const role of ['passive', 'active'] as const) {
  test(`the disk of the ${role} copy is lost and a backup put in its place: it does not lead by itself, and gets what it lacks`, async () => {
    await scenario(async (stage) => {
      await fill(stage, 2);
      const host = stage[role];
      const other = stage.active === host ? stage.passive : stage.active;
      const backup = host.takeBackup();
      assert(backup !== undefined);
      await fill(stage, 2);
      host.restoreCopy(backup);
      host.start();
      await stage.servesOn(other, 10_000);
      await isWholeAgain(stage, host);
      assert.equal(host.view?.restored, false);
    }, SMALL_FILES);
  });
}

test('the only copy left comes from a backup: it waits, says for what, and the other one serves when it is back', async () => {
  await scenario(async (stage) => {
    await fill(stage, 2);
    const { active, passive, cluster } = stage;
    const backup = active.takeBackup();
    assert(backup !== undefined);
    await stage.deliver(3);
    passive.losePower();
    active.restoreCopy(backup);
    active.start();
    await stage.stays('nobody serves', () => cluster.serving === undefined, 20_000);
    const reason = active.service?.status().seats.get(STORAGE_GROUP)?.waitReason ?? '';
    assert.match(reason, /comes from a backup .*Restore-StorageGroupCopy/);
    // The other one holds everything, and comes back before anybody gives up on it.
    passive.start();
    await stage.servesOn(passive, 20_000);
    await isWholeAgain(stage, active);
  }, SMALL_FILES);
});
