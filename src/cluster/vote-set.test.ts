import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { AcceptorPlace } from './acceptor-places.ts';
import type { VoteStormTotals } from './testing/vote-storm.ts';
import { areSamePlaces, isCloseTo, stepTowards } from './vote-set.ts';

const set = (names: string): readonly AcceptorPlace[] => names.split('').map((name) => ({ kind: 'host', name }));

test('vote set: near enough: every majority of kept votes has one in common with every old majority', () => {
  const all = ['a', 'ab', 'abc', 'abcd', 'abcde', 'bcd', 'ade', 'de', 'abx', 'axy', 'abcdx', 'vwxyz'];
  for (const present of all) {
    for (const next of all) {
      const kept = next.split('').filter((name) => present.includes(name));
      const isSafe = subsets(kept)
        .filter((part) => part.length > next.length / 2)
        .every((part) =>
          subsets(present.split(''))
            .filter((other) => other.length > present.length / 2)
            .every((other) => other.some((name) => part.includes(name))),
        );
      if (isCloseTo(set(next), set(present))) assert.ok(isSafe, `${present} to ${next}`);
    }
  }
  assert.equal(isCloseTo(set('abd'), set('abc')), true);
  assert.equal(isCloseTo(set('a'), set('abc')), false);
});

test('vote set: a target that is too far: one vote less, as often as it takes', () => {
  let present = set('abcde');
  const way: string[] = [];
  while (!areSamePlaces(present, set('e'))) {
    present = stepTowards(set('e'), present);
    way.push(present.map(({ name }) => name).join(''));
  }
  assert.deepEqual(way, ['bcde', 'cde', 'de', 'e']);
});

function subsets(names: readonly string[]): readonly (readonly string[])[] {
  const found: string[][] = [[]];
  for (const name of names) found.push(...found.map((part) => [...part, name]));
  return found;
}

test('vote set: a storm of changes, lost disks, dying hosts: one history, and in the end it goes on', async () => {
  const worker = new Worker(new URL('./testing/vote-storm.ts', import.meta.url), {
    workerData: { first: 1, last: 150 },
  });
  const [totals] = (await once(worker, 'message')) as [VoteStormTotals];
  const { changed, unknown, told, highestIncarnation } = totals;
  const bites = changed > 1_500 && unknown > 300 && (told['change done'] ?? 0) > 100 && (told['admit done'] ?? 0) > 10;
  assert.ok(bites && highestIncarnation > 5, `The storm bites: ${JSON.stringify(totals)}`);
});
