import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findField, findHeaderEnd, headerText, parseHeader } from './header.ts';
import { MAX_HEADER_FIELDS } from './limits.ts';
import { assertLinear } from './testing/linear.ts';

function fieldsOf(text: string): (readonly [string, string])[] {
  const bytes = Buffer.from(text, 'latin1');
  return parseHeader(bytes).map((field) => [field.name, headerText(bytes, field)] as const);
}

test('header: fields with folds: unfolded text, exact byte ranges', () => {
  const text = 'Subject: one\r\n two\r\nTo:x@y\r\n\r\nbody: no\r\n';
  const bytes = Buffer.from(text);
  const [subject, to, ...rest] = parseHeader(bytes);
  assert.deepEqual(rest, []);
  assert.ok(subject && to);
  assert.equal(headerText(bytes, subject), 'one two');
  assert.equal(text.slice(subject.start, subject.end), 'Subject: one\r\n two\r\n');
  assert.equal(text.slice(to.start, to.end), 'To:x@y\r\n');
  assert.equal(to.end + 2, findHeaderEnd(bytes));
});

test('header: bare line feeds, blanks before the colon, no empty line: read all the same', () => {
  assert.deepEqual(fieldsOf('A : 1\n  2\nb:\nC: 3'), [
    ['A', '1  2'],
    ['b', ''],
    ['C', '3'],
  ]);
});

test('header: junk lines and continuations of nothing: passed over', () => {
  assert.deepEqual(fieldsOf(' lost\r\nFrom bob Mon 12:00:01\r\n more\r\nX: 1\r\nno colon\r\n: empty\r\nY: 2\r\n\r\n'), [
    ['X', '1'],
    ['Y', '2'],
  ]);
});

test('header: control characters in a value: no line of ours can be broken by it', () => {
  assert.deepEqual(fieldsOf('S: a\rb\0c\r\n'), [['S', 'a b c']]);
});

test('header: 8-bit values: UTF-8 if valid, otherwise Windows-1252', () => {
  assert.deepEqual(fieldsOf(`S: ${Buffer.from('käse').toString('latin1')}\r\nT: k\xe4se \x80\r\n`), [
    ['S', 'käse'],
    ['T', 'käse €'],
  ]);
});

test('header: a value longer than wanted: cut between characters', () => {
  const bytes = Buffer.from('S: ab\u20accd\r\n');
  const [field] = parseHeader(bytes);
  assert.ok(field);
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 99].map((maxBytes) => headerText(bytes, field, maxBytes)),
    ['a', 'ab', 'ab', 'ab', 'ab€', 'ab€c', 'ab€cd'],
  );
});

test('header: more fields than the limit: the first ones count', () => {
  const bytes = Buffer.from('a:b\r\n'.repeat(MAX_HEADER_FIELDS + 5));
  assert.equal(parseHeader(bytes).length, MAX_HEADER_FIELDS);
  assert.equal(findField(parseHeader(bytes), 'c'), undefined);
});

test('header: any bytes: the ranges tile, nothing throws', () => {
  const piece = fc.constantFrom('A', ':', ' ', '\t', '\r', '\n', '\r\n', '\0', 'é', 'Name', 'x: y\r\n');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const bytes = Buffer.from(pieces.join(''));
      let end = 0;
      for (const field of parseHeader(bytes)) {
        assert.ok(field.start >= end && field.valueStart <= field.valueEnd && field.valueEnd <= field.end);
        assert.ok(!/[\r\n\0]/.test(headerText(bytes, field)));
        end = field.end;
      }
      assert.ok(end <= findHeaderEnd(bytes));
    }),
    { seed: 822, numRuns: 2_000 },
  );
});

test('header: folds, junk and colons without end: time in proportion to length', () => {
  for (const unit of ['a:b\r\n', ' x\r\n', 'a: ', '\r\n\t', ':', 'a \r\n']) {
    assertLinear(unit, (size) => {
      const bytes = Buffer.from(`S:${unit.repeat(size)}`);
      return () => {
        for (const field of parseHeader(bytes)) headerText(bytes, field);
      };
    });
  }
});
