import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock, settle } from '../base/testing/manual-clock.ts';
import { directoryLimits } from './limits.ts';
import { Copies } from './testing/copies.ts';
import { MemoryStore } from './testing/memory-store.ts';

function world(): { clock: ManualClock; copies: Copies; store: MemoryStore } {
  const clock = new ManualClock();
  return { clock, copies: new Copies(clock), store: new MemoryStore(['anna@example.com']) };
}

test('copy finder: a copy becomes active: known without waiting for any timer', async () => {
  const { copies, store } = world();
  const finder = copies.finder();
  await settle();
  assert.equal(finder.active(), undefined);
  copies.activate('node1', store);
  await settle();
  assert.deepEqual([finder.active()?.host, finder.active()?.epoch], ['node1', 1]);
  finder.close();
});

test('copy finder: failover: listeners hear of the new active copy at once, with its epoch', async () => {
  const { copies, store } = world();
  const finder = copies.finder();
  copies.activate('node1', store);
  await settle();
  const seen: (string | undefined)[] = [];
  finder.onChange((active) =>
    seen.push(active === undefined ? undefined : `${active.host} ${active.epoch} ${active.lossy}`),
  );
  copies.crash('node1');
  await settle();
  copies.activate('node2', store, true);
  await settle();
  assert.deepEqual(seen, [undefined, 'node2 2 true']);
  finder.close();
});

test('copy finder: two copies say that they are active: the higher epoch is believed', async () => {
  const { copies, store } = world();
  const finder = copies.finder();
  copies.services.get('node1')?.activate({ epoch: 7, lossy: false, mode: 'sync', store });
  copies.services.get('node2')?.activate({ epoch: 9, lossy: false, mode: 'sync', store });
  await settle();
  assert.equal(finder.active()?.host, 'node2');
  finder.close();
});

test('copy finder: the network falls silent: the copy is given up after the ping, and found again when it heals', async () => {
  const { clock, copies, store } = world();
  const finder = copies.finder();
  copies.activate('node1', store);
  await settle();
  copies.network.silence('node1', true);
  await clock.advance(directoryLimits.pingIntervalMs + directoryLimits.pingTimeoutMs);
  assert.equal(finder.active(), undefined);
  copies.network.silence('node1', false);
  await clock.advance(directoryLimits.reconnectMaxMs);
  assert.equal(finder.active()?.host, 'node1');
  finder.close();
});

test('copy finder: waiting for an active copy: ends with the copy, or with the time', async () => {
  const { clock, copies, store } = world();
  const finder = copies.finder();
  const early = finder.whenActive(100);
  await clock.advance(100);
  assert.equal(await early, undefined);
  const late = finder.whenActive(100);
  copies.activate('node2', store);
  await settle();
  assert.equal((await late)?.host, 'node2');
  finder.close();
  await settle();
  assert.equal(clock.pending, 0);
});
