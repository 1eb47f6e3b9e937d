/** Everything stops, and comes back in this order or that: cases 7 to 9 and 11 of the protocol. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scenario } from '../../src/sim/scenario.ts';
import { STORAGE_GROUP } from '../../src/sim/simulated-cluster.ts';

test('case 7: one node returns alone, without share and partner: it waits', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    await stage.deliver(3);
    active.losePower();
    passive.losePower();
    stage.cut('share', active.name, passive.name);
    active.start();
    await stage.stays('nobody serves', () => stage.cluster.serving === undefined, 10_000);
  });
});

test('case 8: everything stops, the former active node is first: it serves alone', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    await stage.deliver(10);
    for (const host of [active, passive]) host.losePower();
    active.start();
    await stage.servesOn(active, 5_000);
    await stage.deliver(3);
    assert.deepEqual(stage.cluster.group?.inSync, [active.name]);
    passive.start();
    await stage.well(10_000);
  });
});

test('case 9: everything stops, the former passive node is first: it takes over after the grace', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    await stage.deliver(10);
    for (const host of [active, passive]) host.losePower();
    passive.start();
    await stage.servesOn(passive, 6_000);
    await stage.deliver(3);
    active.start();
    await stage.well(10_000);
  });
});

test('case 11: partition in time: the copy that missed changes does not serve them away', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    passive.kill();
    await stage.deliver(5);
    active.kill();
    passive.start();
    await stage.stays('nobody serves', () => stage.cluster.serving === undefined, 20_000);
    active.start();
    await stage.servesOn(active, 5_000);
    await stage.well(10_000);
  });
});

test('kill -9 of everything under load: what was acknowledged is there, one copy serves, both are in sync', async () => {
  await scenario(async (stage) => {
    stage.startLoad();
    await stage.sleep(2_000);
    for (const host of stage.cluster.hosts) host.kill();
    await stage.sleep(1_000);
    for (const host of stage.cluster.hosts) host.start();
    await stage.well(10_000);
  });
});

test('both come back with full disks: neither copy can be opened, and both can when there is room again', async () => {
  await scenario(async (stage) => {
    const { active, passive, cluster } = stage;
    await stage.deliver(3);
    for (const host of [active, passive]) {
      host.losePower();
      host.disk.isFull = true;
      host.start();
    }
    await stage.stays('nobody serves', () => cluster.serving === undefined, 10_000);
    assert.equal(cluster.statusOf(passive), 'Failed');
    for (const host of [active, passive]) host.disk.isFull = false;
    await stage.well(15_000);
  });
});

test('the passive node goes and comes back while no mail flows: both are Healthy again without any', async () => {
  await scenario(async (stage) => {
    const { passive, cluster } = stage;
    passive.losePower();
    await stage.sleep(30_000);
    assert.equal(cluster.statusOf(passive), 'ServiceDown');
    passive.start();
    await stage.well(5_000);
    assert.equal(cluster.history.operations.length, 0);
  });
});

test('the former active node comes back while no mail flows: both are Healthy again without any', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    active.losePower();
    await stage.servesOn(passive, 5_000);
    active.start();
    await stage.well(10_000);
  });
});

test('the disk with the passive copy is lost: the copy is taken out of the in-sync set although no mail flows, and joins again', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    await stage.deliver(20);
    await stage.sleep(3_000);
    stage.cluster.network.slow(active.name, passive.name, 2_000);
    passive.loseCopyDisk();
    passive.start();
    await stage.inSync([active], 10_000);
    stage.heal();
    await stage.well(20_000);
  });
});

test('the disk with the active copy is lost: the other one serves, and the new disk is filled from it', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    await stage.deliver(20);
    await stage.sleep(3_000);
    active.loseCopyDisk();
    await stage.servesOn(passive, 5_000);
    active.start();
    await stage.well(20_000);
    await stage.deliver(3);
  });
});

test('the disk with the active copy is lost and its node is the first to return: it gives up, for it is not what it was', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    await stage.deliver(20);
    await stage.sleep(3_000);
    passive.losePower();
    active.loseCopyDisk();
    active.start();
    await stage.stays('nobody serves', () => stage.cluster.serving === undefined, 15_000);
    passive.start();
    await stage.servesOn(passive, 10_000);
  });
});

test('case 10: the last copy in sync comes back with a damaged log: it does not serve what is left, and an administrator decides', async () => {
  await scenario(
    async (stage) => {
      const { active, passive } = stage;
      for (let round = 0; round < 20; round++) await stage.deliver(10);
      passive.kill();
      for (let round = 0; round < 10; round++) await stage.deliver(10);
      await stage.inSync([active], 0);
      assert(active.rotLog(), 'there is a closed log file');
      passive.start();
      active.start();
      await stage.stays('nobody serves', () => stage.cluster.serving === undefined, 20_000);
      const answer = await passive.service?.force(STORAGE_GROUP);
      assert.equal(answer?.kind, 'moved');
      await stage.servesOn(passive, 5_000);
      assert.equal(stage.cluster.group?.lossy?.cause, 'administrator');
    },
    { fileSizeBytes: 12_288 },
  );
});

for (const laterMs of [0, 20, 60]) {
  test(`the old owner wakes ${laterMs} ms after the new one's copy began anew: it is refused, and nothing is cut for its sake`, async () => {
    await scenario(async (stage) => {
      const { active: old, passive: owner } = stage;
      await stage.deliver(3);
      old.pause(false);
      await stage.servesOn(owner, 10_000);
      await stage.deliver(5);
      owner.killCopy('before the old owner wakes');
      await stage.becomes('its copy is there again', () => owner.liveView?.state === 'passive', 5_000);
      await stage.sleep(laterMs);
      old.resume();
      await stage.well(20_000);
      assert.deepEqual(stage.files(owner, 'copy/quarantine'), []);
    });
  });
}

test('S2: a copy is killed while it stores an epoch: what it finds at its next start is made durable before it counts', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    const epochFile = 'copy/epoch.json';
    const before = passive.disk.stampOf(epochFile);
    passive.disk.slowMs = 1_000;
    active.killCopy('for a new epoch');
    await stage.becomes('a new one is in its place', () => passive.disk.stampOf(epochFile) !== before, 20_000);
    passive.killCopy('before it is synced');
    passive.disk.slowMs = 0;
    assert.notEqual(passive.disk.durableStampOf(epochFile), passive.disk.stampOf(epochFile));
    await stage.becomes('it is open again', () => passive.liveView?.state === 'passive', 20_000);
    assert.equal(passive.disk.durableStampOf(epochFile), passive.disk.stampOf(epochFile));
    await stage.well(20_000);
  });
});
