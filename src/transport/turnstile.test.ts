import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Deferred, deferred } from '../base/deferred.ts';
import { settle } from '../base/testing/manual-clock.ts';
import { Turnstile } from './turnstile.ts';

/** Tasks that end when they are told to. */
class Tasks {
  readonly entered: number[] = [];
  readonly #ends: Deferred<void>[] = [];
  readonly #turnstile: Turnstile;

  constructor(turnstile: Turnstile) {
    this.#turnstile = turnstile;
  }

  /** Comes to the turnstile; the first has the number 0. */
  come(sizeBytes: number): Promise<void> {
    const end = deferred<void>();
    const number = this.#ends.push(end) - 1;
    return this.#turnstile.pass(sizeBytes, () => {
      this.entered.push(number);
      return end.promise;
    });
  }

  async end(number: number): Promise<void> {
    this.#ends[number]?.resolve();
    await settle();
  }
}

test('turnstile: more tasks than places: they enter in the order of their coming', async () => {
  const tasks = new Tasks(new Turnstile({ maxInside: 2, maxInsideBytes: 100 }));
  const all = [1, 1, 1, 1].map((size) => tasks.come(size));
  await settle();
  assert.deepEqual(tasks.entered, [0, 1]);
  await tasks.end(1);
  assert.deepEqual(tasks.entered, [0, 1, 2]);
  for (const number of [0, 2, 3]) await tasks.end(number);
  await Promise.all(all);
  assert.deepEqual(tasks.entered, [0, 1, 2, 3]);
});

test('turnstile: more bytes than fit: a large task waits, and nobody small overtakes it', async () => {
  const tasks = new Tasks(new Turnstile({ maxInside: 10, maxInsideBytes: 10 }));
  const all = [6, 500, 1].map((size) => tasks.come(size));
  await settle();
  assert.deepEqual(tasks.entered, [0]);
  await tasks.end(0);
  assert.deepEqual(tasks.entered, [0, 1], 'alone, although it is larger than the bound');
  await tasks.end(1);
  await tasks.end(2);
  await Promise.all(all);
  assert.deepEqual(tasks.entered, [0, 1, 2]);
});

test('turnstile: a task that fails: its place is free again', async () => {
  const turnstile = new Turnstile({ maxInside: 1, maxInsideBytes: 10 });
  await assert.rejects(turnstile.pass(1, () => Promise.reject(new Error('no'))));
  assert.equal(await turnstile.pass(1, () => Promise.resolve('next')), 'next');
});

test('turnstile: any sizes: all pass, and the bounds hold unless one is alone', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(30), { maxLength: 40 }), async (sizes) => {
      const turnstile = new Turnstile({ maxInside: 4, maxInsideBytes: 20 });
      let inside = 0;
      let insideBytes = 0;
      let passed = 0;
      const task = async (size: number): Promise<void> => {
        inside += 1;
        insideBytes += size;
        assert.ok(inside === 1 || (inside <= 4 && insideBytes <= 20));
        await settle();
        inside -= 1;
        insideBytes -= size;
        passed += 1;
      };
      await Promise.all(sizes.map((size) => turnstile.pass(size, () => task(size))));
      assert.equal(passed, sizes.length);
    }),
    { numRuns: 30 },
  );
});
