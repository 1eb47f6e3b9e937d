/** Networks that are cut: cases 2, 3, 12 and 13 of the protocol. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CopyRequests } from '../../src/cluster/copy-control.ts';
import { altered } from '../../src/sim/planted-bugs/planted-bug.ts';
import { scenario } from '../../src/sim/scenario.ts';

test('case 2: the link between the nodes is cut, both see the share: one of them serves, and it stays that one', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    stage.startLoad();
    await stage.sleep(500);
    stage.cut(active.name, passive.name);
    await stage.inSync([active], 10_000);
    await stage.stays('the same copy serves', () => active.serving?.epoch === 1, 20_000);
    stage.heal();
    await stage.well(20_000);
    assert.equal(stage.cluster.group?.epoch, 1);
  });
});

test('case 2: the set has shrunk and the answer is lost: the copy that is back in time joins it again', async () => {
  const ports = {
    wrapRequests: (requests: CopyRequests) =>
      altered(requests, {
        requestShrink: async (storageGroup, epoch, inSync) => {
          await requests.requestShrink(storageGroup, epoch, inSync);
          // Asked once more, so that the register's own word passes while the question is still open.
          await requests.requestShrink(storageGroup, epoch, inSync);
          return 'unknown';
        },
      }),
  };
  await scenario(
    async (stage) => {
      const { active, passive } = stage;
      stage.startLoad();
      await stage.sleep(500);
      stage.cut(active.name, passive.name);
      await stage.inSync([active], 10_000);
      stage.heal();
      await stage.inSync([active, passive], 10_000);
    },
    { ports },
  );
});

test('case 3: the active node is cut off from everybody but its clients: it stops answering, and the other one serves', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    stage.startLoad();
    await stage.sleep(500);
    stage.cut(active.name, passive.name, 'share');
    await stage.servesOn(passive, 5_000);
    await stage.sleep(10_000);
    stage.heal();
    await stage.well(20_000);
    assert.equal(stage.active, passive);
  });
});

test('case 3 by half: the active node hears and is not heard: nobody else serves beside it', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    stage.startLoad();
    await stage.sleep(500);
    for (const other of [passive.name, 'share']) stage.cluster.network.cut(active.name, other);
    await stage.servesOn(passive, 8_000);
    stage.heal();
    await stage.well(20_000);
  });
});

test('case 12: the share is lost: nobody notices; the passive node too: the active one stops answering', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    stage.cut('share', active.name, passive.name);
    await stage.deliver(5);
    await stage.stays('all is well', () => stage.cluster.isWell(), 10_000);
    passive.kill();
    const delivery = stage.startDelivery();
    await stage.stays('the delivery is not answered', () => !delivery.isAnswered(), 10_000);
    passive.start();
    await stage.becomes('the delivery is answered', delivery.isAnswered, 10_000);
  });
});

test('case 13: the share comes back from an old backup, or empty: its vote does not count', async () => {
  for (const isEmpty of [false, true]) {
    await scenario(async (stage) => {
      const { active, passive, cluster } = stage;
      const share = cluster.register.disks[2];
      assert(share !== undefined);
      const backup = share.read('cluster/vote', 0, share.size('cluster/vote') ?? 0);
      await stage.sleep(2_000);
      stage.startLoad();
      if (isEmpty) share.remove('cluster/vote');
      else share.create('cluster/vote', backup);
      await stage.stays('all is well', () => cluster.isWell(), 5_000);
      passive.kill();
      await stage.sleep(2_000);
      const delivery = stage.startDelivery();
      await stage.stays('nobody answers without two votes', () => !delivery.isAnswered(), 10_000);
      passive.start();
      await stage.servesOn(active, 10_000);
      await delivery.ended;
    });
  }
});
