import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../base/random.ts';
import { CommitPoint } from './commit-point.ts';
import { CopyHosts } from './copy-hosts.ts';

function pair(mode: 'sync' | 'sync-strict' | 'async', inSync: string[] = ['a', 'b']): CommitPoint {
  return new CommitPoint({ mode, copies: new CopyHosts('a', ['a', 'b']), inSync, startLsn: 0 });
}

test('commit point: both copies in sync: the slower one decides', () => {
  const commit = pair('sync');
  commit.localDurable(10);
  assert.equal(commit.committed, 0);
  commit.remoteDurable('b', 7);
  assert.equal(commit.committed, 7);
  commit.remoteDurable('b', 12);
  assert.equal(commit.committed, 10);
});

test('commit point: a copy is away: nothing moves until the register has recorded the smaller set', () => {
  const commit = pair('sync');
  commit.localDurable(10);
  commit.setUndecided('b');
  assert.equal(commit.committed, 0);
  assert.deepEqual(commit.missing(5), ['b']);
  assert.equal(commit.inSyncRecorded(['a']), true);
  assert.equal(commit.committed, 10);
});

test('commit point: a copy is joining: its word is required before the register names it', () => {
  const commit = pair('sync', ['a']);
  commit.localDurable(10);
  assert.equal(commit.committed, 10);
  commit.startJoining('b');
  commit.localDurable(20);
  assert.equal(commit.committed, 10);
  commit.remoteDurable('b', 20);
  assert.equal(commit.committed, 20);
});

test('commit point: the register may name a copy that went away while joining: its word stays required', () => {
  const commit = pair('sync', ['a']);
  commit.startJoining('b');
  commit.setUndecided('b');
  commit.stopJoining('b');
  commit.localDurable(10);
  assert.equal(commit.committed, 0);
  commit.inSyncRecorded(['a']);
  assert.equal(commit.committed, 10);
});

test('commit point: sync-strict: alone in the set is not enough', () => {
  const commit = pair('sync-strict', ['a']);
  commit.localDurable(10);
  assert.equal(commit.committed, 0);
  commit.remoteDurable('b', 10);
  assert.equal(commit.committed, 10);
});

test('commit point: async: this disk is enough', () => {
  const commit = pair('async');
  commit.localDurable(10);
  assert.equal(commit.committed, 10);
});

test('commit point: any order of events: it never goes back and never passes a required copy', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new SeededRandom(seed);
    const commit = new CommitPoint({
      mode: 'sync',
      copies: new CopyHosts('a', ['a', 'b', 'c']),
      inSync: ['a', 'b'],
      startLsn: 0,
    });
    let local = 0;
    for (let step = 0; step < 100; step++) {
      const before = commit.committed;
      const other = random.below(2) === 0 ? 'b' : 'c';
      switch (random.below(6)) {
        case 0:
          local += random.below(5);
          commit.localDurable(local);
          break;
        case 1:
          commit.remoteDurable(other, random.below(local + 1));
          break;
        case 2:
          commit.startJoining(other);
          break;
        case 3:
          commit.setUndecided(other);
          break;
        case 4:
          commit.stopJoining(other);
          break;
        default:
          commit.inSyncRecorded(random.below(2) === 0 ? ['a'] : ['a', other]);
      }
      assert.ok(commit.committed >= before, `seed ${seed}`);
      const moved = commit.committed > before;
      if (moved)
        for (const host of commit.required()) assert.ok(commit.durableAt(host) >= commit.committed, `seed ${seed}`);
    }
  }
});

test('commit point: a copy is removed: in sync by the register it is required all the same, in sync-strict it is not when the register has let it go', () => {
  const copies = new CopyHosts('a', ['a', 'b', 'c']);
  const commit = new CommitPoint({ mode: 'sync-strict', copies, inSync: ['a', 'b'], startLsn: 0 });
  assert.deepEqual([...commit.required()].sort(), ['b', 'c']);
  commit.localDurable(10);
  copies.become(['a']);
  assert.equal(commit.reconsider(), false);
  assert.deepEqual(commit.required(), ['b']);
  assert.equal(commit.inSyncRecorded(['a']), true);
  assert.equal(commit.committed, 10);
});
