/** The protocol's cases as stories. The numbers are those of its table. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { compose } from './changes.ts';
import {
  evictNode,
  readmitNode,
  removeCopy,
  removeMachine,
  setMode,
  setMounted,
  startServer,
  stopServer,
} from './configuration-changes.ts';
import type { RegisterDocument } from './register-document.ts';
import { ClusterWorld, GROUP } from './testing/cluster-world.ts';
import type { StormTotals } from './testing/ownership-storm.ts';

test('case 1: B dies: A shrinks the set through W and goes on; B, back, may not lead', async () => {
  const world = await ClusterWorld.running();
  const epoch = (await world.group()).epoch;
  world.kill('B');
  await world.pass(500);
  assert.equal(await world.clock.until(world.service('A').requestShrink(GROUP, epoch, ['A'])), 'changed');
  assert.deepEqual(world.copy('A').inSync, ['A']);
  await world.pass(3_000);
  assert(world.copy('A').isServing);
  world.kill('A');
  world.start('B');
  await world.pass(6_000);
  assert(!world.copy('B').isServing);
  assert.equal((await world.group()).active, 'A');
});

test('case 2: A and B do not see each other, both see W: A stays, whoever asks first; B is not fooled', async () => {
  const world = await ClusterWorld.running();
  const { epoch } = await world.group();
  world.cut('A', 'B');
  world.cut('B', 'A');
  await world.pass(5_000);
  assert(world.copy('A').isServing, 'its lease is renewed through W');
  assert.equal(await world.clock.until(world.service('A').requestShrink(GROUP, epoch, ['A'])), 'changed');
  world.kill('A');
  await world.pass(5_000);
  assert(!world.copy('B').isServing, 'the set is [A]');
});

test('case 2, the other way: A stands still, B wins: A, awake, steps down and its shrink is refused', async () => {
  const world = await ClusterWorld.running();
  const { epoch } = await world.group();
  world.hosts.A.clock.freeze();
  await world.passUntil(() => world.copy('B').isServing);
  const shrink = world.service('A').requestShrink(GROUP, epoch, ['A']);
  world.hosts.A.clock.wake('stopped process');
  assert.notEqual(await world.clock.until(shrink), 'changed');
  await world.passUntil(() => world.copy('A').grant === undefined, 3_000);
  assert(world.copy('B').isServing);
  assert.equal((await world.group()).active, 'B');
});

test('case 3: A is cut off: it stops within its lease, and B serves within 2.5 s, never both', async () => {
  const world = await ClusterWorld.running();
  world.cut('A', 'B', 'W');
  world.cut('B', 'A');
  const stoppedAfterMs = await world.passUntil(() => !world.copy('A').isServing);
  assert(stoppedAfterMs <= 1_510, `A served for ${stoppedAfterMs} ms`);
  const servedAfterMs = stoppedAfterMs + (await world.passUntil(() => world.copy('B').isServing));
  assert(servedAfterMs <= 2_500, `B served after ${servedAfterMs} ms`);
  assert.deepEqual((await world.group()).inSync, ['B']);
  world.heal('A');
  await world.pass(2_000);
  assert.equal(world.copy('A').grant, undefined, 'A has stepped down');
  assert(world.copy('B').isServing);
});

test('case 4: A dies, both in sync: B fences first, takes over after the grace, under the next epoch', async () => {
  const world = await ClusterWorld.running();
  const before = await world.group();
  world.kill('A');
  const servedAfterMs = await world.passUntil(() => world.copy('B').isServing);
  assert(servedAfterMs > 1_400 && servedAfterMs <= 2_500, `B served after ${servedAfterMs} ms`);
  const after = await world.group();
  assert.deepEqual([after.epoch, after.active, after.inSync], [before.epoch + 1, 'B', ['B']]);
  assert.deepEqual(world.copy('B').events, [`fence ${after.epoch}`, `activate ${after.epoch}`]);
  assert.equal(world.copy('B').grant?.lossy, null);
});

test('case 5: A dies alone in the set, sync: B waits with a reason; an administrator may force it', async () => {
  const world = await ClusterWorld.running({ inSync: ['A'] });
  world.copy('B').facts = { ...world.copy('B').facts, durableLsn: 900, endLsn: 900, generation: 8 };
  const refused = await world.clock.until(world.service('B').force(GROUP));
  assert.equal(refused.kind, 'not-moved', 'not while A lives');
  world.kill('A');
  await world.pass(6_000);
  assert(!world.copy('B').isServing);
  assert.match(world.service('B').status().seats.get(GROUP)?.waitReason ?? '', /only A holds everything/);
  assert.deepEqual(await world.clock.until(world.service('B').force(GROUP)), { kind: 'moved' });
  assert(world.copy('B').isServing);
  assert.equal(world.copy('B').grant?.lossy?.cause, 'administrator');
  assert.equal(world.copy('B').grant?.lossy?.missingGenerations, 2);
});

test('case 5: A dies, async: B leads within the dial and records the loss; beyond it, it waits', async () => {
  for (const [generation, isLeading] of [
    [4, true],
    [3, false],
  ] as const) {
    const world = await ClusterWorld.running({ inSync: ['A'], mode: 'async' });
    world.copy('B').facts = { ...world.copy('B').facts, durableLsn: 500, endLsn: 500, generation };
    world.kill('A');
    await world.pass(4_000);
    assert.equal(world.copy('B').isServing, isLeading, `generation ${generation} of 10`);
    assert.equal((await world.group()).lossy?.missingGenerations, isLeading ? 6 : undefined);
  }
});

test('case 7: A returns alone: no majority, nothing is mounted', async () => {
  const world = await ClusterWorld.formed();
  world.votes.B.isUp = false;
  world.votes.W.isUp = false;
  world.start('A');
  await world.pass(8_000);
  assert(!world.copy('A').isServing);
  assert(!world.service('A').status().hasMajority);
});

test('case 8: everything stopped, the owner is first: it raises the epoch at once and keeps the set', async () => {
  const world = await ClusterWorld.formed({ epoch: 7 });
  world.votes.B.isUp = false;
  world.start('A');
  const servedAfterMs = await world.passUntil(() => world.copy('A').isServing);
  assert(servedAfterMs < 700, `A served after ${servedAfterMs} ms`);
  const group = await world.group();
  assert.deepEqual([group.epoch, group.active, group.inSync], [8, 'A', ['A', 'B']]);
});

test('case 9: everything stopped, the other one is first: it waits the grace, then leads', async () => {
  const world = await ClusterWorld.formed({ epoch: 7 });
  world.votes.A.isUp = false;
  world.start('B');
  const servedAfterMs = await world.passUntil(() => world.copy('B').isServing);
  assert(servedAfterMs >= 1_900 && servedAfterMs < 2_600, `B served after ${servedAfterMs} ms`);
});

test('case 10: the sole survivor comes back shorter than the hint: it does not mount, an administrator may', async () => {
  const world = await ClusterWorld.formed({ inSync: ['A'], hint: { lsn: 1_001, generation: 10 } });
  world.start('A');
  world.start('B');
  await world.pass(5_000);
  assert(!world.copy('A').isServing && !world.copy('B').isServing);
  assert.match(world.service('A').status().seats.get(GROUP)?.waitReason ?? '', /log here ends at 1000/);
  assert.deepEqual(await world.clock.until(world.service('A').force(GROUP)), { kind: 'moved' });
});

test('case 10, with another copy in sync: the owner whose disk forgot gives up, the other one leads', async () => {
  const world = await ClusterWorld.formed();
  world.copy('A').facts = { ...world.copy('A').facts, durableLsn: 900, endLsn: 900, generation: 9 };
  world.start('A');
  world.start('B');
  await world.passUntil(() => world.copy('B').isServing, 3_000);
  assert.equal(world.copy('A').grant, undefined);
});

test('case 11: partition in time: B comes up with W after A went on alone: it waits', async () => {
  const world = await ClusterWorld.running();
  const { epoch } = await world.group();
  world.kill('B');
  assert.equal(await world.clock.until(world.service('A').requestShrink(GROUP, epoch, ['A'])), 'changed');
  world.kill('A');
  world.start('B');
  await world.pass(10_000);
  assert(!world.copy('B').isServing);
});

test('case 12: W is lost: nobody notices; then B as well: A stops', async () => {
  const world = await ClusterWorld.running();
  world.votes.W.isUp = false;
  await world.pass(4_000);
  assert(world.copy('A').isServing);
  assert.deepEqual(
    world.copy('A').events.filter((event) => event.startsWith('stepDown')),
    [],
  );
  world.kill('B');
  await world.pass(1_600);
  assert(!world.copy('A').isServing);
});

for (const pause of ['stopped process', 'suspended machine'] as const) {
  test(`case 14: A is paused for 10 s (${pause}): awake, it does not answer once more`, async () => {
    const world = await ClusterWorld.running();
    world.hosts.A.clock.freeze();
    const frozen = world.copy('A');
    await world.clock.run(10_000);
    assert(world.copy('B').isServing);
    world.hosts.A.clock.wake(pause);
    assert(!frozen.isServing, 'the very moment it wakes');
    await world.pass(3_000);
    assert.equal(frozen.grant, undefined);
    assert(world.copy('B').isServing);
  });
}

test('case 14, nobody else took over: the paused machine answers again only after its next renewal', async () => {
  const world = await ClusterWorld.running({ inSync: ['A'] });
  world.hosts.A.clock.freeze();
  await world.clock.run(10_000);
  world.hosts.A.clock.wake('suspended machine');
  assert(!world.copy('A').isServing);
  await world.passUntil(() => world.copy('A').isServing, 3_000);
});

test('case 16: planned move: drained, handed over, no grace; the old one follows and stays in sync', async () => {
  const world = await ClusterWorld.running();
  const before = await world.group();
  const move = world.service('A').handOff(GROUP, 'B');
  assert.deepEqual(await world.clock.until(move), { kind: 'moved' });
  world.service('B').nudge();
  const servedAfterMs = await world.passUntil(() => world.copy('B').isServing);
  assert(servedAfterMs <= 200, `B served after ${servedAfterMs} ms`);
  const after = await world.group();
  assert(after.epoch > before.epoch);
  assert.deepEqual([after.active, after.inSync], ['B', ['A', 'B']]);
  assert.equal(world.copy('A').grant, undefined);
});

test('case 16: the log does not drain, or the target may not lead: A goes on', async () => {
  const world = await ClusterWorld.running({ inSync: ['A'] });
  assert.equal((await world.clock.until(world.service('A').handOff(GROUP, 'B'))).kind, 'not-moved');
  world.copy('A').canDrain = false;
  assert.equal((await world.clock.until(world.service('A').handOff(GROUP, 'B'))).kind, 'not-moved');
  assert.equal(world.copy('A').events.filter((event) => event.startsWith('resume')).length, 2);
  await world.pass(2_000);
  assert(world.copy('A').isServing);
});

test('case 17: fdatasync fails on A: it gives up at once, B leads without waiting the grace', async () => {
  const world = await ClusterWorld.running();
  const { epoch } = await world.group();
  world.copy('A').grant = undefined;
  world.copy('A').facts = { ...world.copy('A').facts, state: 'failed', failedMessage: 'fdatasync failed' };
  assert.equal(await world.clock.until(world.service('A').giveUpLease(GROUP, epoch, 'fdatasync failed')), 'changed');
  const servedAfterMs = await world.passUntil(() => world.copy('B').isServing);
  assert(servedAfterMs <= 400, `B served after ${servedAfterMs} ms`);
});

test('case 18: a process dies once: restarted here under a new epoch; again: given up to B', async () => {
  const world = await ClusterWorld.running();
  const { epoch } = await world.group();
  assert.equal(await world.clock.until(world.service('A').copyDied(GROUP)), 'restart');
  world.service('A').attach(GROUP, world.restartCopy('A'));
  await world.passUntil(() => world.copy('A').isServing, 1_000);
  assert.equal((await world.group()).epoch, epoch + 1);
  world.copy('A').isDead = true;
  assert.equal(await world.clock.until(world.service('A').copyDied(GROUP)), 'give-up');
  await world.passUntil(() => world.copy('B').isServing, 1_000);
});

test('ownership: the takeover has an unknown outcome: B stays fenced until it knows, then goes one way', async () => {
  let unknown = 0;
  for (let seed = 1; seed <= 6; seed++) {
    const world = await ClusterWorld.running({}, seed);
    const { epoch } = await world.group();
    world.kill('A');
    const hasAccepted = () => world.votes.W.stored?.includes('\\"active\\":\\"B\\"') ?? false;
    while (!hasAccepted()) await world.clock.run(1);
    if (world.copy('B').isServing) continue;
    // W has accepted; its answer will not come, and whether B's own vote has is up to the seed.
    unknown++;
    world.cut('B', 'B', 'W');
    await world.pass(3_000);
    assert(!world.copy('B').isServing);
    assert(!world.copy('B').acknowledges(epoch), 'fenced as long as it is not known');
    assert(!world.copy('B').events.some((event) => event.startsWith('unfence')));
    world.heal('B');
    await world.passUntil(() => world.copy('B').isServing);
    assert((await world.group()).epoch > epoch);
  }
  assert(unknown >= 3, `The cut came in time ${unknown} times`);
});

test('ownership: a host died over its takeover, with a promise that came to nothing: B listens to A again', async () => {
  const world = await ClusterWorld.formed();
  world.copy('B').fencedEpoch = 9;
  world.start('A');
  world.start('B');
  await world.passUntil(() => world.copy('A').isServing);
  await world.passUntil(() => world.copy('B').acknowledges(world.copy('A').grant?.epoch ?? 0), 2_000);
});

test('ownership: the owner itself died so: it takes its group under an epoch above the promise', async () => {
  const world = await ClusterWorld.formed();
  world.copy('A').fencedEpoch = 9;
  world.start('A');
  await world.passUntil(() => world.copy('A').isServing, 2_000);
  assert.equal(world.copy('A').grant?.epoch, 10);
});

test('ownership: a hint rides on the next renewal; one of a lower epoch is refused', async () => {
  const world = await ClusterWorld.running();
  const { epoch } = await world.group();
  const service = world.service('A');
  assert.equal(await world.clock.until(service.publishHint(GROUP, epoch, { lsn: 1_500, generation: 12 })), 'changed');
  assert.deepEqual((await world.group()).hint, { lsn: 1_500, generation: 12 });
  assert.equal(
    await world.clock.until(service.publishHint(GROUP, epoch - 1, { lsn: 9_999, generation: 99 })),
    'refused',
  );
});

test('ownership: a joiner is recorded, and the owner is told what is durable', async () => {
  const world = await ClusterWorld.running({ inSync: ['A'] });
  const { epoch } = await world.group();
  assert.equal(await world.clock.until(world.service('A').requestGrow(GROUP, epoch, 'B')), 'changed');
  assert.deepEqual(world.copy('A').inSync, ['A', 'B']);
  assert.equal(
    await world.clock.until(world.service('B').requestGrow(GROUP, epoch, 'A')),
    'refused',
    'B is not the owner',
  );
});

test('ownership: stop of the server and dismount are obeyed everywhere, and start brings it back', async () => {
  const world = await ClusterWorld.running();
  await world.administer((document) => document && stopServer(document, 'mbx01', 'maintenance'));
  await world.pass(5_000);
  assert(!world.copy('A').isServing && !world.copy('B').isServing);
  await world.administer((document) => document && startServer(document, 'mbx01'));
  await world.passUntil(() => world.copy('A').isServing || world.copy('B').isServing);
  await world.administer((document) => document && setMounted(document, GROUP, false));
  await world.pass(5_000);
  assert(!world.copy('A').isServing && !world.copy('B').isServing);
});

test('ownership: the mode changes: the owner begins a new epoch under it', async () => {
  const world = await ClusterWorld.running();
  await world.administer((document) => document && setMode(document, GROUP, 'async'));
  await world.passUntil(() => world.copy('A').grant?.mode === 'async', 3_000);
  assert.deepEqual((await world.group()).inSync, ['A']);
});

test('ownership: two machines under one name: the older run steps down and ends', async () => {
  const world = await ClusterWorld.running();
  const first = world.copy('A');
  world.start('A');
  await world.passUntil(() => world.hosts.A.isSuperseded, 3_000);
  assert.equal(first.grant, undefined);
  await world.passUntil(() => world.copy('A').isServing || world.copy('B').isServing);
});

test('ownership: a node is evicted while it is dead: back, it leads and joins nothing, and says so; added again, it joins', async () => {
  const world = await ClusterWorld.running();
  const { epoch } = await world.group();
  world.kill('B');
  const evict = [
    (document: RegisterDocument) => removeCopy(document, GROUP, 'B', epoch),
    (document: RegisterDocument) => removeMachine(document, 'mbx01', 'B'),
    (document: RegisterDocument) => evictNode(document, 'B'),
  ];
  const incarnation = (await world.document()).nodes['B']?.incarnation;
  await world.administer((document) => document && compose(document, evict));
  world.start('B');
  await world.passUntil(() => world.hosts.B.evictions > 0, 3_000);
  world.kill('A');
  await world.pass(10_000);
  assert.equal(world.copy('B').isServing, false);
  assert.deepEqual([world.hosts.B.evictions, world.service('B').status().isEvicted], [1, true]);
  assert.equal((await world.document()).nodes['B']?.incarnation, incarnation, 'it has not joined');
  await world.administer((document) => document && readmitNode(document, 'B'));
  await world.pass(3_000);
  assert.equal(world.service('B').status().isEvicted, false);
  assert.equal((await world.document()).nodes['B']?.incarnation, (incarnation ?? 0) + 1);
});

test('ownership: an activation fails: given up to the other copy, which leads', async () => {
  const world = await ClusterWorld.formed();
  world.start('A');
  world.copy('A').activationError = new Error('database is damaged');
  world.start('B');
  await world.passUntil(() => world.copy('B').isServing, 4_000);
});

test('ownership: a service that stops says so: the other one need not wait', async () => {
  const world = await ClusterWorld.running();
  await world.clock.until(world.service('A').stop());
  world.kill('A');
  const servedAfterMs = await world.passUntil(() => world.copy('B').isServing);
  assert(servedAfterMs <= 400, `B served after ${servedAfterMs} ms`);
});

test('ownership: the wall clock is set while nothing else happens: silent until the next renewal, then on', async () => {
  const world = await ClusterWorld.running();
  world.clock.jumpWall(-3_600_000);
  assert(!world.copy('A').isServing);
  await world.passUntil(() => world.copy('A').isServing, 500);
});

test('ownership: storms of deaths, pauses and cuts: whoever leads has all that was answered, and somebody leads in the end', async () => {
  const worker = new Worker(new URL('./testing/ownership-storm.ts', import.meta.url), {
    workerData: { first: 1, last: 40 },
  });
  const [totals] = (await once(worker, 'message')) as [StormTotals];
  const bites = totals.takeovers > 80 && totals.shrinks > 30 && totals.grows > 20 && totals.answered > 1_000;
  assert(bites, `The storms bite: ${JSON.stringify(totals)}`);
});
