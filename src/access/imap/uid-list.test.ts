import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UidList } from './uid-list.ts';

test('uid list: messages come and go: positions are those of the list that is left', () => {
  const list = new UidList([2, 5, 9]);
  assert.deepEqual(
    [2, 5, 9, 4, 10].map((uid) => list.sequenceOf(uid)),
    [1, 2, 3, undefined, undefined],
  );
  const before = list.all;
  list.append(Array.from({ length: 100 }, (_, index) => 10 + index));
  assert.deepEqual([...before], [2, 5, 9]);
  assert.equal(list.length, 103);
  assert.equal(list.sequenceOf(109), 103);
  assert.deepEqual(list.remove(new Set([5, 10, 77])), [2, 4, 71]);
  assert.deepEqual([...list.all.subarray(0, 4)], [2, 9, 11, 12]);
  assert.deepEqual([...before], [2, 5, 9]);
  list.append([200]);
  assert.equal(list.sequenceOf(200), 101);
});

test('uid list: an empty one: has no positions, and takes what comes', () => {
  const list = new UidList([]);
  assert.equal(list.sequenceOf(1), undefined);
  list.append([1]);
  assert.equal(list.sequenceOf(1), 1);
});
