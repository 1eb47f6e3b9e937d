import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultLog } from './fault-log.ts';

test('fault log: faults that overlap: each pair of kinds is counted once, those that are over are not', () => {
  const log = new FaultLog();
  log.began('kill');
  log.began('freeze');
  log.ended('kill');
  log.began('move');
  log.began('move');
  assert.deepEqual(log.counts, { kill: 1, freeze: 1, move: 2 });
  assert.deepEqual(log.pairs, { 'freeze + kill': 1, 'freeze + move': 2, 'move + move': 1 });
});
