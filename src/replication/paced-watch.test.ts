import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/testing/manual-clock.ts';
import { PacedWatch } from './paced-watch.ts';

test('paced watch: nothing is awaited, then something, then nothing: looks seldom, at once more often, and seldom again', async () => {
  const clock = new ManualClock();
  const looks: number[] = [];
  let isIdle = true;
  const watch = new PacedWatch({ clock, isIdle: () => isIdle, look: () => looks.push(clock.monotonicMs()) });
  const looksWithin = async (ms: number): Promise<number> => {
    const before = looks.length;
    await clock.advance(ms);
    return looks.length - before;
  };
  watch.start();
  assert.equal(await looksWithin(1_000), 2);
  isIdle = false;
  watch.soon();
  assert.equal(await looksWithin(100), 4);
  isIdle = true;
  assert.ok((await looksWithin(1_000)) <= 3);
  watch.stop();
  watch.soon();
  assert.equal(await looksWithin(1_000), 0);
});
