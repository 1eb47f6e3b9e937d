import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settle } from '../base/testing/manual-clock.ts';
import { deliveryClientLimits, redeliveryLimits } from './limits.ts';
import { ANNA, BERND, HubStory } from './testing/hub-story.ts';

const WAIT_MS = deliveryClientLimits.waitForActiveMs;

/** The verdict of `sending`, while as much time passes as the hub may want. */
async function after<T>(story: HubStory, ms: number, sending: Promise<T>): Promise<T> {
  await story.clock.advance(ms);
  return sending;
}

test('delivery: an active copy: one answer for each recipient, and the bytes as they were sent', async () => {
  const story = await new HubStory().start();
  story.copies.activate('node1', story.store);
  await settle();
  assert.equal(await story.send('one', [ANNA, 'nobody@example.com', BERND]), '250 550 250');
  assert.deepEqual(story.store.messagesOf(BERND), ['Subject: story\r\n\r\none\r\n']);
  await story.stop();
});

test('delivery: the success was never read and the client tries again: one message', async () => {
  const story = await new HubStory().start();
  story.copies.activate('node1', story.store);
  await settle();
  assert.equal(await story.send('once'), '250');
  assert.equal(await story.send('once'), '250');
  assert.deepEqual(story.bodies(), ['once']);
  await story.stop();
});

test('delivery: the success was read and the client sends again: two messages', async () => {
  const story = await new HubStory().start();
  story.copies.activate('node1', story.store);
  await settle();
  const first = await story.accept('twice');
  assert.ok(first.kind === 'answer');
  first.receipt?.seen();
  first.receipt?.seen();
  assert.equal(await story.send('twice'), '250');
  assert.equal(await story.send('twice'), '250', 'and this one is a retry of the second');
  assert.deepEqual(story.bodies(), ['twice', 'twice']);
  await story.stop();
});

test('delivery: the active copy dies while it commits: the next one gets the message once, the client hears 250', async () => {
  const story = await new HubStory().start();
  story.copies.activate('node1', story.store);
  await settle();
  story.store.hold();
  const sending = story.send('in between');
  await settle();
  story.copies.crash('node1');
  story.store.release();
  await settle();
  story.copies.activate('node2', story.store);
  assert.equal(await after(story, WAIT_MS / 2, sending), '250');
  assert.deepEqual(story.bodies(), ['in between']);
  assert.equal(story.store.attempts, 2);
  assert.equal(story.queue.status.queuedMessages, 0);
  await story.stop();
});

test('delivery: the active copy is cut off silently: the new one is asked at once, not after a timeout', async () => {
  const story = await new HubStory().start();
  story.copies.activate('node1', story.store);
  await settle();
  story.copies.network.silence('node1', true);
  const sending = story.send('silent');
  await settle();
  story.copies.activate('node2', story.store);
  await settle();
  assert.equal(await sending, '250');
  assert.deepEqual(story.bodies(), ['silent']);
  await story.stop();
});

test('delivery: no copy is active: the queue takes the message, and hands it on as soon as there is one', async () => {
  const story = await new HubStory().start();
  assert.equal(await after(story, WAIT_MS, story.send('first')), '250');
  assert.equal(await after(story, WAIT_MS, story.send('second')), '250');
  assert.equal(story.queue.status.queuedMessages, 2);
  story.copies.activate('node2', story.store);
  await story.calm();
  assert.deepEqual(story.bodies(), ['first', 'second']);
  assert.equal(story.queue.status.queuedMessages, 0);
  await story.stop();
});

test('delivery: the client tries a queued message again: it is queued once', async () => {
  const story = await new HubStory().start();
  assert.equal(await after(story, WAIT_MS, story.send('queued')), '250');
  assert.equal(await after(story, WAIT_MS, story.send('queued')), '250');
  assert.equal(story.queue.status.queuedMessages, 1);
  story.copies.activate('node1', story.store);
  await story.calm();
  assert.deepEqual(story.bodies(), ['queued']);
  await story.stop();
});

