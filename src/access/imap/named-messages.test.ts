import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UidSet } from '../../mail/uid-set.ts';
import { namedMessages } from './named-messages.ts';

const view = Uint32Array.of(3, 5, 8, 13, 21);
const uid = (text: string) => ({ key: 'uid' as const, set: UidSet.parse(text) ?? assert.fail(text) });
const sequence = (text: string) => ({ ...uid(text), key: 'sequence' as const });

test('named messages: sets alone: are the whole answer', () => {
  assert.deepEqual(namedMessages({ key: 'all' }, view), { uids: view, isAnswer: true });
  assert.deepEqual(namedMessages(uid('4:13'), view), { uids: [5, 8, 13], isAnswer: true });
  assert.deepEqual(namedMessages(sequence('1,4:5'), view), { uids: [3, 13, 21], isAnswer: true });
  assert.deepEqual(namedMessages(sequence('4:9'), view), { uids: [13, 21], isAnswer: true });
  assert.deepEqual(namedMessages(sequence('6:9'), view), { uids: [], isAnswer: true });
});

test('named messages: sets and other criteria: only the messages that all the sets name are left to look at', () => {
  const children = [uid('5:21'), { key: 'seen' as const }, sequence('1:3')];
  assert.deepEqual(namedMessages({ key: 'and', children }, view), { uids: [5, 8], isAnswer: false });
  const either = { key: 'or' as const, children };
  assert.deepEqual(namedMessages(either, view), { uids: view, isAnswer: false });
  assert.deepEqual(namedMessages({ key: 'not', child: uid('5') }, view), { uids: view, isAnswer: false });
});
