import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSeed } from './run-seed.ts';
import { scenario } from './scenario.ts';

test('simulation: the same seed: tells the same story, another seed another one', async () => {
  const first = await runSeed(7);
  const second = await runSeed(7);
  assert.equal(first.violation, undefined);
  assert.deepEqual({ ...second, story: [] }, { ...first, story: [] });
  const other = await runSeed(8);
  assert.notEqual(other.checksum, first.checksum);
});

test('simulation: a promise that is broken: ends the story with its name', async () => {
  const story = scenario(async (stage) => {
    await stage.deliver(3);
    const operation = stage.cluster.history.operations[0];
    assert(operation !== undefined);
    // The oracle is told of a message that nobody sent.
    stage.cluster.history.end(stage.cluster.history.begin('delivery', 'f'.repeat(64), 0), 'acknowledged', 0);
  });
  await assert.rejects(story, /M1: .* delivery 4 was acknowledged and is not there/);
});
