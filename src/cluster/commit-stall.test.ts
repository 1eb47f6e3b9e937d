import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideStall, StallWatch } from './commit-stall.ts';

const policy = { commitPatienceMs: 8_000 };

test('commit stall: a sync owed for longer than the bound: given up when another copy could serve, kept when none could', () => {
  assert.equal(decideStall({ stalledMs: 7_999, hasHeir: true }, policy), 'keep');
  assert.equal(decideStall({ stalledMs: 8_000, hasHeir: true }, policy), 'give-up');
  assert.equal(decideStall({ stalledMs: 60_000, hasHeir: false }, policy), 'keep');
});

test('commit stall: a slow disk makes progress, an idle copy owes nothing: neither is a stall', () => {
  const watch = new StallWatch();
  for (let nowMs = 0; nowMs <= 60_000; nowMs += 1_000) {
    const durableLsn = Math.floor(nowMs / 5_000);
    assert.ok(watch.observe({ endLsn: 1_000, durableLsn }, nowMs) < 5_000);
  }
  for (let nowMs = 61_000; nowMs <= 90_000; nowMs += 1_000) {
    assert.equal(watch.observe({ endLsn: 1_000, durableLsn: 1_000 }, nowMs), 0);
  }
});

test('commit stall: nothing becomes durable: the time since the last progress', () => {
  const watch = new StallWatch();
  watch.observe({ endLsn: 10, durableLsn: 10 }, 1_000);
  for (let nowMs = 2_000; nowMs <= 12_000; nowMs += 1_000) watch.observe({ endLsn: nowMs, durableLsn: 10 }, nowMs);
  assert.equal(watch.observe({ endLsn: 13, durableLsn: 10 }, 13_000), 12_000);
});

test('commit stall: the service itself stood still: the time does not count', () => {
  const watch = new StallWatch();
  watch.observe({ endLsn: 11, durableLsn: 10 }, 1_000);
  assert.equal(watch.observe({ endLsn: 11, durableLsn: 10 }, 30_000), 0);
  assert.equal(watch.observe({ endLsn: 11, durableLsn: 10 }, 31_000), 1_000);
});
