import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_SEQUENCE_RANGES, MAX_UID } from './limits.ts';
import { assertLinear } from './testing/linear.ts';
import { parseSequenceSet, resolve, UidSet } from './uid-set.ts';

function resolved(text: string, max: number): string | undefined {
  const ranges = parseSequenceSet(text);
  return ranges && resolve(ranges, max).toString();
}

test('sequence set: forms of RFC 3501: sorted, joined, with the star resolved', () => {
  assert.deepEqual(parseSequenceSet('9:*'), [{ first: 9, last: '*' }]);
  assert.equal(resolved('1:5,7,9:*', 12), '1:5,7,9:12');
  assert.equal(resolved('5:1,6,3:4', 9), '1:6');
  assert.equal(resolved('*', 9), '9');
  assert.equal(resolved('*:*', 9), '9');
  assert.equal(resolved('20:*', 9), '9:20');
  assert.equal(resolved('*,1', 0), '1');
  assert.equal(resolved('1:*', 0), '');
  assert.equal(resolved('1:4294967295', 3), '1:4294967295');
});

test('sequence set: what is none: refused', () => {
  for (const text of [
    '',
    ',',
    '1,',
    ',1',
    '0',
    '1:0',
    '01',
    '1:',
    ':1',
    '1:2:3',
    '4294967296',
    '-1',
    '1 ',
    'a',
    '**',
    '1;2',
    '1e3',
    '١',
  ]) {
    assert.equal(parseSequenceSet(text), undefined, text);
  }
  assert.equal(
    parseSequenceSet(
      Array(MAX_SEQUENCE_RANGES + 1)
        .fill('1')
        .join(','),
    ),
    undefined,
  );
  assert.equal(parseSequenceSet(Array(MAX_SEQUENCE_RANGES).fill('1').join(','))?.length, MAX_SEQUENCE_RANGES);
});

test('uid set: four billion UIDs: one range', () => {
  const set = UidSet.fromRanges([{ first: 1, last: MAX_UID }]);
  assert.equal(set.size, MAX_UID);
  assert.deepEqual(set.select([3, 7, MAX_UID]), [3, 7, MAX_UID]);
  assert.ok(set.has(MAX_UID));
});

test('uid set: any ranges: the same answers as a set of numbers', () => {
  const range = fc
    .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 6 }))
    .map(([first, length]) => ({ first, last: first + length }));
  const ranges = fc.array(range, { maxLength: 15 });
  const numbersOf = (list: readonly { first: number; last: number }[]) => {
    const numbers = new Set<number>();
    for (const { first, last } of list) for (let uid = first; uid <= last; uid++) numbers.add(uid);
    return numbers;
  };
  fc.assert(
    fc.property(ranges, ranges, (mine, theirs) => {
      const set = new UidSet();
      for (const { first, last } of mine) set.add(first, last);
      const other = UidSet.fromRanges(theirs);
      const numbers = numbersOf(mine);
      const everything = Array.from({ length: 70 }, (_, index) => index + 1);
      assert.deepEqual(
        set.select(everything),
        everything.filter((uid) => numbers.has(uid)),
      );
      assert.deepEqual(
        everything.filter((uid) => set.has(uid)),
        set.select(everything),
      );
      assert.equal(set.size, numbers.size);
      assert.equal(set.toString(), UidSet.of(numbers).toString());
      assert.equal((UidSet.parse(set.toString()) ?? new UidSet()).toString(), set.toString());
      const both = numbersOf(theirs);
      assert.equal(set.intersect(other).toString(), UidSet.of([...numbers].filter((uid) => both.has(uid))).toString());
      const gaps = set
        .ranges()
        .slice(1)
        .map(({ first }, index) => first - (set.ranges()[index]?.last ?? 0));
      assert.ok(gaps.every((gap) => gap > 1));
    }),
    { seed: 4315, numRuns: 1_000 },
  );
});

test('uid set: many ranges and many UIDs: time in proportion to length', () => {
  assertLinear('odd numbers', (size) => {
    const uids = Array.from({ length: size }, (_, index) => index * 2 + 1);
    return () => UidSet.of(uids).select(uids);
  });
});
