import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type EnvelopeAddress, parseAddressList } from './address-list.ts';
import { MAX_ADDRESSES } from './limits.ts';
import { assertLinear } from './testing/linear.ts';

function one(
  name: string | null,
  mailbox: string | null,
  host: string | null,
  route: string | null = null,
): EnvelopeAddress {
  return { name, route, mailbox, host };
}

const END = one(null, null, null);

const CASES: readonly (readonly [string, readonly EnvelopeAddress[]])[] = [
  ['', []],
  ['bob@example.com', [one(null, 'bob', 'example.com')]],
  ['Bob Builder <bob@example.com>', [one('Bob Builder', 'bob', 'example.com')]],
  ['"Builder, Bob" <bob@example.com>, ann@x', [one('Builder, Bob', 'bob', 'example.com'), one(null, 'ann', 'x')]],
  ['"a \\"b\\" c"   D.  <e@f>', [one('a "b" c D.', 'e', 'f')]],
  ['bob@example.com (Bob (the) Builder)', [one('Bob (the) Builder', 'bob', 'example.com')]],
  ['=?utf-8?q?B=C3=B6b?= <b@x>', [one('=?utf-8?q?B=C3=B6b?=', 'b', 'x')]],
  ['<@a.example,@b.example:bob@c.example>', [one(null, 'bob', 'c.example', '@a.example,@b.example')]],
  ['"john doe"@x, "a@b"@c', [one(null, 'john doe', 'x'), one(null, 'a@b', 'c')]],
  ['bob @ example . com', [one(null, 'bob', 'example.com')]],
  ['x@[127.0.0.1]', [one(null, 'x', '[127.0.0.1]')]],
  ['Friends: a@x, B <b@y>;', [one(null, 'Friends', null), one(null, 'a', 'x'), one('B', 'b', 'y'), END]],
  ['undisclosed-recipients:;', [one(null, 'undisclosed-recipients', null), END]],
  ['A: a@x', [one(null, 'A', null), one(null, 'a', 'x'), END]],
  ['local', [one(null, 'local', '')]],
  [',, a@x ,,', [one(null, 'a', 'x')]],
  ['a@x <b@y>', [one('a@x', 'b', 'y')]],
  ['<>', [one(null, '', '')]],
  ['(unclosed comment \\', []],
  ['"unclosed \\', [one(null, 'unclosed', '')]],
  ['Bob <bob@x', [one('Bob', 'bob', 'x')]],
];

test('address list: forms old and new: as RFC 3501 wants them in an envelope', () => {
  for (const [text, expected] of CASES) assert.deepEqual(parseAddressList(text), expected, text);
});

test('address list: a hundred thousand addresses: the first thousand', () => {
  assert.equal(parseAddressList('a@x,'.repeat(100_000)).length, MAX_ADDRESSES);
  assert.equal(parseAddressList(`g:${'a@x,'.repeat(100_000)}`).length, MAX_ADDRESSES);
});

test('address list: any text: nothing throws', () => {
  const piece = fc.constantFrom('a', '@', '.', ',', ';', ':', '<', '>', '(', ')', '"', '\\', '[', ']', ' ', 'é');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      for (const address of parseAddressList(pieces.join('')))
        assert.ok(address.mailbox !== null || address.host === null);
    }),
    { seed: 5322, numRuns: 3_000 },
  );
});

test('address list: nests, runs and unclosed forms: time in proportion to length', () => {
  for (const unit of ['(', '(a)', '<', '"', '\\', '[', ':', ';', ',', 'a:', '@', '@a:', 'a ', 'a.', '()<>', '"a" ']) {
    assertLinear(unit, (size) => {
      const text = unit.repeat(size);
      return () => parseAddressList(text);
    });
  }
});
