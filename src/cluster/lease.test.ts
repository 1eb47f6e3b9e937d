import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LeaseHolder, LeaseWatcher } from './lease.ts';
import { checkTiming, defaultTiming } from './timing.ts';

const at = (monotonicMs: number, wallMs = 1_000_000 + monotonicMs) => ({ monotonicMs, wallMs });
const mark = { active: 'A', epoch: 5, incarnation: 3, lease: 40, inSync: 'node1\nnode2' };

test('lease: held from confirmation until its end, under its epoch only', () => {
  const lease = new LeaseHolder({ clockJumpMs: 200 });
  assert(!lease.isHeld(at(0)));
  lease.heldUntil(1_500, 5, 1_000_000);
  assert(lease.isHeld(at(1_499)));
  assert(!lease.isHeld(at(1_500)));
  assert(!lease.isHeld(at(100), 4) && !lease.isHeld(at(100), 6));
  lease.drop();
  assert(!lease.isHeld(at(100)));
});

test('lease: renewals out of order, or of an epoch of the past: change nothing', () => {
  const lease = new LeaseHolder({ clockJumpMs: 200 });
  lease.heldUntil(2_000, 5, 1_000_000);
  lease.heldUntil(1_900, 5, 1_000_000);
  lease.heldUntil(9_000, 4, 1_000_000);
  assert.equal(lease.untilMs, 2_000);
  assert.equal(lease.epoch, 5);
});

test('lease: the wall clock went on and the monotonic one did not: expired until the next renewal', () => {
  const lease = new LeaseHolder({ clockJumpMs: 200 });
  lease.heldUntil(1_500, 5, 1_000_000);
  assert(lease.isHeld(at(100, 1_000_300)));
  assert(!lease.isHeld(at(100, 1_000_301)));
  assert(!lease.isHeld(at(100, 999_899)));
  lease.heldUntil(1_600, 5, 1_000_201);
  assert(lease.isHeld(at(100, 1_000_301)));
});

test('watcher: counts from when the change was seen; any difference, even back, starts afresh', () => {
  const watcher = new LeaseWatcher();
  assert.equal(watcher.stoodStillForMs(5_000), 0);
  watcher.observe(mark, 1_000);
  watcher.observe({ ...mark }, 2_000);
  assert.equal(watcher.stoodStillForMs(2_900), 1_900);
  for (const change of [
    { lease: 41 },
    { lease: 40 },
    { incarnation: 4 },
    { epoch: 6 },
    { active: null },
    { inSync: 'node1' },
  ]) {
    watcher.observe({ ...mark, ...change }, 3_000);
    assert.equal(watcher.stoodStillForMs(3_000), 0);
  }
});

test('timing: the defaults keep lease and grace apart; a grace that does not is refused', () => {
  checkTiming(defaultTiming);
  assert.throws(() => checkTiming({ ...defaultTiming, graceMs: 1_657 }));
  assert.throws(() => checkTiming({ ...defaultTiming, renewalMs: 800 }));
  assert.throws(() => checkTiming({ ...defaultTiming, clockJumpMs: 231 }));
});
