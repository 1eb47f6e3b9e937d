import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isProblem } from '../base/problem.ts';
import {
  decodeSourceFrame,
  decodeTargetFrame,
  encodeSourceFrame,
  encodeTargetFrame,
  parseReplicationHello,
  type SourceFrame,
  type TargetFrame,
} from './protocol.ts';

const sourceFrames: SourceFrame[] = [
  { type: 'start', epoch: 3, commonLsn: 3 * 2 ** 32 + 7, chain: 0xdeadbeef },
  { type: 'seed-needed', epoch: 3, reason: 'its log is of another stream' },
  { type: 'file', epoch: 4, header: Buffer.alloc(4096, 7) },
  { type: 'records', epoch: 4, committedLsn: 12, frames: Buffer.from('records') },
  { type: 'progress', epoch: 4, progress: { committedLsn: 1, endLsn: 2, generation: 3, inSync: true } },
];

const targetFrames: TargetFrame[] = [
  { type: 'acknowledge', epoch: 4, durableLsn: 9, appliedLsn: 8, generation: 2 },
  { type: 'refuse', epoch: 5 },
];

test('replication protocol: every frame: comes out as it went in', () => {
  for (const frame of sourceFrames) assert.deepEqual(decodeSourceFrame(encodeSourceFrame(frame)), frame);
  for (const frame of targetFrames) assert.deepEqual(decodeTargetFrame(encodeTargetFrame(frame)), frame);
});

test('replication protocol: hostile frames: a Problem, never a crash', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      for (const decode of [decodeSourceFrame, decodeTargetFrame]) {
        try {
          decode(Buffer.from(bytes));
        } catch (error) {
          assert.ok(isProblem(error), String(error));
        }
      }
    }),
  );
});

test('replication protocol: hostile hellos: a Problem, never a crash', () => {
  const hello = {
    service: 'replication',
    storageGroup: 'g',
    incarnation: 1,
    epoch: 2,
    logSignature: '',
    ends: [],
    seededLsn: 0,
    formats: { lowest: 1, highest: 2 },
  };
  assert.deepEqual(parseReplicationHello(hello), hello);
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(hello)), fc.anything(), (field, value) => {
      try {
        parseReplicationHello({ ...hello, [field]: value });
      } catch (error) {
        assert.ok(isProblem(error, 'Malformed'), String(error));
      }
    }),
  );
  for (const value of [null, 1, 'x', [], { ...hello, ends: [null] }, { ...hello, ends: [{ epoch: -1, lastLsn: 0 }] }]) {
    assert.throws(
      () => parseReplicationHello(value),
      (error) => isProblem(error, 'Malformed'),
    );
  }
});