test('delivery: the hub crashes with a queue, at any moment of the disk: what was answered for is delivered once', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const story = await new HubStory().start();
    const answered: string[] = [];
    for (let number = 0; number < 5; number++) {
      if ((await after(story, WAIT_MS, story.send(`message ${number}`))) === '250') answered.push(`message ${number}`);
    }
    const last = story.send('unanswered');
    last.catch(() => undefined);
    await story.clock.advance(WAIT_MS - (seed % 3));
    story.crash(seed);
    await story.start();
    story.copies.activate('node1', story.store);
    await story.calm();
    const bodies = story.bodies();
    assert.deepEqual(bodies.slice(0, answered.length), answered, `seed ${seed}`);
    assert.ok(bodies.length <= answered.length + 1, `seed ${seed}`);
    await story.stop();
    await story.start();
    await story.calm();
    assert.equal(story.bodies().length, bodies.length, 'what was confirmed is not queued again');
    await story.stop();
  }
});

test('delivery: sync-strict and no copy: 451, and nothing is kept', async () => {
  const story = await new HubStory('sync-strict').start();
  assert.equal(await after(story, WAIT_MS, story.send('strict')), '451');
  assert.equal(story.queue.status.queuedMessages, 0);
  await story.stop();
});

test('delivery: sync-strict and the copy dies while it commits: no answer at all, for nobody knows', async () => {
  const story = await new HubStory('sync-strict').start();
  story.copies.activate('node1', story.store);
  await settle();
  story.store.hold();
  const sending = story.send('unknown');
  await settle();
  story.copies.crash('node1');
  assert.equal(await after(story, 2 * WAIT_MS, sending), 'no-answer');
  await story.stop();
});

test('delivery: the queue is full: 452', async () => {
  const story = new HubStory();
  story.limits = { ...story.limits, maxQueuedMessages: 1 };
  await story.start();
  assert.equal(await after(story, WAIT_MS, story.send('fits')), '250');
  assert.equal(await after(story, WAIT_MS, story.send('does not')), '452');
  await story.stop();
});

test('delivery: a queued message is not taken by the copy: it is kept, tried again, and does not stop the others', async () => {
  const story = await new HubStory().start();
  assert.equal(await after(story, WAIT_MS, story.send('late', ['carla@example.com'])), '250');
  assert.equal(await after(story, WAIT_MS, story.send('next')), '250');
  story.copies.activate('node1', story.store);
  await story.calm();
  assert.deepEqual(story.bodies(), ['next']);
  assert.equal(story.queue.status.parkedMessages, 1);
  story.store.add('carla@example.com', null);
  await story.clock.advance(redeliveryLimits.parkedRetryMs);
  assert.deepEqual(story.bodies('carla@example.com'), ['late']);
  assert.equal(story.queue.status.queuedMessages, 0);
  await story.stop();
});

test('dumpster: async mode: confirmed messages stay, and a lossy takeover gets them once more', async () => {
  const story = await new HubStory('async').start();
  story.copies.activate('node1', story.store);
  await settle();
  for (let number = 0; number < 10; number++)
    assert.equal(await after(story, 1, story.send(`message ${number}`)), '250');
  assert.equal(story.queue.status.dumpsterMessages, 10);
  story.copies.crash('node1');
  await settle();
  story.store.forgetDeliveries();
  story.copies.activate('node2', story.store, true);
  await story.calm();
  assert.deepEqual(
    story.bodies(),
    Array.from({ length: 10 }, (_, number) => `message ${number}`),
  );
  assert.equal(story.queue.status.dumpsterMessages, 10);
  await story.stop();
});

test('dumpster: a takeover without loss: nothing is sent again', async () => {
  const story = await new HubStory('async').start();
  story.copies.activate('node1', story.store);
  await settle();
  assert.equal(await after(story, 1, story.send('calm')), '250');
  story.copies.activate('node2', story.store);
  await story.calm();
  assert.equal(story.store.attempts, 1);
  await story.stop();
});

test('dumpster: an epoch passed unseen: it may have lost records, so the messages are sent again and taken once', async () => {
  const story = await new HubStory('async').start();
  story.copies.activate('node1', story.store);
  await settle();
  assert.equal(await after(story, 1, story.send('careful')), '250');
  story.copies.services.get('node1')?.activate({ epoch: 5, lossy: false, mode: 'async', store: story.store });
  await story.calm();
  assert.equal(story.store.attempts, 2);
  assert.deepEqual(story.bodies(), ['careful']);
  await story.stop();
});

