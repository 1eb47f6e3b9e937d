/**
 * Every state in which a machine that stops now may come up again. What was not synced survives as a subset; of a few
 * things every subset is made, of many the ones that hurt: everything before a point, everything behind it, all but one,
 * one alone, and some at random.
 */
import { createHash } from 'node:crypto';
import { SeededRandom } from '../../base/random.ts';
import type { MemoryDisk } from './memory-disk.ts';

/** Up to so many things, every subset. */
const MAX_THINGS_FOR_ALL = 10;
const RANDOM_SUBSETS = 200;

/** The different ones, each once. `seed`: for the subsets at random. */
export function* crashStates(disk: MemoryDisk, seed: number): Generator<MemoryDisk, void, undefined> {
  const seen = new Set<string>();
  for (const survives of subsets(disk.unsynced, new SeededRandom(seed))) {
    let thing = 0;
    const state = disk.afterCrashKeeping(() => survives(thing++));
    const mark = markOf(state);
    if (seen.has(mark)) continue;
    seen.add(mark);
    yield state;
  }
}

/** The same for two disks exactly if names and bytes are, of the files that `counts` wants. */
export function markOf(disk: MemoryDisk, counts: (name: string) => boolean = () => true): string {
  const lines = [...disk.views()]
    .filter(({ name }) => counts(name))
    .map(({ name, bytes, fixed }) => `${name}\n${bytes.length} ${fixed ? knownSumOf(bytes) : sumOf(bytes)}\n`);
  return createHash('sha1').update(lines.sort().join('')).digest('base64');
}

/** States share the bytes in which they do not differ. */
const sums = new WeakMap<Buffer, string>();

function knownSumOf(bytes: Buffer): string {
  const known = sums.get(bytes) ?? sumOf(bytes);
  sums.set(bytes, known);
  return known;
}

function sumOf(bytes: Buffer): string {
  return createHash('sha1').update(bytes).digest('base64');
}

function* subsets(things: number, random: SeededRandom): Generator<(thing: number) => boolean, void, undefined> {
  if (things <= MAX_THINGS_FOR_ALL) {
    for (let mask = 0; mask < 2 ** things; mask++) yield (thing) => ((mask >>> thing) & 1) === 1;
    return;
  }
  for (let point = 0; point <= things; point++) {
    yield (thing) => thing < point;
    yield (thing) => thing >= point;
    yield (thing) => thing !== point;
    yield (thing) => thing === point;
  }
  for (let count = 0; count < RANDOM_SUBSETS; count++) yield () => random.below(2) === 1;
}
