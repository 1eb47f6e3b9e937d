import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../base/assert.ts';
import { plantedBugs } from './planted-bugs/all.ts';
import { runSeed } from './run-seed.ts';
import { shrinkSeed } from './shrink-seed.ts';

test('shrinking: a seed that fails by a planted bug: the same promise is broken by fewer faults, and the story can be told again', async () => {
  const bug = present(
    plantedBugs.find(({ name }) => name === 'folders never synced'),
    'The bug is planted',
  );
  let failed = await runSeed(1, { bug });
  for (let seed = 2; failed.violation === undefined; seed++) failed = await runSeed(seed, { bug });
  const shrunk = await shrinkSeed(failed, { bug });
  assert.equal(shrunk.violation?.invariant, failed.violation.invariant);
  assert.ok(shrunk.faultNumbers.length < failed.faultNumbers.length, 'some faults are spared');
  const again = await runSeed(shrunk.seed, { bug, only: shrunk.faultNumbers });
  assert.equal(again.checksum, shrunk.checksum);
});
