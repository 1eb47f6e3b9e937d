/**
 * Breadth first over a graph of worlds, each seen once: the first broken promise is one with the shortest path. Only the
 * frontier's worlds are kept; of all others a key and whence they were reached. The path is told by walking it again.
 */
import { present } from '../../base/assert.ts';

export interface Step<W> {
  readonly label: string;
  readonly world: W;
}

export interface Graph<W> {
  readonly roots: readonly Step<W>[];
  readonly steps: (world: W) => Iterable<Step<W>>;
  readonly keyOf: (world: W) => string;
  /** What is broken in this world, in words. */
  readonly violationIn: (world: W) => string | undefined;
}

export interface SearchResult {
  readonly states: number;
  readonly transitions: number;
  /** Steps from the start to the furthest world that was reached. */
  readonly depth: number;
  /** Everything within the bounds was seen. */
  readonly isComplete: boolean;
  readonly violation: { readonly promise: string; readonly path: readonly string[] } | undefined;
}

/** Index of what the roots come from. */
const NOWHERE = -1;

export function searchBreadthFirst<W>(graph: Graph<W>, maxStates: number): SearchResult {
  const indices = new Map<string, number>();
  const parents: number[] = [];
  let transitions = 0;
  let frontier: { world: W; index: number }[] = [];
  const visit = (world: W, parent: number, next: typeof frontier): number | undefined => {
    const key = graph.keyOf(world);
    if (indices.has(key)) return undefined;
    const index = parents.length;
    indices.set(key, index);
    parents.push(parent);
    next.push({ world, index });
    return index;
  };
  const result = (depth: number, isComplete: boolean, broken?: { promise: string; index: number }): SearchResult => ({
    states: parents.length,
    transitions,
    depth,
    isComplete,
    violation: broken && { promise: broken.promise, path: pathTo(graph, indices, parents, broken.index) },
  });
  for (const { world } of graph.roots) visit(world, NOWHERE, frontier);
  for (let depth = 0; ; depth++) {
    const next: typeof frontier = [];
    for (const { world, index } of frontier) {
      for (const step of graph.steps(world)) {
        transitions++;
        const found = visit(step.world, index, next);
        if (found === undefined) continue;
        const promise = graph.violationIn(step.world);
        if (promise !== undefined) return result(depth + 1, false, { promise, index: found });
      }
      if (parents.length >= maxStates) return result(depth, false);
    }
    if (next.length === 0) return result(depth, true);
    frontier = next;
  }
}

function pathTo<W>(
  graph: Graph<W>,
  indices: ReadonlyMap<string, number>,
  parents: readonly number[],
  last: number,
): string[] {
  const chain: number[] = [];
  for (let index = last; index !== NOWHERE; index = parents[index] ?? NOWHERE) chain.unshift(index);
  const indexOf = (step: Step<W>) => indices.get(graph.keyOf(step.world));
  let at = present(
    graph.roots.find((root) => indexOf(root) === chain[0]),
    'A path begins at a root',
  );
  const path = [at.label];
  for (const index of chain.slice(1)) {
    at = present(
      [...graph.steps(at.world)].find((step) => indexOf(step) === index),
      'A path can be walked again',
    );
    path.push(at.label);
  }
  return path;
}
