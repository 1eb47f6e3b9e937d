import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SeededRandom } from './random.ts';

test('random: one seed: gives one history, another seed another', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (seed) => {
      const first = new SeededRandom(seed);
      const again = new SeededRandom(seed);
      const other = new SeededRandom((seed + 1) % Number.MAX_SAFE_INTEGER);
      const take = (random: SeededRandom) => [
        random.bytes(16).toString('hex'),
        random.below(2 ** 32),
        random.below(10),
      ];
      const history = take(first);
      assert.deepEqual(take(again), history);
      assert.notDeepEqual(take(other), history);
    }),
  );
});

test('random: a known seed: gives the numbers that recorded seeds rely on', () => {
  const random = new SeededRandom(42);
  assert.deepEqual(
    [random.below(2 ** 32), random.below(1000), random.bytes(4).toString('hex')],
    [3893884377, 33, 'df3ad64c'],
  );
});

test('random: below a bound: stays below it and reaches every value', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.integer({ min: 1, max: 2 ** 32 }), (seed, bound) => {
      const random = new SeededRandom(seed);
      for (let draw = 0; draw < 20; draw++) {
        const value = random.below(bound);
        assert.ok(Number.isInteger(value) && value >= 0 && value < bound);
      }
    }),
  );
  const dice = new SeededRandom(1);
  const counts = [0, 0, 0, 0, 0, 0];
  for (let draw = 0; draw < 6000; draw++) counts[dice.below(6)]! += 1;
  for (const count of counts) assert.ok(count > 850 && count < 1150, `uneven dice: ${counts.join(', ')}`);
});
