/**
 * What the tests of stops have in common: a load with several records under way at a time, what it was promised, and
 * the question whether a log that was opened again still holds all of that.
 */
import assert from 'node:assert/strict';
import { SeededRandom } from '../../base/random.ts';
import { isPreparedName } from '../log-file.ts';
import { makeLsn, numberOf } from '../lsn.ts';
import { markOf } from './crash-states.ts';
import { contents, FOLDER, KIND, type LogWorld, openWorld, payloadOf } from './log-story.ts';
import type { MemoryDisk } from './memory-disk.ts';

export const RECORDS = 75;
const SECOND_EPOCH_AT = 45;

/** The last record that was said to be durable, and how many there were up to it. */
export interface Promised {
  lsn: number;
  count: number;
}

/** Asserts that an open log holds the story's records 1..n of epoch 1 (or of 1 and 2), and returns n of the last epoch. */
export async function prefixLength(world: LogWorld): Promise<number> {
  const records = await contents(world.log);
  for (const { lsn, payload } of records) assert.ok(payload.equals(payloadOf(numberOf(lsn))), `record ${lsn}`);
  return records.length;
}

/** Writes with about `underWay` records under way at a time, and notes what was promised. */
export async function standardLoad(
  disk: MemoryDisk,
  promised: Promised,
  { seed = 3, underWay = 2 } = {},
): Promise<void> {
  const { log } = await openWorld(disk);
  const promises: Promise<void>[] = [];
  const write = (count: number, lsn: number): void => {
    promises.push(
      log.durable(lsn).then(() => {
        if (count > promised.count) Object.assign(promised, { lsn, count });
      }),
    );
  };
  const turn = new SeededRandom(seed);
  for (let count = 1; count <= RECORDS; count++) {
    const starts = count === 1 || count === SECOND_EPOCH_AT;
    const number = count < SECOND_EPOCH_AT ? count : count - SECOND_EPOCH_AT + 1;
    const { lsn } = starts
      ? log.startEpoch(count === 1 ? 1 : 2, KIND, payloadOf(number))
      : log.append(KIND, payloadOf(number));
    write(count, lsn);
    if (turn.below(underWay) === 0) await log.durable(lsn);
  }
  await Promise.all(promises);
  await log.close();
}

/** By what recovery left on the disk, how many records were asked for there. */
const recovered = new Map<string, number>();

/**
 * Every state is recovered; what follows depends on nothing but the files as they are then, and many states have the same,
 * so that is done once for each.
 */
export async function assertRecovers(disk: MemoryDisk, promised: Promised, label: string): Promise<void> {
  const world = await openWorld(disk, { knownDurableLsn: promised.lsn }).catch((error: unknown) => {
    throw new Error(label, { cause: error });
  });
  const { log } = world;
  assert.ok(log.endLsn >= promised.lsn, `${label}: it ends at ${log.endLsn}`);
  const mark = markOf(disk, (name) => !isPreparedName(name.slice(FOLDER.length + 1)));
  if ((recovered.get(mark) ?? -1) >= promised.count) return await log.close();
  recovered.set(mark, promised.count);
  const length = await prefixLength(world);
  assert.ok(length >= promised.count && log.endLsn >= promised.lsn, `${label}: ${length} of ${promised.count}`);
  log.startEpoch(9, KIND, payloadOf(1));
  await log.durable(log.endLsn);
  await log.close();
  const again = await openWorld(disk);
  assert.equal(again.log.endLsn, makeLsn(9, 1), label);
  assert.equal(await prefixLength(again), length + 1, label);
  await again.log.close();
}
