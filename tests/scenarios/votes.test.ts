/** The set of votes changes while hosts die and links are cut (cluster/vote-set.ts). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AcceptorPlace } from '../../src/cluster/acceptor-places.ts';
import { type Stage, scenario } from '../../src/sim/scenario.ts';
import type { SimulatedHost } from '../../src/sim/simulated-host.ts';

const MOVING = { movesVotes: true };

function withWitness(stage: Stage, name: string): readonly AcceptorPlace[] {
  const nodes = stage.cluster.hosts.map((host): AcceptorPlace => ({ kind: 'host', name: host.name }));
  return [...nodes, { kind: 'process', name }];
}

function votesOn({ acceptorSet }: SimulatedHost): string {
  return acceptorSet?.places.map(({ name }) => name).join() ?? '';
}

test('votes: the witness is replaced under load: nobody sees an error, the old one may go, and the new one settles a failover', async () => {
  await scenario(async (stage) => {
    const { active, passive, cluster } = stage;
    stage.startLoad();
    await active.acceptorSet?.changePlaces(withWitness(stage, cluster.spareVote));
    await stage.becomes('both know it', () => votesOn(passive) === votesOn(active), 5_000);
    assert.equal(votesOn(active), 'node1,node2,share2');
    await stage.stopLoad();
    assert.deepEqual([...new Set(cluster.history.operations.map(({ outcome }) => outcome))], ['acknowledged']);
    stage.cut(cluster.share, active.name, passive.name);
    active.losePower();
    await stage.servesOn(passive, 10_000);
    await stage.deliver(3);
  }, MOVING);
});

for (const afterMs of [1, 3, 5, 8, 12, 20]) {
  test(`votes: the host that replaces the witness dies after ${afterMs} ms: whatever was decided, the other one serves, and it can be given again`, async () => {
    await scenario(async (stage) => {
      const { active, passive, cluster } = stage;
      await stage.deliver(3);
      active.acceptorSet?.changePlaces(withWitness(stage, cluster.spareVote)).catch(() => undefined);
      await stage.sleep(afterMs);
      active.losePower();
      await stage.servesOn(passive, 15_000);
      await stage.deliver(3);
      active.start();
      await stage.well();
      const wanted = withWitness(stage, cluster.spareVote);
      if (!votesOn(passive).includes(cluster.spareVote)) await passive.acceptorSet?.changePlaces(wanted);
      await stage.becomes(
        'both know it',
        () => [active, passive].every((host) => votesOn(host).includes('share2')),
        5_000,
      );
    }, MOVING);
  });
}

test('votes: the old witness and a host that was cut off while it was replaced decide nothing together', async () => {
  await scenario(async (stage) => {
    const { active, passive, cluster } = stage;
    await stage.deliver(3);
    stage.cut(passive.name, active.name, cluster.share, cluster.spareVote);
    await stage.deliver(1);
    await active.acceptorSet?.changePlaces(withWitness(stage, cluster.spareVote));
    stage.cut(active.name, cluster.share, passive.name);
    cluster.network.heal(passive.name, cluster.share);
    cluster.network.heal(cluster.share, passive.name);
    await stage.stays('the active one serves', () => cluster.serving === active, 15_000);
    await stage.deliver(3);
  }, MOVING);
});
