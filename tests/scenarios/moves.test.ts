/** Case 16: a planned move. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scenario } from '../../src/sim/scenario.ts';

test('case 16: a move while nothing happens: the other node serves at once, and both stay in sync', async () => {
  await scenario(async (stage) => {
    const { passive } = stage;
    await stage.deliver(3);
    await stage.move(passive);
    await stage.servesOn(passive, 1_000);
    await stage.inSync(stage.cluster.hosts, 0);
    await stage.well(5_000);
  });
});

test('case 16: moves to and fro under load: every delivery is answered, none waits longer than a second', async () => {
  await scenario(async (stage) => {
    stage.startLoad();
    for (let move = 0; move < 6; move++) {
      await stage.sleep(1_500);
      await stage.move(stage.passive);
      await stage.well(5_000);
    }
    await stage.stopLoad();
    const { operations } = stage.cluster.history;
    const waitedMs = operations.map(({ startedMs, endedMs }) => (endedMs ?? Number.POSITIVE_INFINITY) - startedMs);
    assert.deepEqual([...new Set(operations.map(({ outcome }) => outcome))], ['acknowledged']);
    assert(Math.max(...waitedMs) <= 1_000, `the longest wait was ${Math.max(...waitedMs)} ms`);
  });
});
