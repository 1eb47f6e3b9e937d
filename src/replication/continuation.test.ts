import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isProblem } from '../base/problem.ts';
import { makeLsn } from '../log/lsn.ts';
import { type ContinuationFacts, decideContinuation } from './continuation.ts';

const LSN = makeLsn(2, 7);
const CHAIN = 0x1234;
const PLACE = { lsn: LSN, generation: 3, position: 4_096, chain: CHAIN };
const whole: ContinuationFacts = {
  commonLsn: LSN,
  chain: CHAIN,
  generation: 3,
  endLsn: LSN,
  appliedLsn: LSN,
  place: PLACE,
};

test('continuation: the log ends with the common record: it stays as it is; with more, or in a later file: it is cut', () => {
  assert.equal(decideContinuation(whole), 'as-it-is');
  assert.equal(decideContinuation({ ...whole, endLsn: LSN + 1 }), 'cut');
  assert.equal(decideContinuation({ ...whole, generation: 4 }), 'cut');
});

test('continuation: no log, or one that ended before its first record: it begins with the active copy', () => {
  const none = { ...whole, commonLsn: 0, endLsn: 0, appliedLsn: 0, place: undefined };
  assert.equal(decideContinuation({ ...none, generation: 0 }), 'new');
  assert.equal(decideContinuation({ ...none, generation: 1 }), 'empty');
});

test('continuation: nothing in common, another history, or a database without its log: only a seed helps', () => {
  const others: Partial<ContinuationFacts>[] = [
    { commonLsn: 0, place: undefined },
    { commonLsn: 0, endLsn: 0, place: undefined },
    { place: undefined },
    { place: { ...PLACE, chain: CHAIN + 1 } },
  ];
  for (const other of others) {
    assert.throws(
      () => decideContinuation({ ...whole, ...other }),
      (error) => isProblem(error, 'Diverged'),
    );
  }
});
