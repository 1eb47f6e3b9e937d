import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AssertionError } from './assert.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { isProblem } from './problem.ts';

type Field =
  | { kind: 'u8' | 'u32' | 'u64' | 'varint'; value: number }
  | { kind: 'bytes' | 'raw'; value: Uint8Array }
  | { kind: 'string'; value: string };

const field: fc.Arbitrary<Field> = fc.oneof(
  fc.record({ kind: fc.constant('u8' as const), value: fc.nat(0xff) }),
  fc.record({ kind: fc.constant('u32' as const), value: fc.nat(0xffff_ffff) }),
  fc.record({ kind: fc.constantFrom('u64' as const, 'varint' as const), value: fc.maxSafeNat() }),
  fc.record({ kind: fc.constantFrom('bytes' as const, 'raw' as const), value: fc.uint8Array({ maxLength: 400 }) }),
  fc.record({ kind: fc.constant('string' as const), value: fc.string({ unit: 'grapheme', maxLength: 100 }) }),
);

function write(writer: ByteWriter, one: Field): void {
  switch (one.kind) {
    case 'bytes':
    case 'raw':
      writer[one.kind](one.value);
      return;
    case 'string':
      writer.string(one.value);
      return;
    default:
      writer[one.kind](one.value);
  }
}

function read(reader: ByteReader, one: Field): unknown {
  if (one.kind === 'raw') return new Uint8Array(reader.raw(one.value.length));
  if (one.kind === 'bytes') return new Uint8Array(reader.bytes());
  return reader[one.kind]();
}

const isMalformed = (error: unknown): boolean => isProblem(error, 'Malformed');

test('bytes: any fields in any order: come back as they were written', () => {
  fc.assert(
    fc.property(fc.array(field), fc.nat(8), (fields, capacity) => {
      const writer = new ByteWriter(capacity);
      for (const one of fields) write(writer, one);
      assert.equal(writer.length, writer.finish().length);
      const reader = new ByteReader(writer.finish());
      for (const one of fields) assert.deepEqual(read(reader, one), one.value);
      reader.end();
    }),
  );
});

test('bytes: a view inside a larger memory: is read at its own place', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.nat(50), fc.nat(50), (value, before, after) => {
      const inner = new ByteWriter().varint(value).finish();
      const outer = Buffer.concat([Buffer.alloc(before, 0xff), inner, Buffer.alloc(after, 0xff)]);
      assert.equal(new ByteReader(outer.subarray(before, before + inner.length)).varint(), value);
      const reader = new ByteReader(outer, before, before + inner.length);
      assert.equal(reader.varint(), value);
      assert.equal(reader.offset, before + inner.length);
      assert.throws(() => reader.u8(), isMalformed);
    }),
  );
});

test('bytes: hostile bytes: end in a value inside them or in Malformed, whatever is asked of them', () => {
  const question = fc.constantFrom('u8', 'u32', 'u64', 'varint', 'count', 'bytes', 'string', 'end');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.array(question), (bytes, questions) => {
      const reader = new ByteReader(bytes);
      for (const ask of questions) {
        const before = reader.remaining;
        try {
          reader[ask as 'u8']();
        } catch (error) {
          assert.ok(isMalformed(error), String(error));
          return;
        }
        assert.ok(reader.remaining >= 0 && reader.remaining <= before);
      }
    }),
  );
});

test('bytes: every cut of a payload: is Malformed, never a shorter value', () => {
  const whole = new ByteWriter().u64(7).string('Grüße').varint(300).u32(9).finish();
  for (let length = 0; length < whole.length; length++) {
    const reader = new ByteReader(whole, 0, length);
    assert.throws(
      () => [reader.u64(), reader.string(), reader.varint(), reader.u32()],
      isMalformed,
      `cut at ${length}`,
    );
  }
});

test('bytes: a length that the payload does not have: is refused before anything is allocated', () => {
  const lying = new ByteWriter().varint(Number.MAX_SAFE_INTEGER).u8(1).finish();
  assert.throws(() => new ByteReader(lying).bytes(), isMalformed);
  assert.throws(() => new ByteReader(lying).string(), isMalformed);
  assert.throws(() => new ByteReader(lying).count(), isMalformed);
});

test('bytes: numbers above 2^53-1: are Malformed in both encodings', () => {
  assert.throws(() => new ByteReader(Buffer.alloc(8, 0xff)).u64(), isMalformed);
  assert.throws(
    () => new ByteReader(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10])).varint(),
    isMalformed,
  );
  assert.equal(new ByteReader(new ByteWriter().varint(Number.MAX_SAFE_INTEGER).finish()).varint(), 2 ** 53 - 1);
});

test('bytes: a varint that never ends: is Malformed after a few bytes', () => {
  const reader = new ByteReader(Buffer.alloc(100_000, 0x80));
  assert.throws(() => reader.varint(), isMalformed);
  assert.ok(reader.offset < 12);
});

test('bytes: what follows the last field: is refused', () => {
  const reader = new ByteReader(Buffer.from([1, 2]));
  reader.u8();
  assert.throws(() => reader.end(), isMalformed);
});

test('bytes: a number that is none: is our own mistake', () => {
  for (const value of [-1, 0.5, Number.NaN, 2 ** 53]) {
    assert.throws(() => new ByteWriter().u64(value), AssertionError);
    assert.throws(() => new ByteWriter().varint(value), AssertionError);
  }
  assert.throws(() => new ByteReader(Buffer.alloc(2), 1, 3), AssertionError);
  assert.throws(() => new ByteReader(Buffer.alloc(2), 2, 1), AssertionError);
});
