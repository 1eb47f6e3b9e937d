import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../base/random.ts';
import { StagingRing } from './staging-ring.ts';

test('staging ring: places taken and given back in order: never lie over each other, and an empty ring takes everything', () => {
  const sizeBytes = 64;
  for (let seed = 1; seed <= 200; seed++) {
    const random = new SeededRandom(seed);
    const ring = new StagingRing(sizeBytes);
    const taken: { from: number; to: number }[] = [];
    for (let step = 0; step < 200; step++) {
      const length = 1 + random.below(sizeBytes);
      const from = ring.take(length);
      if (from === undefined) {
        assert.ok(taken.length > 0, `seed ${seed} step ${step}: refused by an empty ring`);
        ring.giveBackOldest();
        taken.shift();
        continue;
      }
      const to = from + length;
      assert.ok(from >= 0 && to <= sizeBytes, `seed ${seed} step ${step}`);
      for (const other of taken) assert.ok(to <= other.from || from >= other.to, `seed ${seed} step ${step}`);
      taken.push({ from, to });
    }
  }
});

test('staging ring: places of a third each: three at once, and each that is given back makes room for one', () => {
  const ring = new StagingRing(9);
  assert.deepEqual([ring.take(3), ring.take(3), ring.take(3), ring.take(3)], [0, 3, 6, undefined]);
  ring.giveBackOldest();
  assert.deepEqual([ring.take(3), ring.take(3)], [0, undefined]);
});
