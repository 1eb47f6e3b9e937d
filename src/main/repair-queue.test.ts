import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../base/logger.ts';
import { ManualClock, settle } from '../base/testing/manual-clock.ts';
import { RepairQueue } from './repair-queue.ts';

const RETRY_MS = 30_000;

class QueueWorld {
  readonly clock = new ManualClock();
  readonly tried: string[] = [];
  readonly mendable = new Set<string>();
  readonly queue = new RepairQueue({ clock: this.clock, logger: silentLogger, retryMs: RETRY_MS, maxDamages: 2 });

  async find(key: string): Promise<void> {
    const mend = async (): Promise<boolean> => {
      this.tried.push(key);
      return this.mendable.has(key);
    };
    this.queue.add(key, { what: `${key} is damaged`, mend });
    await settle();
  }

  async later(ms: number): Promise<void> {
    await this.clock.advance(ms);
    await settle();
  }
}

test('repair queue: what cannot be mended: holds up nothing that is found later, and is tried again in its time', async () => {
  const world = new QueueWorld();
  world.mendable.add('b');
  await world.find('a');
  await world.later(RETRY_MS / 2);
  await world.find('b');
  assert.deepEqual(world.tried, ['a', 'b']);
  assert.deepEqual(world.queue.whats, ['a is damaged']);
  await world.later(RETRY_MS / 2 - 1);
  assert.deepEqual(world.tried, ['a', 'b']);
  world.mendable.add('a');
  await world.later(1);
  assert.deepEqual(world.tried, ['a', 'b', 'a']);
  assert.deepEqual(world.queue.whats, []);
});

test('repair queue: the same damage found again and again, or more than is remembered: is tried once, and in its time', async () => {
  const world = new QueueWorld();
  for (const key of ['a', 'a', 'b', 'c', 'a']) await world.find(key);
  assert.deepEqual(world.tried, ['a', 'b']);
  await world.later(RETRY_MS);
  assert.deepEqual(world.tried, ['a', 'b', 'a', 'b']);
});

test('repair queue: stopped: nothing more is tried or taken', async () => {
  const world = new QueueWorld();
  await world.find('a');
  world.queue.stop();
  await world.later(RETRY_MS);
  await world.find('b');
  assert.deepEqual(world.tried, ['a']);
});
