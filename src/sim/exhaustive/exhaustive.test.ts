/** The register, the lease and the in-sync set of two nodes and a witness, searched to the end within small bounds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { smallBounds } from './bounds.ts';
import { exhaustiveModel } from './model.ts';
import { plantedFaults } from './planted-faults.ts';
import { searchBreadthFirst } from './search.ts';

/** A small search that is cut off has proved nothing. */
const SMALL_LIMIT_STATES = 400_000;
const LEAST_STATES = 10_000;

test('exhaustive: production rules, small bounds: every world is seen and no promise is broken', () => {
  const result = searchBreadthFirst(exhaustiveModel(smallBounds), SMALL_LIMIT_STATES);
  assert.deepEqual(result.violation, undefined);
  assert(result.isComplete, `the search was cut off after ${result.states} states`);
  assert(result.states > LEAST_STATES, `only ${result.states} states: the search did not look`);
});

for (const { name, rules, bounds, promise } of plantedFaults) {
  test(`exhaustive: planted: ${name}: is found by a short path`, () => {
    const result = searchBreadthFirst(exhaustiveModel({ ...smallBounds, ...bounds }, rules), SMALL_LIMIT_STATES);
    assert(result.violation !== undefined, `not found in ${result.states} states`);
    assert.match(result.violation.promise, promise);
    assert(result.violation.path.length <= 12, result.violation.path.join('\n'));
  });
}

test('exhaustive: search: a path is told from a root to the world that breaks the promise, the shortest first', () => {
  const graph = {
    roots: [{ label: 'at 1', world: 1 }],
    steps: (at: number) => [
      { label: 'one more', world: at + 1 },
      { label: 'doubled', world: at * 2 },
    ],
    keyOf: String,
    violationIn: (at: number) => (at === 12 ? 'it is 12' : undefined),
  };
  const { violation, isComplete } = searchBreadthFirst(graph, 1_000);
  assert.deepEqual(violation, { promise: 'it is 12', path: ['at 1', 'one more', 'one more', 'doubled', 'doubled'] });
  assert(!isComplete);
});

test('exhaustive: search: more states than the limit: says that it was cut off', () => {
  const graph = {
    roots: [{ label: 'at 0', world: 0 }],
    steps: (at: number) => [{ label: 'one more', world: at + 1 }],
    keyOf: String,
    violationIn: () => undefined,
  };
  const { isComplete, states, violation } = searchBreadthFirst(graph, 10);
  assert.deepEqual({ isComplete, states, violation }, { isComplete: false, states: 10, violation: undefined });
});
