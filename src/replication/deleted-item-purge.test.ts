import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../base/logger.ts';
import { isProblem, Problem } from '../base/problem.ts';
import { ManualClock } from '../base/testing/manual-clock.ts';
import { DeletedItemPurge } from './deleted-item-purge.ts';
import { replicationLimits } from './limits.ts';

test('purge of deleted items: at every commit while some are due, then only after the interval', async () => {
  const clock = new ManualClock();
  const purge = new DeletedItemPurge({ clock, logger: silentLogger });
  const answers = [2_000, 5, 0, 7];
  let looks = 0;
  const items = { purgeExpired: async () => answers[looks++] ?? 0 };
  for (let commit = 0; commit < 6; commit++) await purge.run(items);
  assert.equal(looks, 3);
  await clock.advance(replicationLimits.purgeIntervalMs);
  await purge.run(items);
  assert.equal(looks, 4);
});

test('purge of deleted items: the log is busy: tried again at the next commit; not active: said', async () => {
  const purge = new DeletedItemPurge({ clock: new ManualClock(), logger: silentLogger });
  const failing = (code: string) => ({
    purgeExpired: () => Promise.reject(new Problem(code, 'Cannot accept a change', { temporary: true })),
  });
  await purge.run(failing('LogBusy'));
  await assert.rejects(purge.run(failing('NotActive')), (error) => isProblem(error, 'NotActive'));
});
