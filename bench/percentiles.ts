/** Percentiles by the nearest rank: a figure that was really measured, never one between two. */

/** What is told of latencies, in this order. */
export const PERCENTILES = [50, 99] as const;

/** `values` need no order; NaN for each when there are none. */
export function percentiles(values: readonly number[], ranks: readonly number[]): number[] {
  const sorted = Float64Array.from(values).sort();
  return ranks.map((rank) => sorted[Math.max(0, Math.ceil((rank / 100) * sorted.length) - 1)] ?? Number.NaN);
}

export function median(values: readonly number[]): number {
  return percentiles(values, [50])[0] ?? Number.NaN;
}
