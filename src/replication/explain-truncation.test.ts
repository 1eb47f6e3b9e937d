import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeLsn } from '../log/lsn.ts';
import { explainTruncation, type TruncationFacts } from './explain-truncation.ts';

const file = (generation: number, last: number) => ({
  generation,
  lastLsn: makeLsn(1, last),
  sizeBytes: 1_048_576,
  createdMs: 0,
});

const facts: TruncationFacts = {
  files: [file(1, 10), file(2, 20), file(3, 30), file(90, 900)],
  generation: 100,
  checkpointedLsn: makeLsn(1, 20),
  copies: [{ host: 'node2', durableLsn: makeLsn(1, 15) }],
  heldLsns: [],
  circularLogging: true,
};

const reasonsOf = (change: Partial<TruncationFacts> = {}) =>
  explainTruncation({ ...facts, ...change }).map(({ reasons }) => reasons);

test('log truncation: circular logging: a file is kept by the checkpoint, by a copy, or as one of the newest', () => {
  assert.deepEqual(reasonsOf(), [
    [],
    ['needed by the copy on node2, which is at 1:15'],
    ['needed by the database, whose checkpoint is at 1:20', 'needed by the copy on node2, which is at 1:15'],
    [
      'needed by the database, whose checkpoint is at 1:20',
      'needed by the copy on node2, which is at 1:15',
      'one of the newest 64, kept for a copy that was away',
    ],
  ]);
});

test('log truncation: no circular logging: no file goes before a backup has it', () => {
  assert.ok(
    reasonsOf({ circularLogging: false }).every(([reason]) => reason === 'not backed up, and circular logging is off'),
  );
});

test('log truncation: a seed under way: keeps what lies behind its snapshot', () => {
  assert.deepEqual(reasonsOf({ heldLsns: [makeLsn(1, 10)], copies: [] }).slice(0, 2), [
    [],
    ['needed by a copy that is being seeded'],
  ]);
});
