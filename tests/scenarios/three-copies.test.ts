/** Case 19 of the protocol: three copies on three nodes, a majority of whose disks is the register. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scenario } from '../../src/sim/scenario.ts';

const nodes = ['node1', 'node2', 'node3'];

test('case 19: three copies, one is slow: commits go on without it, it may not lead, and it joins again', async () => {
  await scenario(
    async (stage) => {
      const { active, cluster } = stage;
      const [quick, slow] = cluster.hosts.filter((host) => host !== active);
      assert(quick !== undefined && slow !== undefined);
      await stage.send(3);
      slow.disk.slowMs = 8_000;
      await stage.send(3);
      await stage.inSync([active, quick], 10_000);
      active.losePower();
      slow.disk.slowMs = 0;
      await stage.servesOn(quick, 20_000);
      await stage.send(3);
      active.start();
      await stage.sleep(10_000);
      await stage.well(20_000);
      await stage.inSync(cluster.hosts, 0);
    },
    { nodes },
  );
});

test('case 19: the leader of three dies: one of the two that hold everything leads, the third follows it', async () => {
  await scenario(
    async (stage) => {
      const { active, cluster } = stage;
      await stage.send(5);
      active.losePower();
      await stage.becomes('another one serves', () => cluster.serving !== undefined, 8_000);
      await stage.send(3);
      assert.equal((await stage.look()).messages.length, 8);
      assert.equal(cluster.group?.inSync.includes(active.name), false);
    },
    { nodes },
  );
});
