import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  closedGeneration,
  closedName,
  decodeHeader,
  encodeHeader,
  firstLsnAfter,
  LOG_HEADER_BYTES,
} from './log-file.ts';
import { epochOf, formatLsn, MAX_EPOCH, makeLsn, numberOf } from './lsn.ts';

const HEADER = {
  signature: Buffer.from('0123456789abcdef'),
  generation: 12,
  epoch: 3,
  firstLsn: makeLsn(3, 8),
  previousLsn: makeLsn(3, 7),
  previousChain: 0xdeadbeef,
  createdMs: 1_800_000_000_123,
  previousCreatedMs: 1_800_000_000_001,
  sizeBytes: 1024 * 1024,
};

test('lsn: epoch and number: survive being one number, up to the last epoch', () => {
  for (const epoch of [0, 1, MAX_EPOCH]) {
    const lsn = makeLsn(epoch, 0xffff_ffff);
    assert.ok(Number.isSafeInteger(lsn));
    assert.deepEqual([epochOf(lsn), numberOf(lsn)], [epoch, 0xffff_ffff]);
  }
  assert.equal(formatLsn(makeLsn(5, 77)), '5:77');
  assert.throws(() => makeLsn(MAX_EPOCH + 1, 1));
});

test('log file: header: comes back as it was written', () => {
  const { crc, ...read } = decodeHeader(encodeHeader(HEADER)) ?? assert.fail('No header');
  assert.deepEqual(read, HEADER);
  assert.equal(typeof crc, 'number');
});

test('log file: header with any bit of its fields flipped: is no header', () => {
  const bytes = encodeHeader(HEADER);
  for (let bit = 0; bit < 96 * 8; bit++) {
    bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    assert.equal(decodeHeader(bytes), undefined, `bit ${bit}`);
    bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
  }
  assert.equal(decodeHeader(bytes.subarray(0, LOG_HEADER_BYTES - 1)), undefined);
});

test('log file: header that contradicts itself though its checksum is right: is no header', () => {
  for (const wrong of [
    { firstLsn: makeLsn(3, 9) },
    { epoch: 0 },
    { generation: 0 },
    { sizeBytes: 4096 },
    { sizeBytes: 5000 },
  ]) {
    assert.equal(decodeHeader(encodeHeader({ ...HEADER, ...wrong })), undefined);
  }
});

test('log file: names: state the generation in eight hex digits', () => {
  assert.equal(closedName(0x1a2b), 'E0000001a2b.log');
  assert.equal(closedGeneration('E0000001a2b.log'), 0x1a2b);
  for (const name of ['E00.log', 'E00tmp.log', 'E0000001A2B.log', 'E0000001a2b.log.new', 'xE0000001a2b.log']) {
    assert.equal(closedGeneration(name), undefined);
  }
});

test('log file: first LSN: goes on in the same epoch and starts at 1 in the next', () => {
  assert.equal(firstLsnAfter(makeLsn(2, 9), 2), makeLsn(2, 10));
  assert.equal(firstLsnAfter(makeLsn(2, 9), 4), makeLsn(4, 1));
});
