import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeNote, encodeNote } from './checked-note.ts';

test('note: written and read again: is the same; with any bit turned over, or cut anywhere, it is none', () => {
  const value = { inUse: 7, promised: 0, host: 'höst' };
  const bytes = encodeNote(value);
  assert.deepEqual(decodeNote(bytes), value);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped.writeUInt8(flipped.readUInt8(bit >>> 3) ^ (1 << (bit & 7)), bit >>> 3);
    assert.equal(decodeNote(flipped), undefined, `bit ${bit}`);
  }
  for (let end = 0; end < bytes.length; end++) assert.equal(decodeNote(bytes.subarray(0, end)), undefined);
});
