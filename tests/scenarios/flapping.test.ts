/** L4 of docs/invariants.md: one fault changes who serves once at most, and so does its end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../../src/base/random.ts';
import { faults } from '../../src/sim/nemesis.ts';
import { type Stage, scenario } from '../../src/sim/scenario.ts';
import { STORAGE_GROUP } from '../../src/sim/simulated-cluster.ts';

/** Those of the nemesis that are one event, and not a tale of several. */
const singleFaults = [
  'kill',
  'power loss',
  'copy killed',
  'stop',
  'freeze',
  'link between nodes cut',
  'one network lost',
  'node cut off',
  'one way cut',
  'share lost',
  'clients cut off',
  'connections broken',
  'slow link',
  'slow node',
  'slow disk',
  'failing disk',
  'hung disk',
  'full disk',
  'disk nearly full',
  'clock set',
  'copy disk lost',
  'vote lost',
  'hub killed',
  'hub cut off',
] as const;

const SEEDS = [1, 2, 3];
/** Longer than anything waits before it acts. */
const FAULT_MS = 12_000;
const CALM_MS = 12_000;

/** Counts how often another host becomes the owner, from now on; one that gives up leaves it to nobody for a moment. */
function changesOfOwner({ cluster }: Stage): () => number {
  let owner = cluster.group?.active;
  let count = 0;
  cluster.watch({
    name: 'changes of owner',
    chosen: (_before, after) => {
      const now = after.storageGroups[STORAGE_GROUP]?.active ?? owner;
      if (now !== owner) count += 1;
      owner = now;
    },
  });
  return () => count;
}

/** A client that goes on whatever happens, so that what fails is noticed; returns how it ends. */
function deliverNowAndThen(stage: Stage): () => void {
  let isOver = false;
  const work = async (): Promise<void> => {
    while (!isOver) {
      await stage.deliver(1);
      await stage.sleep(100);
    }
  };
  void work();
  return () => {
    isOver = true;
  };
}

for (const kind of singleFaults) {
  test(`L4: ${kind}: who serves changes once at most, and once at most when it is over`, async () => {
    for (const seed of SEEDS) {
      await scenario(
        async (stage) => {
          const stop = deliverNowAndThen(stage);
          const changes = changesOfOwner(stage);
          const end = faults[kind](stage.cluster, new SeededRandom(seed));
          await stage.sleep(FAULT_MS);
          const during = changes();
          end();
          await stage.sleep(CALM_MS);
          const after = changes() - during;
          stop();
          assert.ok(during <= 1 && after <= 1, `seed ${seed}: ${during} changes, and ${after} when it was over`);
        },
        { networks: ['Private', 'Public'] },
      );
    }
  });
}
