import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeRecord, encodeRecord, frameBytes, MAX_FRAME_BYTES, RECORD_HEAD_BYTES } from './record.ts';

const SALT = 0x1234;
const fields = fc.record({
  chain: fc.nat(0xffff_ffff),
  kind: fc.nat(0xffff),
  lsn: fc.maxSafeNat(),
  durableUpTo: fc.maxSafeNat(),
  payload: fc.uint8Array({ maxLength: 300 }),
});

test('record: any fields: come back as they went in, padded to eight bytes', () => {
  fc.assert(
    fc.property(fields, (written) => {
      const frame = encodeRecord(written, SALT);
      assert.equal(frame.length, frameBytes(written.payload.length));
      assert.equal(frame.length % 8, 0);
      const decoded = decodeRecord(frame, 0, SALT);
      assert.equal(decoded.state, 'record');
      if (decoded.state !== 'record') return;
      const { chain, kind, lsn, durableUpTo, payload } = decoded.record;
      assert.deepEqual({ chain, kind, lsn, durableUpTo, payload: new Uint8Array(payload) }, { ...written });
    }),
  );
});

test('record: any single bit flipped, padding included: never read as a record', () => {
  const frame = encodeRecord(
    { chain: 9, kind: 3, lsn: 2 ** 32 + 5, durableUpTo: 4, payload: Buffer.from('thirteen byte') },
    SALT,
  );
  for (let bit = 0; bit < frame.length * 8; bit++) {
    const flipped = Buffer.from(frame);
    flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    assert.notEqual(decodeRecord(flipped, 0, SALT).state, 'record', `bit ${bit}`);
  }
});

test('record: another stream with the same bytes: is refused by the salt', () => {
  const frame = encodeRecord({ chain: 0, kind: 1, lsn: 1, durableUpTo: 0, payload: Buffer.from('x') }, SALT);
  assert.equal(decodeRecord(frame, 0, SALT + 1).state, 'bad');
});

test('record: cut anywhere: is partial or bad, never a record', () => {
  const frame = encodeRecord({ chain: 0, kind: 1, lsn: 1, durableUpTo: 0, payload: Buffer.alloc(50, 1) }, SALT);
  for (let length = 0; length < frame.length; length++) {
    assert.notEqual(decodeRecord(frame.subarray(0, length), 0, SALT).state, 'record');
  }
});

test('record: a length that lies: is refused before anything is allocated', () => {
  for (const length of [1, RECORD_HEAD_BYTES - 1, MAX_FRAME_BYTES + 1, 0xffff_ffff]) {
    const bytes = Buffer.alloc(64);
    bytes.writeUInt32LE(length, 0);
    assert.equal(decodeRecord(bytes, 0, SALT).state, 'bad');
  }
});

test('record: any bytes: are answered without an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.notEqual(decodeRecord(Buffer.from(bytes), 0, SALT).state, 'record');
    }),
  );
});
