/** Machines, processes and disks that fail: cases 1, 4 to 6, 14, 15, 17 and 18 of the protocol. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../../src/base/assert.ts';
import { isPreparedName } from '../../src/log/log-file.ts';
import { replicationLimits } from '../../src/replication/limits.ts';
import { scenario } from '../../src/sim/scenario.ts';

test('case 1: the passive node dies: the active one shrinks the in-sync set through the share and goes on; the other comes back in sync', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    passive.kill();
    await stage.deliver(5);
    await stage.inSync([active], 10_000);
    assert.equal(active.serving?.epoch, 1);
    passive.start();
    await stage.well(10_000);
    await stage.deliver(5);
  });
});

test('case 4: the active node dies while both are in sync: the other one serves within five seconds', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    await stage.deliver(10);
    active.losePower();
    await stage.servesOn(passive, 5_000);
    await stage.deliver(5);
  });
});

test('case 5: the last copy in sync dies: nobody serves until it is back', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    passive.kill();
    await stage.deliver(3);
    await stage.inSync([active], 10_000);
    active.losePower();
    passive.start();
    await stage.stays('nobody serves', () => stage.cluster.serving === undefined, 20_000);
    active.start();
    await stage.servesOn(active, 5_000);
  });
});

test('case 5: the same in async mode: the passive copy serves within the dial, and the loss is on record', async () => {
  await scenario(
    async (stage) => {
      const { active, passive } = stage;
      await stage.deliver(10);
      stage.cut(active.name, passive.name);
      await stage.deliver(3);
      active.losePower();
      stage.heal();
      await stage.servesOn(passive, 8_000);
      assert.equal(stage.cluster.group?.lossy?.cause, 'dial');
      assert.equal(passive.serving?.lossy, true);
    },
    { mode: 'async' },
  );
});

test('case 6: a node that lost the race returns: its tail goes to quarantine and its database needs no seed', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    await stage.deliver(10);
    stage.cut(active.name, passive.name);
    const unanswered = stage.startDelivery();
    await stage.sleep(50);
    assert.equal(unanswered.isAnswered(), false);
    active.losePower();
    stage.heal();
    await stage.servesOn(passive, 8_000);
    active.start();
    await stage.well(10_000);
    assert.notDeepEqual(stage.files(active, 'copy/quarantine'), []);
    await unanswered.ended;
  });
});

test('case 14: the active node is stopped for ten seconds: the other one takes over, and nothing of the first is heard when it wakes', async () => {
  for (const isFrozen of [false, true]) {
    await scenario(async (stage) => {
      const { active, passive } = stage;
      stage.startLoad();
      await stage.sleep(500);
      active.pause(isFrozen);
      await stage.servesOn(passive, 5_000);
      await stage.sleep(10_000);
      active.resume();
      await stage.well(10_000);
      assert.equal(stage.active, passive);
    });
  }
});

test('case 15: the passive disk is slow: commits wait up to the bound, then go on without it, and it joins again', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    passive.disk.slowMs = 60_000;
    const delivery = stage.startDelivery();
    await stage.stays('the commit waits', () => !delivery.isAnswered(), 3_000);
    await stage.becomes('the delivery is answered', delivery.isAnswered, 4_000);
    assert.deepEqual(stage.cluster.group?.inSync, [active.name]);
    passive.disk.slowMs = 0;
    await stage.sleep(61_000);
    await stage.well(10_000);
  });
});

test('case 17: fdatasync fails on the active node: it gives up at once, the other one serves, and the first recovers from its disk', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    await stage.deliver(5);
    active.disk.isFailing = true;
    const delivery = stage.startDelivery();
    await stage.servesOn(passive, 3_000);
    await delivery.ended;
    active.disk.isFailing = false;
    await stage.well(20_000);
  });
});

test('case 17: the next log file cannot be made while nobody writes: the active node gives up all the same, the other one serves', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    active.disk.slowMs = 200;
    const generation = active.view?.generation;
    while (active.view?.generation === generation) await stage.deliver(1);
    active.disk.isFailing = true;
    await stage.sleep(500);
    active.disk.isFailing = false;
    active.disk.slowMs = 0;
    await stage.servesOn(passive, 5_000);
    await stage.well(20_000);
  });
});

test("case 18: a copy's process dies on a healthy host: it is restarted in place, and given up at the second time", async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    await stage.deliver(3);
    active.killCopy('first');
    await stage.servesOn(active, 3_000);
    await stage.well(10_000);
    active.killCopy('second');
    await stage.servesOn(passive, 3_000);
    await stage.well(10_000);
  });
});

test('async: the disk with the passive copy is lost and the active node is away: an empty log is not within the dial', async () => {
  await scenario(
    async (stage) => {
      const { active, passive } = stage;
      await stage.deliver(5);
      passive.loseCopyDisk();
      active.losePower();
      passive.start();
      await stage.stays('nobody serves', () => stage.cluster.serving === undefined, 15_000);
      active.start();
      await stage.servesOn(active, 5_000);
    },
    { mode: 'async' },
  );
});

test('the disk of a copy that is alone is nearly full: it takes no changes, is read all the time, and goes on when there is room', async () => {
  await scenario(async (stage) => {
    const { active, passive, cluster } = stage;
    passive.kill();
    await stage.deliver(3);
    await stage.inSync([active], 10_000);
    active.disk.isNearlyFull = true;
    await stage.sleep(3_000);
    const delivery = stage.startDelivery();
    await stage.stays(
      'nothing is taken, and it serves',
      () => !delivery.isAnswered() && cluster.serving === active,
      10_000,
    );
    assert.equal((await stage.look()).messages.length, 3);
    active.disk.isNearlyFull = false;
    await stage.becomes('the message is taken', () => delivery.isAnswered(), 5_000);
    assert.equal(active.serving?.epoch, 1);
    passive.start();
    await stage.well(10_000);
  });
});

test('the disk of the active copy was full and has room again: it goes on in its next log file and hands nothing over (L4)', async () => {
  await scenario(
    async (stage) => {
      const { active } = stage;
      const hasFileAhead = (): boolean => stage.files(active, 'copy/log').some(isPreparedName);
      const generation = (): number => active.view?.generation ?? 0;
      active.disk.isFull = true;
      for (let messages = 0; hasFileAhead(); messages++) {
        assert.ok(messages < 500, 'What was made ahead is used up');
        await stage.deliver();
      }
      active.disk.isFull = false;
      await stage.sleep(replicationLimits.databaseCommitIntervalMs + 100);
      const before = generation();
      while (generation() === before) await stage.deliver();
      assert.equal(active.serving?.epoch, 1);
    },
    { fileSizeBytes: 3 * 4_096 },
  );
});

test('the disk of the active copy is nearly full and another one has everything: it hands over, and changes are taken as ever', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    active.disk.isNearlyFull = true;
    await stage.sleep(3_000);
    await stage.deliver(5);
    await stage.send(5);
    assert.equal(stage.active, passive);
    assert.match(active.view?.failedMessage ?? '', /the disk is nearly full/);
    active.disk.isNearlyFull = false;
    await stage.well(10_000);
    assert.equal(stage.active, passive, 'It is not handed back');
  });
});

test('the disk of a passive copy is nearly full: it lets go, the active one goes on alone, and it is back when there is room', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    passive.disk.isNearlyFull = true;
    await stage.sleep(1_500);
    const { endLsn } = present(passive.view, 'It is up');
    await stage.deliver(5);
    await stage.inSync([active], 1_000);
    assert.equal(passive.view?.endLsn, endLsn);
    passive.disk.isNearlyFull = false;
    await stage.well(10_000);
    assert.equal(active.serving?.epoch, 1);
  });
});

test('the disks of both copies run full at the same time: changes are taken no more, mail is read all the time, and nobody hands over', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    await stage.deliver(3);
    for (const { disk } of [active, passive]) disk.isNearlyFull = true;
    await stage.sleep(3_000);
    const delivery = stage.startDelivery();
    const isReadOnly = (): boolean => !delivery.isAnswered() && stage.cluster.serving === active;
    await stage.stays('nothing is taken, and it serves', isReadOnly, 10_000);
    assert.equal((await stage.look()).messages.length, 3);
    for (const { disk } of [active, passive]) disk.isNearlyFull = false;
    await stage.becomes('the message is taken', () => delivery.isAnswered(), 5_000);
    await stage.well(10_000);
    assert.equal(active.serving?.epoch, 1);
  });
});
