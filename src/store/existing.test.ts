import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FLAG_DELETED } from '../mail/flags.ts';
import { UidSet } from '../mail/uid-set.ts';
import { existingRuns, sliceRuns } from './existing.ts';
import { Queries } from './queries.ts';
import { makeMailbox, makeWorld, newMessage } from './testing/store-world.ts';

test('existing runs: few ranges and many: mean the same messages, in runs of neighbours', async () => {
  const { store, database } = makeWorld();
  const { inbox } = await makeMailbox(store, 'ada@example.test');
  await store.append(
    inbox.id,
    Array.from({ length: 400 }, () => newMessage('x')),
  );
  const thirds = UidSet.of(Array.from({ length: 100 }, (_, index) => 3 * index + 1));
  await store.changeFlags(inbox.id, thirds, { operation: 'add', flags: FLAG_DELETED, keywords: [] });
  await store.expunge(inbox.id);
  const queries = new Queries(database);
  const all = store.uids(inbox.id);
  const sets = fc
    .array(fc.integer({ min: 1, max: 420 }), { maxLength: 300, size: 'max' })
    .map((uids) => UidSet.of(uids));
  fc.assert(
    fc.property(sets, (set) => {
      const runs = existingRuns(queries, inbox.id, set);
      assert.deepEqual(runs.flat(), set.select(all));
      for (const run of runs) {
        const at = all.indexOf(run[0] ?? 0);
        assert.deepEqual(run, all.slice(at, at + run.length));
      }
    }),
    { numRuns: 200, seed: 1 },
  );
});

test('slices: of any runs: have the limit, lose nothing and keep the order', () => {
  const runsArbitrary = fc.array(fc.array(fc.nat(), { minLength: 1, maxLength: 20 }), { maxLength: 10 });
  fc.assert(
    fc.property(runsArbitrary, fc.integer({ min: 1, max: 12 }), (runs, limit) => {
      const slices = sliceRuns(runs, limit);
      assert.deepEqual(slices.flat(2), runs.flat());
      for (const [index, slice] of slices.entries()) {
        const size = slice.flat().length;
        assert.ok(index === slices.length - 1 ? size <= limit && size > 0 : size === limit);
      }
    }),
    { seed: 1 },
  );
});
