import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { DuelTotals } from './testing/duel.ts';
import { ManualClock } from './testing/manual-clock.ts';
import { applying, directRegister, formedVotes } from './testing/votes.ts';

test('register: formed, changed, read by another proposer: both see one history', async () => {
  const clock = new ManualClock();
  const votes = await formedVotes();
  const one = directRegister(votes, clock, 'A', 1);
  const two = directRegister(votes, clock, 'B', 2);
  assert.equal(await one.peek({ timeoutMs: 100 }), undefined);
  assert.equal((await clock.until(one.change(applying('x'), { timeoutMs: 500 }))).kind, 'changed');
  const second = await clock.until(two.change(applying('y'), { timeoutMs: 500 }));
  assert(second.kind === 'changed' && second.document.version === 2);
  const read = await clock.until(one.change(() => undefined, { timeoutMs: 500 }));
  assert(read.kind === 'unchanged');
  assert.deepEqual(Object.keys(read.document?.nodes ?? {}), ['x', 'y']);
  assert.equal((await two.peek({ timeoutMs: 100 }))?.document.version, 2);
});

test('register: two of three votes are down: unavailable, and nothing changed', async () => {
  const clock = new ManualClock();
  const votes = await formedVotes();
  const register = directRegister(votes, clock, 'A');
  await clock.until(register.change(applying('x'), { timeoutMs: 500 }));
  for (const vote of votes.slice(0, 2)) vote.isUp = false;
  assert.equal((await clock.until(register.change(applying('y'), { timeoutMs: 500 }))).kind, 'unavailable');
  assert.equal(await clock.until(register.peek({ timeoutMs: 100 })), undefined);
  for (const vote of votes) vote.isUp = true;
  const read = await clock.until(register.change(() => undefined, { timeoutMs: 500 }));
  assert.equal(read.kind === 'unchanged' && read.document?.version, 1);
});

test('register: the votes die between prepare and accept: unknown, and settled by the next reading', async () => {
  const clock = new ManualClock();
  const votes = await formedVotes();
  const register = directRegister(votes, clock, 'A');
  await clock.until(register.change(applying('x'), { timeoutMs: 500 }));
  const outcome = await clock.until(
    register.change(
      (document) => {
        for (const vote of votes.slice(1)) vote.isUp = false;
        return applying('y')(document);
      },
      { timeoutMs: 500 },
    ),
  );
  assert.equal(outcome.kind, 'unknown');
  for (const vote of votes) vote.isUp = true;
  votes[0]!.isUp = false;
  const read = await clock.until(register.change(() => undefined, { timeoutMs: 500 }));
  assert.equal(read.kind === 'unchanged' && read.document?.version, 1);
  votes[0]!.isUp = true;
  const later = await clock.until(register.change(() => undefined, { timeoutMs: 500 }));
  assert.equal(later.kind === 'unchanged' && later.document?.version, 1, 'what a read ruled out does not come back');
});

test('register: a vote comes back from an old backup or empty: it counts for nothing (case 13)', async () => {
  const clock = new ManualClock();
  const votes = await formedVotes();
  const register = directRegister(votes, clock, 'A');
  await clock.until(register.change(applying('x'), { timeoutMs: 500 }));
  const backup = votes[2]!.stored;
  await clock.until(register.change(applying('y'), { timeoutMs: 500 }));
  votes[2]!.restore(backup);
  assert.equal((await clock.until(register.change(applying('z'), { timeoutMs: 500 }))).kind, 'changed');
  votes[1]!.isUp = false;
  assert.equal((await clock.until(register.change(applying('w'), { timeoutMs: 500 }))).kind, 'unavailable');
  votes[1]!.isUp = true;
  votes[0]!.restore(undefined);
  const outcome = await clock.until(register.change(applying('v'), { timeoutMs: 500 }));
  assert(outcome.kind === 'unavailable' && outcome.reason.includes('it holds no state'));
});

test('register: a bug in decide rejects, and the register goes on', async () => {
  const clock = new ManualClock();
  const register = directRegister(await formedVotes(), clock, 'A');
  const failing = register.change(
    () => {
      throw new TypeError('bug');
    },
    { timeoutMs: 500 },
  );
  await assert.rejects(clock.until(failing), TypeError);
  assert.equal((await clock.until(register.change(applying('x'), { timeoutMs: 500 }))).kind, 'changed');
});

test('register: duelling proposers, lost and late messages, dying votes: every change happens once or as reported', async () => {
  const worker = new Worker(new URL('./testing/duel.ts', import.meta.url), { workerData: { first: 1, last: 800 } });
  const [totals] = (await once(worker, 'message')) as [DuelTotals];
  const bites = totals.changed > 800 && totals.unknown > 500 && totals.never > 500;
  assert(bites, `The faults bite: ${JSON.stringify(totals)}`);
});
