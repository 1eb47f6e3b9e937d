/**
 * The complexity oracle: an input of twice the length may cost little more than twice the time. Time is the measure,
 * the best of several runs; a machine under load gets some more chances, a quadratic parser fails all of them.
 */
import assert from 'node:assert/strict';

const SIZES = [10_000, 20_000, 40_000, 80_000];
const MAX_RATIO = 2.6;
const CHANCES = 12;
/** Below this nothing can be concluded from a clock, nor does anybody suffer. */
const NEGLIGIBLE_MS = 3;

/** `prepare(size)` makes the input outside of the measurement and returns what is measured. */
export function assertLinear(label: string, prepare: (size: number) => () => void): void {
  let worst = '';
  for (let chance = 0; chance < CHANCES; chance++) {
    const timesMs = SIZES.map((size) => bestTimeMs(prepare(size)));
    const bad = timesMs.findIndex(
      (timeMs, index) => timeMs > NEGLIGIBLE_MS && timeMs > MAX_RATIO * (timesMs[index - 1] ?? timeMs),
    );
    if (bad === -1) return;
    worst = timesMs.map((timeMs) => timeMs.toFixed(2)).join(', ');
  }
  assert.fail(`${JSON.stringify(label)}: times for ${SIZES.join(', ')} grow too fast: ${worst} ms`);
}

function bestTimeMs(run: () => void): number {
  let bestMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3; round++) {
    const startMs = performance.now();
    run();
    bestMs = Math.min(bestMs, performance.now() - startMs);
    if (bestMs > 200) break;
  }
  return bestMs;
}
