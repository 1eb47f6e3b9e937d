/** What is wanted, beside what was just measured, at the end of a part. */
import { printTable } from './table.ts';

export interface Target {
  readonly what: string;
  readonly wanted: string;
  readonly seen: string;
  readonly isReached: boolean;
}

/** `unit` stands behind both figures. */
export function atLeast(what: string, wanted: number, seen: number, unit: string): Target {
  return { what, wanted: `at least ${shown(wanted, unit)}`, seen: shown(seen, unit), isReached: seen >= wanted };
}

export function atMost(what: string, wanted: number, seen: number, unit: string): Target {
  return { what, wanted: `at most ${shown(wanted, unit)}`, seen: shown(seen, unit), isReached: seen <= wanted };
}

export function printTargets(targets: readonly Target[]): void {
  const rows = targets.map(({ what, wanted, seen, isReached }) => [
    what,
    wanted,
    seen,
    isReached ? 'reached' : 'missed',
  ]);
  printTable('targets', ['what', 'wanted', 'seen', ''], rows);
}

function shown(value: number, unit: string): string {
  return `${value.toLocaleString('en-US', { maximumFractionDigits: value < 100 ? 1 : 0 })} ${unit}`;
}
