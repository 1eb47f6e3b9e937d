import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  formatInternalDate,
  parseInternalDate,
  parseMessageDate,
  parseMessageDay,
  parseSearchDate,
  startOfDayMs,
} from './internal-date.ts';
import { assertLinear } from './testing/linear.ts';

test('internal date: RFC 3501 form: there and back', () => {
  assert.equal(parseInternalDate('17-Jul-1996 02:44:25 -0700'), Date.UTC(1996, 6, 17, 9, 44, 25));
  assert.equal(formatInternalDate(Date.UTC(2026, 10, 2, 3, 4, 5)), ' 2-Nov-2026 03:04:05 +0000');
  assert.equal(parseInternalDate(' 2-nov-2026 03:04:05 +0130'), Date.UTC(2026, 10, 2, 1, 34, 5));
  assert.equal(parseInternalDate('01-Jan-0001 00:00:00 +0000'), -62_135_596_800_000);
  fc.assert(
    fc.property(fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), (seconds) => {
      assert.equal(parseInternalDate(formatInternalDate(seconds * 1_000)), seconds * 1_000);
    }),
    { seed: 3501 },
  );
});

test('internal date: days that do not exist, other forms: refused', () => {
  for (const text of [
    '',
    '1-Jan-2000 00:00:00 +0000',
    '31-Feb-2000 00:00:00 +0000',
    '00-Jan-2000 00:00:00 +0000',
    '01-Foo-2000 00:00:00 +0000',
    '01-Jan-2000 24:00:00 +0000',
    '01-Jan-2000 00:00:00 +0060',
    '01-Jan-2000 00:00:00 GMT',
    '01-Jan-2000 00:00:00 +0000 ',
  ]) {
    assert.equal(parseInternalDate(text), undefined, text);
  }
});

test('search date: one or two digits: the start of the day in UTC', () => {
  assert.equal(parseSearchDate('1-Feb-1994'), Date.UTC(1994, 1, 1));
  assert.equal(parseSearchDate('01-FEB-1994'), Date.UTC(1994, 1, 1));
  assert.equal(parseSearchDate('30-Feb-1994'), undefined);
  assert.equal(parseSearchDate('1-Feb-94'), undefined);
  assert.equal(startOfDayMs(Date.UTC(1994, 1, 1, 23)), Date.UTC(1994, 1, 1));
  assert.equal(startOfDayMs(-1), -86_400_000);
});

test('message date: what programs have written: the moment', () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ['Thu, 22 Aug 2002 18:26:25 +0700', Date.UTC(2002, 7, 22, 11, 26, 25)],
    ['22 Aug 02 18:26 EST', Date.UTC(2002, 7, 22, 23, 26)],
    ['Thu, 22 Aug 2002 18:26:25 -0700 (PDT)', Date.UTC(2002, 7, 23, 1, 26, 25)],
    ['Thu Aug 22 18:26:25 2002', Date.UTC(2002, 7, 22, 18, 26, 25)],
    ['Thu Aug 22 18:26:25 EDT 2002', Date.UTC(2002, 7, 22, 22, 26, 25)],
    ['22-Aug-2002 18:26:25 GMT', Date.UTC(2002, 7, 22, 18, 26, 25)],
    ['Thu, 22 August 102 18:26:25 Z', Date.UTC(2002, 7, 22, 18, 26, 25)],
    ['(a(b)c) 22 Aug 1999 18:26:60 +0000', Date.UTC(1999, 7, 22, 18, 27)],
    ['1 Jan 9999 00:00:00 +9999', Date.UTC(9999, 0, 1)],
    ['1 Jan 0 00:00:00 +0000', Date.UTC(2000, 0, 1)],
    ['yesterday', undefined],
    ['31 Feb 2002 10:00:00 +0000', undefined],
    ['22 Aug 2002', undefined],
    ['', undefined],
  ];
  for (const [text, expected] of cases) assert.equal(parseMessageDate(text), expected, text);
  assert.equal(parseMessageDay('Thu, 22 Aug 2002 23:59:59 -0700'), Date.UTC(2002, 7, 22));
});

test('message date: any text: nothing throws, however long', () => {
  const piece = fc.constantFrom(
    '1',
    '99',
    '2002',
    ' ',
    ',',
    '(',
    ')',
    ':',
    '-',
    '+0100',
    'Jan',
    'EST',
    '12:30',
    '1-Jan-1',
    'é',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const timeMs = parseMessageDate(pieces.join(''));
      assert.ok(timeMs === undefined || Number.isSafeInteger(timeMs));
    }),
    { seed: 5322, numRuns: 3_000 },
  );
  for (const unit of ['(', ' 1', ':', '-']) {
    assertLinear(unit, (size) => {
      const text = unit.repeat(size);
      return () => parseMessageDate(text);
    });
  }
});