test('dumpster: the hub restarts, then the takeover loses records: what is in the log comes back', async () => {
  const story = await new HubStory('async').start();
  story.copies.activate('node1', story.store);
  await settle();
  for (let number = 0; number < 5; number++)
    assert.equal(await after(story, 1, story.send(`message ${number}`)), '250');
  await story.stop();
  await story.start();
  assert.equal(story.queue.status.dumpsterMessages, 5);
  story.store.forgetDeliveries();
  story.copies.activate('node2', story.store, true);
  await story.calm();
  assert.equal(story.bodies().length, 5);
  await story.stop();
});

test('dumpster: more than its size: the oldest go, and their log files with them', async () => {
  const story = new HubStory('async');
  story.limits = { ...story.limits, maxDumpsterBytes: 200_000 };
  await story.start();
  story.copies.activate('node1', story.store);
  await settle();
  for (let number = 0; number < 100; number++) {
    assert.equal(await after(story, 1, story.send(`${number} ${'x'.repeat(10_000)}`)), '250');
  }
  await story.calm();
  assert.ok(story.queue.status.dumpsterBytes <= 200_000);
  assert.ok(story.log.firstGeneration > 5, `${story.log.firstGeneration} of ${story.log.generation}`);
  await story.stop();
});

test('dumpster: a message that nobody takes: it is moved forward, and the log does not grow behind it', async () => {
  const story = new HubStory('async');
  story.limits = { ...story.limits, maxDumpsterBytes: 50_000, maxIdleFiles: 4 };
  await story.start();
  assert.equal(await after(story, WAIT_MS, story.send('stuck', ['carla@example.com'])), '250');
  story.copies.activate('node1', story.store);
  await story.calm();
  for (let number = 0; number < 100; number++) {
    assert.equal(await after(story, 1, story.send(`${number} ${'x'.repeat(10_000)}`)), '250');
  }
  await story.calm();
  assert.ok(
    story.log.generation - story.log.firstGeneration < 10,
    `${story.log.firstGeneration} to ${story.log.generation}`,
  );
  story.store.add('carla@example.com', null);
  await story.clock.advance(redeliveryLimits.parkedRetryMs);
  assert.deepEqual(story.bodies('carla@example.com'), ['stuck']);
  await story.stop();
});

test('dumpster: some recipients are refused: the others alone are kept for another delivery', async () => {
  const story = await new HubStory('async').start();
  story.copies.activate('node1', story.store);
  await settle();
  assert.equal(await after(story, 1, story.send('half', [ANNA, 'carla@example.com'])), '250 550');
  assert.equal(await after(story, 1, story.send('none', ['carla@example.com'])), '550');
  story.store.add('carla@example.com', null);
  story.store.forgetDeliveries();
  story.copies.activate('node2', story.store, true);
  await story.calm();
  assert.deepEqual([story.bodies(), story.bodies('carla@example.com')], [['half'], []]);
  await story.stop();
});

test("delivery: the log of the queue fails: the client gets no answer, and the queue's owner hears of it", async () => {
  for (const mode of ['sync', 'async'] as const) {
    const story = await new HubStory(mode).start();
    story.device.failNext('append', new Error('EIO: i/o error, fdatasync'));
    await assert.rejects(after(story, WAIT_MS, story.send('lost')), /EIO/, mode);
    assert.match(story.logFailures[0]?.message ?? '', /EIO/);
  }
});

test('delivery: the log of the queue fails at a confirmation that nobody waits for: its owner hears of it at the next message', async () => {
  const story = await new HubStory().start();
  assert.equal(await after(story, WAIT_MS, story.send('first')), '250');
  story.device.failNext('append', new Error('EIO: i/o error, fdatasync'));
  story.copies.activate('node1', story.store);
  await story.calm();
  assert.deepEqual(story.bodies(), ['first']);
  story.copies.crash('node1');
  assert.notEqual(await after(story, WAIT_MS, story.send('second')), '250');
  assert.match(story.logFailures[0]?.message ?? '', /EIO/);
});
