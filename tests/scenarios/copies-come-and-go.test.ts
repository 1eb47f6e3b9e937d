/** Copies are removed and added by administrators while mail comes in and machines die. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addCopy, removeCopy } from '../../src/cluster/configuration-changes.ts';
import { type Stage, scenario } from '../../src/sim/scenario.ts';
import { STORAGE_GROUP } from '../../src/sim/simulated-cluster.ts';
import type { SimulatedHost } from '../../src/sim/simulated-host.ts';

const three = { nodes: ['node1', 'node2', 'node3'] } as const;
/** Hosts look at the register this often. */
const HEARS_AFTER_MS = 1_000;

function remove({ cluster }: Stage, { name }: SimulatedHost): Promise<void> {
  cluster.story.tell('admin', `removes the copy on ${name}`);
  const epoch = cluster.serving?.serving?.epoch;
  return cluster.administrator.order((document) => removeCopy(document, STORAGE_GROUP, name, epoch));
}

function add({ cluster }: Stage, { name }: SimulatedHost): Promise<void> {
  cluster.story.tell('admin', `adds a copy on ${name}`);
  return cluster.administrator.order((document) => addCopy(document, STORAGE_GROUP, name));
}

/** The active one, and the others in the order of the nodes. */
function cast(stage: Stage): { active: SimulatedHost; other: SimulatedHost; going: SimulatedHost } {
  const { active, cluster } = stage;
  const [other, going] = cluster.hosts.filter((host) => host !== active);
  assert(other !== undefined && going !== undefined);
  return { active, other, going };
}

test('copies come and go: one of three is removed under load: nobody waits for it, nothing is lost, and added again it is in sync', async () => {
  await scenario(async (stage) => {
    const { active, other, going } = cast(stage);
    stage.startLoad();
    await stage.sleep(500);
    await remove(stage, going);
    assert.deepEqual(stage.cluster.group?.inSync.toSorted(), [active.name, other.name].toSorted());
    await stage.sleep(HEARS_AFTER_MS);
    going.endCopy();
    await stage.stays('the active one serves', () => stage.cluster.serving === active, 3_000);
    await add(stage, going);
    await stage.sleep(HEARS_AFTER_MS);
    going.beginCopy();
    await stage.well(20_000);
  }, three);
});

test('copies come and go: the active one dies right after another was removed, which has not heard of it: the third leads, not that one', async () => {
  await scenario(async (stage) => {
    const { active, other, going } = cast(stage);
    stage.startLoad();
    await stage.sleep(500);
    await remove(stage, going);
    active.losePower();
    await stage.servesOn(other, 10_000);
    await stage.stays('the removed one does not lead', () => going.serving === undefined, 3_000);
    active.start();
    await add(stage, going);
    await stage.well(20_000);
  }, three);
});

test('copies come and go: the other two are down and one of them is removed: the last that holds everything cannot be', async () => {
  await scenario(async (stage) => {
    const { active, other, going } = cast(stage);
    await stage.send(3);
    going.losePower();
    await stage.send(1);
    await stage.inSync([active, other], 10_000);
    await remove(stage, other);
    await assert.rejects(remove(stage, active));
    await stage.send(3);
    await add(stage, other);
    going.start();
    await stage.well(20_000);
  }, three);
});

test('copies come and go: a node loses its disk with the copy, is evicted, and gets a new copy under load: a seed, then in sync', async () => {
  await scenario(
    async (stage) => {
      const { active, other, going } = cast(stage);
      going.loseCopyDisk();
      going.endCopy();
      stage.startLoad();
      await stage.inSync([active, other], 10_000);
      await remove(stage, going);
      await stage.sleep(5_000);
      await add(stage, going);
      going.start();
      going.beginCopy();
      await stage.becomes('its process is there', () => going.liveView?.state === 'passive', 5_000);
      await going.seed(stage.active);
      await stage.well(20_000);
    },
    { ...three, circularLogging: true, fileSizeBytes: 12_288 },
  );
});

test('copies come and go: the passive one of two is removed: the active one goes on at once, and a new one joins it', async () => {
  await scenario(async (stage) => {
    const { passive } = stage;
    await remove(stage, passive);
    passive.endCopy();
    await stage.send(5);
    await add(stage, passive);
    passive.beginCopy();
    await stage.well(20_000);
  });
});
