import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isProblem } from '../base/problem.ts';
import {
  type Delivery,
  type DeliveryResult,
  decodeDelivery,
  decodeDeliveryResults,
  deliveryIdOf,
  deliveryLimits,
  encodeDelivery,
  encodeDeliveryResults,
} from './delivery.ts';

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
const text = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((value) => value.isWellFormed());

const deliveries: fc.Arbitrary<Delivery> = fc.record(
  {
    deliveryId: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((array) => Buffer.from(array)),
    acceptedMs: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    sender: text,
    recipients: fc.array(text, { maxLength: 20 }),
    trace: text,
    bytes: bytes(500),
    structure: bytes(100),
  },
  { noNullPrototype: true },
);

const results: fc.Arbitrary<DeliveryResult> = fc.oneof(
  fc.record(
    { recipient: text, outcome: fc.constantFrom('delivered' as const, 'duplicate' as const) },
    { noNullPrototype: true },
  ),
  fc.record(
    { recipient: text, outcome: fc.constant('refused' as const), code: text, message: text },
    { noNullPrototype: true },
  ),
);

test('delivery: whatever is encoded is decoded again', () => {
  fc.assert(
    fc.property(deliveries, (delivery) => {
      const encoded = encodeDelivery(delivery);
      assert.deepEqual(decodeDelivery(encoded), delivery);
      assert.deepEqual(deliveryIdOf(encoded), delivery.deliveryId);
    }),
  );
});

test('delivery: results survive the way back', () => {
  fc.assert(
    fc.property(fc.array(results, { maxLength: 30 }), (list) => {
      assert.deepEqual(decodeDeliveryResults(encodeDeliveryResults(list)), list);
    }),
  );
});

test('delivery: cut, extended or changed bytes: decoded or refused as malformed, never anything else', () => {
  fc.assert(
    fc.property(
      deliveries,
      fc.nat(),
      fc.nat({ max: 255 }),
      fc.constantFrom('cut', 'change', 'extend'),
      (delivery, at, value, how) => {
        const encoded = Buffer.from(encodeDelivery(delivery));
        const index = at % encoded.length;
        if (how === 'change') encoded[index] = value;
        const hostile =
          how === 'cut'
            ? encoded.subarray(0, index)
            : how === 'extend'
              ? Buffer.concat([encoded, Buffer.from([value])])
              : encoded;
        for (const decode of [decodeDelivery, decodeDeliveryResults]) {
          try {
            decode(hostile);
          } catch (error) {
            assert.ok(isProblem(error, 'Malformed'), String(error));
          }
        }
        if (how !== 'change')
          assert.throws(
            () => decodeDelivery(hostile),
            (error) => isProblem(error, 'Malformed'),
          );
      },
    ),
    { numRuns: 500 },
  );
});

test('delivery: more recipients than allowed, a length beyond the bound: refused before anything is allocated', () => {
  const one: Delivery = {
    deliveryId: Buffer.alloc(16),
    acceptedMs: 0,
    sender: '',
    recipients: [],
    trace: '',
    bytes: Buffer.alloc(0),
    structure: Buffer.alloc(0),
  };
  const encoded = encodeDelivery(one);
  const senderLengthAt = 1 + 16 + 8;
  assert.equal(encoded[senderLengthAt], 0);
  const hostile = Buffer.concat([
    encoded.subarray(0, senderLengthAt),
    Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]),
    Buffer.alloc(100),
  ]);
  assert.throws(
    () => decodeDelivery(hostile),
    (error) => isProblem(error, 'Malformed'),
  );
  const tooMany = Buffer.concat([Buffer.from([1, 0xe9, 0x07]), Buffer.alloc(deliveryLimits.maxRecipients * 3)]);
  assert.throws(
    () => decodeDeliveryResults(tooMany),
    (error) => isProblem(error, 'Malformed'),
  );
});
