import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock, settle } from '../base/testing/manual-clock.ts';
import { CommitPoint, type ReplicationMode } from './commit-point.ts';
import { CopyHosts } from './copy-hosts.ts';
import { DatabaseGate } from './database-gate.ts';
import { replicationLimits } from './limits.ts';

/** The active copy `a` with ten records, and others that have none of them. */
function world(options: { mode?: ReplicationMode; others?: readonly string[] } = {}) {
  const { mode = 'async', others = ['b'] } = options;
  const clock = new ManualClock();
  const copies = new CopyHosts('a', ['a', ...others]);
  const commit = new CommitPoint({ mode, copies, inSync: ['a'], startLsn: 0 });
  commit.localDurable(10);
  const connected = new Set(others);
  const log = { generation: 1 };
  const state: { ended?: string } = {};
  const gate = new DatabaseGate({
    mode,
    copies,
    clock,
    commit,
    isConnected: (host) => connected.has(host),
    generation: () => log.generation,
    ended: () => state.ended,
  });
  const answers: (boolean | string)[] = [];
  const ask = (): void => {
    gate.mayPass(10).then(
      (may) => answers.push(may),
      (error: Error) => answers.push(error.message),
    );
  };
  return { clock, commit, connected, log, state, answers, ask };
}

test('database gate: async: the records are on their way: the commit waits for a moment, and then for the next time', async () => {
  const { clock, commit, answers, ask } = world();
  ask();
  await clock.advance(replicationLimits.databaseWaitMs / 2);
  assert.deepEqual(answers, [], 'it waits');
  commit.remoteDurable('b', 10);
  await clock.advance(10);
  assert.deepEqual(answers, [true]);
  commit.forget('b');
  ask();
  await clock.advance(replicationLimits.databaseWaitMs);
  assert.deepEqual(answers, [true, false]);
});

test('database gate: async: a copy is away: nothing waits for it, also not for the others', async () => {
  const { clock, connected, answers, ask } = world({ others: ['b', 'c'] });
  connected.delete('c');
  ask();
  await settle();
  assert.deepEqual(answers, [false]);
  assert.equal(clock.pending, 0);
});

test('database gate: async: a copy is away for more log files than are held back: the database goes on without it', async () => {
  const { connected, log, answers, ask } = world();
  connected.clear();
  for (const generation of [
    1,
    1 + replicationLimits.lostLogResilienceDepth,
    2 + replicationLimits.lostLogResilienceDepth,
  ]) {
    log.generation = generation;
    ask();
    await settle();
  }
  assert.deepEqual(answers, [false, false, true]);
});

test('database gate: async: the copy goes away, or this one ends, in the middle of the wait: it is over at once', async () => {
  const { clock, connected, state, answers, ask } = world();
  ask();
  await clock.advance(20);
  connected.clear();
  await clock.advance(5);
  assert.deepEqual(answers, [false]);
  connected.add('b');
  ask();
  await clock.advance(20);
  state.ended = 'the lease is over';
  await clock.advance(5);
  assert.match(String(answers[1]), /the lease is over/);
});

test('database gate: sync: what is committed may enter', async () => {
  const { answers, ask } = world({ mode: 'sync' });
  ask();
  await settle();
  assert.deepEqual(answers, [true]);
});
