import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../base/logger.ts';
import { ManualClock, settle } from '../base/testing/manual-clock.ts';
import { decodeDirectory, encodeDirectory } from './cached-directory.ts';
import { directoryLimits } from './limits.ts';
import { type DirectoryCache, RecipientDirectory } from './recipients.ts';
import { Copies, STORAGE_GROUP } from './testing/copies.ts';
import { MemoryStore } from './testing/memory-store.ts';

class MemoryCache implements DirectoryCache {
  bytes: Buffer | undefined;
  async load(): Promise<Buffer | undefined> {
    return this.bytes;
  }
  async save(bytes: Buffer): Promise<void> {
    this.bytes = bytes;
  }
}

async function world(cache = new MemoryCache()) {
  const clock = new ManualClock();
  const copies = new Copies(clock);
  const store = new MemoryStore(['anna@example.com', 'Bernd@Example.com']);
  const finder = copies.finder();
  const directory = new RecipientDirectory({
    acceptedDomains: ['example.com'],
    finders: [finder],
    cache,
    clock,
    logger: silentLogger,
  });
  await directory.start();
  return { clock, copies, store, directory, cache };
}

async function outcome(directory: RecipientDirectory, clock: ManualClock, address: string): Promise<string> {
  const answer = directory.resolve(address);
  await clock.advance(directoryLimits.lookupWaitMs + directoryLimits.askTimeoutMs);
  return (await answer).outcome;
}

test('recipients: an active copy: known, unknown and foreign addresses are told apart', async () => {
  const { clock, copies, store, directory } = await world();
  copies.activate('node1', store);
  await settle();
  assert.equal(await outcome(directory, clock, 'ANNA@example.COM'), 'known');
  assert.equal(await outcome(directory, clock, 'bernd@example.com'), 'known');
  assert.equal(await outcome(directory, clock, 'carla@example.com'), 'unknown');
  assert.equal(await outcome(directory, clock, 'anna@elsewhere.example'), 'not-local');
  assert.equal(await outcome(directory, clock, 'anna%elsewhere.example@example.com'), 'unknown');
  assert.equal(await outcome(directory, clock, '"a@elsewhere.example"@example.com'), 'unknown');
});

test('recipients: a mailbox made a moment ago: known by asking, before any refresh', async () => {
  const { clock, copies, store, directory } = await world();
  copies.activate('node1', store);
  await settle();
  store.add('new@example.com', null);
  assert.equal((await directory.resolve('new@example.com')).outcome, 'known');
  await clock.advance(1);
});

test('recipients: no copy is active: known ones are accepted, others are put off, none is refused', async () => {
  const { clock, copies, store, directory } = await world();
  copies.activate('node1', store);
  await settle();
  copies.crash('node1');
  await settle();
  assert.equal((await directory.resolve('anna@example.com')).outcome, 'known');
  assert.equal(await outcome(directory, clock, 'carla@example.com'), 'undecided');
});

test('recipients: the hub restarts while no copy is active: the saved list still accepts', async () => {
  const first = await world();
  first.copies.activate('node1', first.store);
  await settle();
  await first.directory.close();
  const second = await world(first.cache);
  assert.equal((await second.directory.resolve('anna@example.com')).outcome, 'known');
});

test('recipients: the saved list is damaged: nothing is believed, nothing fails', async () => {
  const cache = new MemoryCache();
  cache.bytes = encodeDirectory(new Map([[STORAGE_GROUP, ['anna@example.com']]]));
  cache.bytes[cache.bytes.length - 10] = 0x20;
  assert.throws(() => decodeDirectory(cache.bytes ?? Buffer.alloc(0)));
  const { clock, directory } = await world(cache);
  assert.equal(await outcome(directory, clock, 'anna@example.com'), 'undecided');
});

test('recipients: many unknown addresses at once: a bounded number is asked about, the rest is put off', async () => {
  const { clock, copies, store, directory } = await world();
  copies.activate('node1', store);
  await settle();
  store.hold();
  const answers = Array.from({ length: 100 }, (_, index) => directory.resolve(`guess${index}@example.com`));
  await settle();
  store.release();
  await clock.advance(10);
  const outcomes = (await Promise.all(answers)).map((answer) => answer.outcome);
  assert.equal(outcomes.filter((each) => each === 'undecided').length, 100 - directoryLimits.maxOpenLookups);
});

test('recipients: postmaster without a domain: is ours', async () => {
  const { copies, store, directory } = await world();
  store.add('postmaster@example.com', null);
  copies.activate('node1', store);
  await settle();
  assert.deepEqual(await directory.resolve('Postmaster'), {
    outcome: 'known',
    address: 'Postmaster@example.com',
    storageGroup: STORAGE_GROUP,
  });
});
