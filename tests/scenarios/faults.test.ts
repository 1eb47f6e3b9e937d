/** The fault catalogue of docs/invariants.md, row by row: N1 to N11. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../../src/base/random.ts';
import { type Stage, scenario } from '../../src/sim/scenario.ts';
import { swizzle } from '../../src/sim/swizzle.ts';
import { type NoiseKind, WireNoise } from '../../src/sim/wire-noise.ts';

/** Kills each, waits, starts all of them again. */
async function fellAndRaise(
  stage: Stage,
  machines: readonly { start(): void }[],
  fell: (machine: never) => void,
): Promise<void> {
  for (const machine of machines) fell(machine as never);
  await stage.sleep(1_000);
  for (const machine of machines) machine.start();
  await stage.well(15_000);
}

test('N1: kill -9 of the leader, the passive copy, the hub, each pair and all of them, under load: nothing acknowledged is lost', async () => {
  await scenario(async (stage) => {
    const { hub } = stage.cluster;
    stage.startLoad();
    for (let mask = 1; mask < 8; mask++) {
      await stage.sleep(1_000);
      const machines = [stage.active, stage.passive, hub].filter((_machine, index) => (mask & (1 << index)) !== 0);
      await fellAndRaise(stage, machines, (machine: typeof hub) => machine.kill());
    }
  });
});

test('N2: the power goes on one machine after the other and on all at once, under load: what was acknowledged is on the disks', async () => {
  await scenario(async (stage) => {
    const { hub, hosts } = stage.cluster;
    stage.startLoad();
    for (const machines of [[stage.active], [stage.passive], [hub], [...hosts, hub], hosts]) {
      await stage.sleep(1_000);
      await fellAndRaise(stage, machines, (machine: typeof hub) => machine.losePower());
    }
  });
});

test('N3: the leader or the passive copy stands still for 0.1 to 20 seconds, its processes or the whole machine: no stale answer', async () => {
  await scenario(async (stage) => {
    stage.startLoad();
    for (const pausedMs of [100, 1_500, 5_000, 20_000]) {
      for (const role of ['active', 'passive'] as const) {
        const host = stage[role];
        host.pause(role === 'active');
        await stage.sleep(pausedMs);
        host.resume();
        await stage.well(20_000);
      }
    }
  });
});

test('N4: each of the three is cut off from the two others: one side serves, and of the share alone nobody takes notice (L6)', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    await stage.deliver(3);
    stage.cut('share', active.name, passive.name);
    await stage.stays('all is well', () => stage.cluster.isWell(), 10_000);
    stage.heal();
    stage.cut(passive.name, active.name, 'share');
    await stage.deliver(3);
    await stage.inSync([active], 0);
    stage.heal();
    await stage.well(20_000);
    stage.cut(active.name, passive.name, 'share');
    await stage.servesOn(passive, 5_000);
    await stage.deliver(3);
  });
});

test('N5: only the link between the nodes is cut: the leader shrinks the set through the share and goes on, nobody takes over (L3)', async () => {
  await scenario(async (stage) => {
    const { active, passive, cluster } = stage;
    stage.cut(active.name, passive.name);
    const delivery = stage.startDelivery();
    await stage.becomes('the delivery is answered', delivery.isAnswered, 6_000);
    assert.deepEqual(cluster.group?.inSync, [active.name]);
    await stage.stays('the same copy serves', () => active.serving?.epoch === 1, 20_000);
    assert.equal(cluster.activations, 1);
  });
});

test('N6: half of a link is dropped, whichever half: one copy serves, and it does not change to and fro', async () => {
  for (const direction of ['from the leader', 'to the leader'] as const) {
    await scenario(async (stage) => {
      const { active, passive, cluster } = stage;
      const [from, to] =
        direction === 'from the leader' ? [active.name, passive.name] : ([passive.name, active.name] as const);
      cluster.network.cut(from, to);
      await stage.deliver(3);
      await stage.sleep(15_000);
      await stage.deliver(3);
      assert(cluster.activations <= 2, `${direction}: ${cluster.activations} activations`);
    });
  }
});

test('N7: the clients and the hub reach the old leader only, which is cut off: it answers nothing, and nothing acknowledged is lost', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    await stage.send(3);
    stage.cut(active.name, passive.name, 'share');
    for (const who of ['client', 'hub']) stage.cut(who, passive.name);
    const delivery = stage.startDelivery();
    await stage.servesOn(passive, 5_000);
    await stage.stays('the old leader does not answer', () => !delivery.isAnswered(), 10_000);
    await stage.send(2); // the hub stands in with its queue
    assert.equal(stage.cluster.hub.queue?.queuedMessages, 2);
    stage.heal();
    await delivery.ended;
  });
});

test('N8: the link between the nodes flaps for half a minute, then is gone for 43 seconds: one copy leads all the time', async () => {
  await scenario(async (stage) => {
    const { active, passive, cluster } = stage;
    stage.startLoad();
    for (let flap = 0; flap < 12; flap++) {
      stage.cut(active.name, passive.name);
      await stage.sleep(100 + flap * 250);
      stage.heal();
      await stage.sleep(100 + flap * 150);
    }
    stage.cut(active.name, passive.name);
    await stage.sleep(43_000);
    stage.heal();
    await stage.well(20_000);
    assert.equal(cluster.activations, 1);
  });
});

