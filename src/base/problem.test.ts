import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AssertionError, assert as insist, present, unreachable } from './assert.ts';
import { crc32, sha256 } from './checksum.ts';
import { silentLogger } from './logger.ts';
import { isProblem, messageOf, Problem } from './problem.ts';

test('problem: the world is wrong: the code tells which way, and whether waiting helps', () => {
  const cause = new Error('ENOSPC');
  const full = new Problem('DiskFull', 'Cannot append a record: the disk is full', { temporary: true, cause });
  const questions = [isProblem(full), isProblem(full, 'DiskFull'), isProblem(full, 'DiskGone'), isProblem(cause)];
  assert.deepEqual(questions, [true, true, false, false]);
  assert.equal(full.temporary, true);
  assert.equal(full.cause, cause);
  assert.equal(new Problem('DiskGone', 'Cannot read').temporary, false);
  assert.ok(!('cause' in new Problem('DiskGone', 'Cannot read')));
});

test('problem: whatever was thrown: has one line', () => {
  assert.equal(messageOf(new Error('a')), 'a');
  assert.equal(messageOf('b'), 'b');
  assert.equal(messageOf(undefined), 'undefined');
});

test('assert: we are wrong: it says so, and falsy values that are there are present', () => {
  assert.throws(() => insist(0, 'zero'), new AssertionError('zero'));
  assert.equal(present(0, 'number'), 0);
  assert.equal(present('', 'text'), '');
  assert.throws(() => present(null, 'nothing'), AssertionError);
  assert.throws(() => present(undefined, 'nothing'), AssertionError);
  assert.throws(() => unreachable('a' as never), /does not exist: a/);
});

test('checksum: known inputs: give the published values, in one piece and in two', () => {
  const text = Buffer.from('123456789');
  assert.equal(crc32(text), 0xcbf43926);
  assert.equal(crc32(text.subarray(4), crc32(text.subarray(0, 4))), 0xcbf43926);
  assert.equal(crc32(Buffer.alloc(0), 77), 77);
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  assert.equal(sha256(Buffer.from('abc')).toString('hex'), abc);
  assert.equal(sha256(Buffer.from('a'), Buffer.from('bc')).toString('hex'), abc);
});

test('logger: the silent one: stays silent in its children', () => {
  assert.equal(silentLogger.child({ part: 'x' }), silentLogger);
  assert.equal(silentLogger.info({}, 'started'), undefined);
});
