/**
 * The complexity oracle: an input of twice the length may cost little more than twice the time. When the clock says so
 * that is believed. When it does not, others on the machine may have disturbed it, and what counts is the time that this
 * thread was given of a processor: a quadratic parser fails every chance there.
 */
import assert from 'node:assert/strict';

const SIZES = [10_000, 20_000, 40_000, 80_000];
const MAX_RATIO = 2.6;
const CHANCES = 4;
/** Below this nothing can be concluded from a clock, nor does anybody suffer. */
const NEGLIGIBLE_MS = 3;
/** Processor time comes in ticks of up to 10 ms, so that what is short is repeated. */
const MEASURED_MS = 60;
const MAX_REPEATS = 200;

/** `prepare(size)` makes the input outside of the measurement and returns what is measured. */
export function assertLinear(label: string, prepare: (size: number) => () => void): void {
  let timesMs = SIZES.map((size) => bestTimeMs(prepare(size)));
  for (let chance = 0; chance < CHANCES && growsTooFast(timesMs); chance++) {
    timesMs = SIZES.map((size) => processorTimeMs(prepare(size)));
  }
  const shown = timesMs.map((timeMs) => timeMs.toFixed(2)).join(', ');
  const says = `${JSON.stringify(label)}: times for ${SIZES.join(', ')} grow too fast: ${shown} ms`;
  assert.ok(!growsTooFast(timesMs), says);
}

function growsTooFast(timesMs: readonly number[]): boolean {
  return timesMs.some(
    (timeMs, index) => timeMs > NEGLIGIBLE_MS && timeMs > MAX_RATIO * Math.max(timesMs[index - 1] ?? timeMs, 1),
  );
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

function processorTimeMs(run: () => void): number {
  const before = process.threadCpuUsage();
  for (let repeats = 1; ; repeats++) {
    run();
    const { user, system } = process.threadCpuUsage(before);
    const spentMs = (user + system) / 1_000;
    if (spentMs >= MEASURED_MS || repeats === MAX_REPEATS) return spentMs / repeats;
  }
}
