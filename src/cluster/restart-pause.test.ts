import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestartPause } from './restart-pause.ts';

test('restart: a process that dies at once again and again: the pause doubles up to five seconds', () => {
  const pause = new RestartPause();
  const pausesMs = Array.from({ length: 8 }, () => pause.afterRun(10));
  assert.deepEqual(pausesMs, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
});

test('restart: a process that had run for a while: it is started at once, as after its first death', () => {
  const pause = new RestartPause();
  for (let death = 0; death < 5; death++) pause.afterRun(10);
  assert.equal(pause.afterRun(30_001), 100);
  assert.equal(pause.afterRun(10), 200);
});
