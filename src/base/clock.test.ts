import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AssertionError } from './assert.ts';
import { sleep } from './clock.ts';
import { deferred } from './deferred.ts';
import { ManualClock } from './testing/manual-clock.ts';

test('clock: sleep: ends when its time has passed and not before', async () => {
  const clock = new ManualClock();
  let awake = false;
  const sleeping = sleep(clock, 100).then(() => {
    awake = true;
  });
  await clock.advance(99);
  assert.equal(awake, false);
  await clock.advance(1);
  assert.equal(awake, true);
  await sleeping;
  assert.equal(clock.pending, 0);
});

test('manual clock: timers: fire in the order of their time, then in the order in which they were set', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(50), { maxLength: 30 }), async (delays) => {
      const clock = new ManualClock({ monotonicMs: 1000 });
      const fired: { index: number; atMs: number }[] = [];
      for (const [index, delayMs] of delays.entries()) {
        clock.after(delayMs, () => fired.push({ index, atMs: clock.monotonicMs() }));
      }
      await clock.advance(50);
      const expected = delays.map((delayMs, index) => ({ index, atMs: 1000 + delayMs }));
      assert.deepEqual(
        fired,
        expected.sort((a, b) => a.atMs - b.atMs || a.index - b.index),
      );
      assert.equal(clock.monotonicMs(), 1050);
    }),
  );
});

test('manual clock: a loop that sleeps and works: runs through all its rounds in one advance', async () => {
  const clock = new ManualClock();
  const roundsAtMs: number[] = [];
  const loop = async (): Promise<void> => {
    for (let round = 0; round < 5; round++) {
      await sleep(clock, 10);
      await Promise.resolve().then(() => Promise.all([Promise.resolve(1), Promise.resolve(2)]));
      roundsAtMs.push(clock.monotonicMs());
    }
  };
  const running = loop();
  await clock.advance(50);
  await running;
  assert.deepEqual(roundsAtMs, [10, 20, 30, 40, 50]);
});

test('manual clock: a cancelled timer: does not fire, not even when an earlier one cancels it', async () => {
  const clock = new ManualClock();
  const fired: string[] = [];
  const cancelSecond = clock.after(20, () => fired.push('second'));
  clock.after(10, () => {
    fired.push('first');
    cancelSecond();
  });
  await clock.advance(100);
  cancelSecond();
  assert.deepEqual(fired, ['first']);
  assert.equal(clock.pending, 0);
});

test('manual clock: the wall clock: passes with time and may jump, the monotonic one only passes', async () => {
  const clock = new ManualClock({ wallMs: 5000 });
  await clock.advance(10);
  clock.jumpWall(-3000);
  assert.equal(clock.wallMs(), 2010);
  assert.equal(clock.monotonicMs(), 10);
  await assert.rejects(clock.advance(-1), AssertionError);
});

test('deferred: a promise: is settled from outside, once', async () => {
  const answer = deferred<number>();
  answer.resolve(1);
  answer.resolve(2);
  answer.reject(new Error('too late'));
  assert.equal(await answer.promise, 1);
});
