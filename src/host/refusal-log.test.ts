import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../base/logger.ts';
import { RefusalLog } from './refusal-log.ts';

function recorded() {
  const lines: { from?: string; count?: number }[] = [];
  let nowMs = 0;
  const logger = { ...silentLogger, warn: (fields: object) => void lines.push(fields) };
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { lines, log: new RefusalLog(logger, () => nowMs), pass };
}

test('refused connections: one address again and again: one line a minute, with how many there were', () => {
  const { lines, log, pass } = recorded();
  for (let time = 0; time < 600; time++) {
    log.note('mbx01-node1/cluster', '10.0.0.1', 'socket hang up');
    pass(100);
  }
  assert.deepEqual(lines, [{ endpoint: 'mbx01-node1/cluster', from: '10.0.0.1', count: 1, reason: 'socket hang up' }]);
  log.note('mbx01-node1/cluster', '10.0.0.1', 'socket hang up');
  assert.equal(lines[1]?.count, 600);
});

test('refused connections: several addresses: each has its own line', () => {
  const { lines, log } = recorded();
  for (const from of ['10.0.0.1', '10.0.0.2', '10.0.0.1']) log.note('mbx01-node1/cluster', from, 'x');
  assert.deepEqual(
    lines.map((line) => line.from),
    ['10.0.0.1', '10.0.0.2'],
  );
});

test('refused connections: ten thousand addresses: what is remembered stays bounded', () => {
  const { lines, log } = recorded();
  for (let index = 0; index < 10_000; index++) log.note('a/cluster', `10.0.${index >> 8}.${index & 255}`, 'x');
  for (let index = 9_800; index < 10_000; index++) log.note('a/cluster', `10.0.${index >> 8}.${index & 255}`, 'x');
  assert.equal(lines.length, 10_000);
});
