import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../base/logger.ts';
import { SeededRandom } from '../base/random.ts';
import { ManualClock, settle } from '../base/testing/manual-clock.ts';
import { Copies, STORAGE_GROUP } from '../directory/testing/copies.ts';
import { MemoryStore } from '../directory/testing/memory-store.ts';
import { Authenticator, authenticationLimits } from './authentication.ts';
import { FailureDelays, failureDelayLimits } from './failure-delays.ts';
import { hashPassword, verifyPassword } from './password-hash.ts';

const random = new SeededRandom(3);
const PHC = await hashPassword('secret', random);

async function world(active = true) {
  const clock = new ManualClock();
  const copies = new Copies(clock);
  const store = new MemoryStore(['nologin@example.com']);
  const anna = store.add('anna@example.com', PHC);
  const finder = copies.finder();
  if (active) copies.activate('node1', store);
  await settle();
  const authenticator = new Authenticator({ finders: [finder], clock, random, logger: silentLogger });
  const login = async (user: string, password: string, remoteAddress = '192.0.2.1') => {
    const result = authenticator.verify({ user, password, remoteAddress });
    let done = false;
    void result.finally(() => {
      done = true;
    });
    while (!done) {
      await clock.advance(100);
      await new Promise((resolve) => setImmediate(resolve)); // hashing happens on another thread
    }
    return result;
  };
  return { clock, copies, store, anna, login };
}

test('password hash: the right password verifies, others and damaged hashes do not', async () => {
  assert.match(PHC, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assert.equal(await verifyPassword('secret', PHC), true);
  assert.equal(await verifyPassword('Secret', PHC), false);
  for (const hostile of [
    '',
    'secret',
    PHC.replace('m=19456', 'm=999999'),
    PHC.replace('t=2', 't=99'),
    PHC.replace('p=1', 'p=0'),
    PHC.slice(0, -30),
    `${PHC}x`,
  ]) {
    assert.equal(await verifyPassword('secret', hostile), false, hostile);
  }
});

test('authentication: right, wrong, unknown, without a password', async () => {
  const { anna, login } = await world();
  assert.deepEqual(await login('Anna@Example.com', 'secret'), {
    outcome: 'ok',
    mailboxId: anna.id,
    address: 'anna@example.com',
    storageGroup: STORAGE_GROUP,
  });
  assert.deepEqual(await login('anna@example.com', 'wrong'), { outcome: 'wrong' });
  assert.deepEqual(await login('nobody@example.com', 'secret'), { outcome: 'wrong' });
  assert.deepEqual(await login('nologin@example.com', ''), { outcome: 'wrong' });
  assert.deepEqual(await login('anna@example.com', 'x'.repeat(10_000)), { outcome: 'wrong' });
});

test('authentication: no copy is active: unavailable, and not a failure of the user', async () => {
  const { login } = await world(false);
  assert.deepEqual(await login('anna@example.com', 'secret'), { outcome: 'unavailable' });
});

test('authentication: the second login of many: no hashing; a changed password counts at once', async () => {
  const { store, anna, login } = await world();
  await login('anna@example.com', 'secret');
  const before = performance.now();
  for (let number = 0; number < 20; number++) assert.equal((await login('anna@example.com', 'secret')).outcome, 'ok');
  assert.ok(performance.now() - before < 500, 'twenty hashes would take more than a second');
  await store.setCredential(anna.id, await hashPassword('changed', random));
  assert.equal((await login('anna@example.com', 'secret')).outcome, 'wrong');
  assert.equal((await login('anna@example.com', 'changed')).outcome, 'ok');
});

test('authentication: far too many at once: a bounded number waits, the rest is told to come back', async () => {
  const clock = new ManualClock();
  const copies = new Copies(clock);
  const store = new MemoryStore();
  store.add('anna@example.com', PHC.replace('m=19456,t=2', 'm=8,t=1'));
  const finder = copies.finder();
  copies.activate('node1', store);
  await settle();
  const authenticator = new Authenticator({ finders: [finder], clock, random, logger: silentLogger });
  const all = Array.from({ length: 300 }, (_, number) =>
    authenticator.verify({ user: 'anna@example.com', password: `guess ${number}`, remoteAddress: `10.0.0.${number}` }),
  );
  let left = all.length;
  for (const each of all) void each.then(() => left--);
  while (left > 0) {
    await clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const outcomes = (await Promise.all(all)).map((result) => result.outcome);
  const { maxConcurrentHashes, maxWaitingHashes } = authenticationLimits;
  assert.equal(
    outcomes.filter((outcome) => outcome === 'unavailable').length,
    300 - maxConcurrentHashes - maxWaitingHashes,
  );
});

test('failure delays: doubled for each failure of an address, bounded, forgotten after a while', () => {
  const clock = new ManualClock();
  const delays = new FailureDelays(clock);
  assert.deepEqual(
    [1, 2, 3].map(() => delays.failed('192.0.2.1')),
    [100, 200, 400],
  );
  for (let number = 0; number < 2_000; number++) delays.failed('192.0.2.1');
  assert.equal(delays.failed('192.0.2.1'), failureDelayLimits.maxDelayMs);
  assert.equal(delays.failed('::ffff:192.0.2.1'), failureDelayLimits.maxDelayMs);
  assert.equal(delays.failed('192.0.2.2'), 100);
});

test('failure delays: addresses of one IPv6 /64 are one; the memory is bounded', () => {
  const delays = new FailureDelays(new ManualClock());
  delays.failed('2001:db8::1');
  assert.equal(delays.failed('2001:db8:0:0:ffff::2'), 200);
  assert.equal(delays.failed('2001:db8:0:1::1'), 100);
  for (let number = 0; number < failureDelayLimits.maxAddresses + 50; number++)
    delays.failed(`10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`);
  assert.equal(delays.size, failureDelayLimits.maxAddresses);
});