test('N8: swizzle-clogging: some lose their network one after the other and get it back in another order: nothing is lost', async () => {
  for (let seed = 1; seed <= 6; seed++) {
    await scenario(async (stage) => {
      stage.startLoad();
      for (let round = 0; round < 3; round++) {
        const end = swizzle(stage.cluster, new SeededRandom(100 * seed + round));
        await stage.sleep(1_000 * (1 + round));
        end();
        await stage.sleep(4_000);
      }
      await stage.well();
    });
  }
});

test('N9: every way is slow and every connection breaks now and then: mail comes through, once', async () => {
  await scenario(async (stage) => {
    const { network, hosts, hub } = stage.cluster;
    const places = [...hosts.map(({ name }) => name), 'share', 'client', hub.name];
    stage.startLoad();
    for (let round = 0; round < 10; round++) {
      for (const from of places) for (const to of places) if (from !== to) network.slow(from, to, 40 * round);
      await stage.sleep(1_000);
      for (const one of places) for (const other of places) if (one < other) network.breakChannels(one, other);
    }
    stage.heal();
  });
});

/** Between every two of `places`, both ways. */
function disturb(stage: Stage, places: readonly string[], oneIn: number, kinds?: readonly NoiseKind[]): void {
  const { network, random } = stage.cluster;
  for (const from of places)
    for (const to of places) if (from !== to) network.disturb(from, to, new WireNoise(random, oneIn, kinds));
}

test('N9: frames are altered, doubled and overtaken everywhere: each ends its connection, and mail comes through, once', async () => {
  await scenario(
    async (stage) => {
      const { network, hosts, hub } = stage.cluster;
      const places = [...hosts.map(({ name }) => name), 'share', 'client', hub.name];
      stage.startLoad();
      for (const oneIn of [400, 100, 30]) {
        disturb(stage, places, oneIn);
        await stage.sleep(6_000);
      }
      stage.heal();
      assert.ok(network.refusedFrames > 20, `${network.refusedFrames} frames were refused`);
    },
    { networks: ['Private', 'Public'] },
  );
});

test('N9: heartbeats are altered, doubled and late: none of them counts, and no network is given up for it', async () => {
  await scenario(
    async (stage) => {
      const { cluster } = stage;
      disturb(
        stage,
        cluster.hosts.map(({ name }) => name),
        5,
      );
      // Frames of connections meet the same, and break them.
      await stage.sleep(20_000);
      assert.ok(cluster.hosts.some(({ refusedHeartbeats }) => refusedHeartbeats > 10));
      assert.deepEqual(
        cluster.story.lines.filter((line) => line.includes('a network is lost')),
        [],
      );
    },
    { networks: ['Private', 'Public'] },
  );
});

for (const seed of [1, 2, 3, 4, 5]) {
  test(`N9: frames between two copies come twice and out of place, and nobody verifies them (seed ${seed}): the log's own chain does`, async () => {
    await scenario(
      async (stage) => {
        const { hosts } = stage.cluster;
        stage.startLoad();
        disturb(
          stage,
          hosts.map(({ name }) => name),
          50,
          ['doubled', 'overtaken'],
        );
        await stage.sleep(15_000);
        stage.heal();
      },
      { seed, ports: { network: { isUnsealed: true } } },
    );
  });
}

test('N10: the share is lost, slow, emptied, and put back from a backup: the leader stays', async () => {
  await scenario(async (stage) => {
    const { active, passive, cluster } = stage;
    const share = cluster.register.disks[2];
    assert(share !== undefined);
    const backup = share.read('cluster/vote', 0, share.size('cluster/vote') ?? 0);
    stage.startLoad();
    stage.cut('share', active.name, passive.name);
    await stage.sleep(5_000);
    stage.heal();
    for (const host of cluster.hosts) cluster.network.slow(host.name, 'share', 400);
    await stage.sleep(5_000);
    stage.heal();
    share.remove('cluster/vote');
    await stage.sleep(5_000);
    share.create('cluster/vote', backup);
    await stage.sleep(5_000);
    assert.equal(stage.active, active);
    assert.equal(cluster.activations, 1);
  });
});

test('N11: the leader dies while the set is being shrunk: whichever way that ended, only who has everything leads', async () => {
  for (const afterMs of [3_000, 3_900, 4_000, 4_100, 5_000]) {
    await scenario(async (stage) => {
      const { active, passive } = stage;
      stage.cut(active.name, passive.name);
      const delivery = stage.startDelivery();
      await stage.sleep(afterMs);
      active.kill();
      stage.heal();
      const wasAnswered = delivery.isAnswered();
      await stage.sleep(10_000);
      if (wasAnswered) assert.equal(stage.cluster.serving, undefined, 'the other one may lack what was answered');
    });
  }
});

test('N11: the share is lost, then the leader; or both nodes, and only the stale one returns: unavailable, never old data', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    stage.cut('share', active.name, passive.name);
    active.kill();
    await stage.stays('nobody serves', () => stage.cluster.serving === undefined, 10_000);
    stage.heal();
    await stage.servesOn(passive, 5_000);
    await stage.deliver(3);
    assert.deepEqual(stage.cluster.group?.inSync, [passive.name]);
    passive.losePower();
    active.start();
    await stage.stays('the stale one waits', () => stage.cluster.serving === undefined, 20_000);
  });
});
