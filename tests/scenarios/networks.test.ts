/** Several networks between the nodes: what the loss of one, of the other, of all comes to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Stage, scenario } from '../../src/sim/scenario.ts';

const two = { networks: ['Private', 'Public'] } as const;

function cutNetwork(stage: Stage, network: string): void {
  stage.cluster.story.tell('network', `${network} is lost`);
  stage.cluster.network.cutNetwork(network, 'node1', 'node2');
}

function healNetwork(stage: Stage, network: string): void {
  stage.cluster.story.tell('network', `${network} is back`);
  stage.cluster.network.healNetwork(network, 'node1', 'node2');
}

/** A message every 200 ms or so, until it is told to end. */
function steadyMail(stage: Stage): () => Promise<void> {
  let isOver = false;
  const work = async (): Promise<void> => {
    while (!isOver) {
      await stage.deliver();
      await stage.sleep(200);
    }
  };
  const ended = work();
  return () => {
    isOver = true;
    return ended;
  };
}

/** Every operation was answered, and none waited longer. */
function assertServed(stage: Stage, mostMs: number): void {
  const { operations } = stage.cluster.history;
  assert.deepEqual([...new Set(operations.map(({ outcome }) => outcome))], ['acknowledged']);
  const waitedMs = operations.map(({ startedMs, endedMs }) => (endedMs ?? Number.POSITIVE_INFINITY) - startedMs);
  assert(Math.max(...waitedMs) <= mostMs, `the longest wait was ${Math.max(...waitedMs)} ms`);
}

for (const network of two.networks) {
  test(`networks: ${network} is lost under load: no failover, every delivery is answered, both are in sync again over the other`, async () => {
    await scenario(async (stage) => {
      const { active } = stage;
      const activations = stage.cluster.activations;
      const endMail = steadyMail(stage);
      await stage.sleep(1_000);
      cutNetwork(stage, network);
      await stage.stays('nobody takes over', () => stage.cluster.serving === active, 10_000);
      await stage.well(5_000);
      await endMail();
      assert.equal(stage.cluster.activations, activations);
      assertServed(stage, 3_000);
    }, two);
  });
}

test('networks: both are lost: as when there was one: the active node goes on alone through the share, and nobody else serves', async () => {
  await scenario(async (stage) => {
    const { active } = stage;
    const endMail = steadyMail(stage);
    for (const network of two.networks) cutNetwork(stage, network);
    await stage.inSync([active], 5_000);
    await stage.stays('nobody takes over', () => stage.cluster.serving === active, 10_000);
    for (const network of two.networks) healNetwork(stage, network);
    await stage.inSync(stage.cluster.hosts, 15_000);
    await endMail();
  }, two);
});

test('networks: the private one is lost, then the active node dies: the other one serves within five seconds', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    cutNetwork(stage, 'Private');
    await stage.sleep(5_000);
    await stage.deliver(3);
    active.kill();
    await stage.servesOn(passive, 5_000);
  }, two);
});

test('networks: the private one flaps: no failover, and every delivery is answered', async () => {
  await scenario(async (stage) => {
    const { active } = stage;
    const activations = stage.cluster.activations;
    const endMail = steadyMail(stage);
    for (let flap = 0; flap < 6; flap++) {
      cutNetwork(stage, 'Private');
      await stage.sleep(500 + 800 * flap);
      healNetwork(stage, 'Private');
      await stage.sleep(1_000);
    }
    await stage.well(10_000);
    await endMail();
    assert.equal(stage.active, active);
    assert.equal(stage.cluster.activations, activations);
    assertServed(stage, 3_000);
  }, two);
});

test('networks: a seed over the chosen one: it comes over that one, and waits for nothing else when it is cut', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    await stage.deliver(5);
    passive.loseCopyDisk();
    passive.start();
    await stage.becomes('it has begun', () => passive.liveView?.state === 'passive', 10_000);
    cutNetwork(stage, 'Private');
    await assert.rejects(passive.seed(active, 'Private'), { code: 'Unreachable' });
    await passive.seed(active, 'Public');
    await stage.well(20_000);
  }, two);
});
