/**
 * Which messages a set of UIDs means. The answer comes as runs of neighbours: messages of the folder one behind the
 * other, whatever UIDs are missing between them. UIDs are born at a folder's end only, so neighbours stay neighbours
 * for ever, and a record may name a run by its two ends.
 */
import type { UidSet } from '../mail/uid-set.ts';
import type { MessageRow } from './mail-store.ts';
import type { Queries } from './queries.ts';

export type Neighbours = readonly number[];

/** Up to here, a look-up for each range of the set is cheaper than the list of the whole folder. */
const FEW_RANGES = 64;

export function existingRuns(queries: Queries, folderId: number, uids: UidSet): Neighbours[] {
  const ranges = uids.ranges();
  if (ranges.length <= FEW_RANGES) {
    const runs = ranges.map(({ first, last }) => queries.uidsBetween(folderId, first, last));
    return runs.filter((run) => run.length > 0);
  }
  return runsWithin(queries.uids(folderId), uids);
}

/** Cuts runs into slices of at most `limit` messages. */
export function sliceRuns(runs: readonly Neighbours[], limit: number): Neighbours[][] {
  const slices: Neighbours[][] = [];
  let slice: Neighbours[] = [];
  let room = 0;
  for (const run of runs) {
    for (let from = 0; from < run.length; ) {
      if (room === 0) {
        slice = [];
        slices.push(slice);
        room = limit;
      }
      const part = run.slice(from, from + room);
      slice.push(part);
      from += part.length;
      room -= part.length;
    }
  }
  return slices;
}

/** The rows of a run as they are now; what was removed since is left out. */
export function rowsOf(queries: Queries, folderId: number, run: Neighbours): MessageRow[] {
  const first = run[0];
  const last = run.at(-1);
  return first === undefined || last === undefined ? [] : queries.messages(folderId, first, last, run.length);
}

function runsWithin(all: readonly number[], wanted: UidSet): number[][] {
  const runs: number[][] = [];
  let run: number[] | undefined;
  const selected = wanted.select(all);
  let next = 0;
  for (const uid of all) {
    if (uid !== selected[next]) {
      run = undefined;
      continue;
    }
    next += 1;
    if (run === undefined) {
      run = [];
      runs.push(run);
    }
    run.push(uid);
  }
  return runs;
}
