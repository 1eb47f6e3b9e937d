import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Address, canonicalAddress, formatAddress, parseAddress } from './address.ts';

const GOOD: readonly (readonly [string, Address])[] = [
  ['bob@example.com', { localPart: 'bob', domain: 'example.com' }],
  ['a.b+c@x', { localPart: 'a.b+c', domain: 'x' }],
  ['"john doe"@example.com', { localPart: 'john doe', domain: 'example.com' }],
  ['"a@evil.example"@example.com', { localPart: 'a@evil.example', domain: 'example.com' }],
  ['"a\\"b\\\\"@example.com', { localPart: 'a"b\\', domain: 'example.com' }],
  ['"plain"@example.com', { localPart: 'plain', domain: 'example.com' }],
  ['dörte@münchen.example', { localPart: 'dörte', domain: 'münchen.example' }],
  ['user%other@example.com', { localPart: 'user%other', domain: 'example.com' }],
  ['x@[127.0.0.1]', { localPart: 'x', domain: '[127.0.0.1]' }],
  ['x@[IPv6:2001:db8::1]', { localPart: 'x', domain: '[IPv6:2001:db8::1]' }],
  ['x@[IPv6:::ffff:192.0.2.1]', { localPart: 'x', domain: '[IPv6:::ffff:192.0.2.1]' }],
  [`${'l'.repeat(64)}@x.example`, { localPart: 'l'.repeat(64), domain: 'x.example' }],
];

const BAD = [
  '',
  '@',
  'bob',
  'bob@',
  '@example.com',
  '""@example.com',
  '.a@x',
  'a.@x',
  'a..b@x',
  'a b@x',
  '<a@x>',
  'Bob <a@x>',
  'a@x, b@x',
  '@relay:a@x',
  'a@b@c',
  '"a"b@x',
  '"a@x',
  '"a\\"@x',
  'a@-x.example',
  'a@x-.example',
  'a@x..example',
  'a@x.example.',
  'a@.x',
  'a@x_y',
  'a@x y',
  'a@[300.0.0.1]',
  'a@[1.2.3]',
  'a@[IPv6:1::2::3]',
  'a@[IPv6:1:2:3:4:5:6:7:8:9]',
  'a@[tag:x]',
  'a@[127.0.0.1',
  'a(comment)@x',
  'a\r\nRCPT TO:<b@x>@x',
  'a@x\0',
  'a\u0085@x',
  'a\ud800@x',
  `${'l'.repeat(65)}@x`,
  `a@${'d'.repeat(64)}`,
  `a@${'d.'.repeat(130)}d`,
  `${'l'.repeat(60)}@${'d23456789.'.repeat(20)}x`,
];

test('address: well-formed mailboxes: taken apart, and printed so that they parse the same', () => {
  for (const [text, address] of GOOD) {
    assert.deepEqual(parseAddress(text), address, text);
    assert.deepEqual(parseAddress(formatAddress(address)), address, text);
  }
});

test('address: what is no mailbox: refused whole, never repaired', () => {
  for (const text of BAD) assert.equal(parseAddress(text), undefined, JSON.stringify(text));
});

test('address: spellings of one mailbox: one key', () => {
  assert.equal(canonicalAddress('Bob@Example.COM'), 'bob@example.com');
  assert.equal(canonicalAddress('"Bob"@example.com'), 'bob@example.com');
  assert.equal(canonicalAddress('DO\u0308RTE@x'), 'd\u00f6rte@x');
  assert.equal(canonicalAddress({ localPart: 'A B', domain: 'X' }), '"a b"@x');
  assert.equal(canonicalAddress('Bob'), 'bob');
});

test('address: a quoted at sign: cannot move the domain', () => {
  assert.notEqual(canonicalAddress('"a@x"@y'), canonicalAddress('a@x'));
});

test('address: any text: parse of print is the same address, and the key is stable', () => {
  const piece = fc.oneof(
    fc.constantFrom('a', 'B', '.', '@', '"', '\\', ' ', '-', '[', ']', '1', 'é', 'ß', 'x.example'),
    fc.string({ unit: 'binary' }),
  );
  const anything = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
  const quoted = anything.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"@x.example`);
  fc.assert(
    fc.property(fc.oneof(anything, quoted), (text) => {
      const address = parseAddress(text);
      const key = canonicalAddress(text);
      assert.equal(canonicalAddress(key), key);
      if (address === undefined) return;
      assert.deepEqual(parseAddress(formatAddress(address)), address);
      assert.ok(!/[\r\n\0]/.test(formatAddress(address)));
    }),
    { seed: 5321, numRuns: 1_000 },
  );
});
