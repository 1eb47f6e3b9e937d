/**
 * `npm run sim -- --exhaustive`: the register, the lease and the in-sync set, every world within bounds after the other,
 * and the planted faults that prove the search sees. A broken promise is told as the shortest way to it.
 *
 *   --states N    no search goes on beyond so many states (1000000: about a minute and a gigabyte on one core)
 */
import { largerBounds, smallBounds } from '../src/sim/exhaustive/bounds.ts';
import { exhaustiveModel } from '../src/sim/exhaustive/model.ts';
import { plantedFaults } from '../src/sim/exhaustive/planted-faults.ts';
import { type SearchResult, searchBreadthFirst } from '../src/sim/exhaustive/search.ts';
import { columns } from './columns.ts';

type Row = readonly string[];

interface Timed extends SearchResult {
  readonly seconds: number;
}

export const DEFAULT_MAX_STATES = 1_000_000;
const HEAD: Row = ['bounds', 'states', 'steps', 'depth', 'seconds', 'end'];

/** True when no promise was broken by the rules as they are, and every planted fault broke one. */
export function runExhaustive(maxStates: number): boolean {
  const rows = [HEAD];
  let isGood = true;
  for (const { name, bounds } of largerBounds) {
    const result = timed(() => searchBreadthFirst(exhaustiveModel(bounds), maxStates));
    const end = result.violation === undefined ? (result.isComplete ? 'all seen' : 'cut off') : 'BROKEN';
    rows.push(rowOf(name, result, end));
    console.log(`${name}: ${result.states} states in ${result.seconds.toFixed(1)} s, ${end}`);
    if (result.violation !== undefined) tell(name, result.violation);
    isGood &&= result.violation === undefined;
  }
  for (const { name, rules, bounds } of plantedFaults) {
    const model = exhaustiveModel({ ...smallBounds, ...bounds }, rules);
    const result = timed(() => searchBreadthFirst(model, maxStates));
    rows.push(rowOf(`planted: ${name}`, result, result.violation === undefined ? 'NOT FOUND' : 'found'));
    if (result.violation !== undefined) tell(name, result.violation);
    isGood &&= result.violation !== undefined;
  }
  console.log(`\n${columns(rows)}`);
  return isGood;
}

function timed(search: () => SearchResult): Timed {
  const startedMs = performance.now();
  return { ...search(), seconds: (performance.now() - startedMs) / 1_000 };
}

function rowOf(name: string, { states, transitions, depth, seconds }: Timed, end: string): Row {
  return [name, String(states), String(transitions), String(depth), seconds.toFixed(1), end];
}

function tell(name: string, { promise, path }: NonNullable<SearchResult['violation']>): void {
  console.log(`\n${name}: ${promise}\n  ${path.join('\n  ')}`);
}
