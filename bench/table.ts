/** Figures as aligned text. The unit stands in the head of a column, so that a cell is a number alone. */
import { columns } from '../scripts/columns.ts';

export const KIB = 1024;
export const MIB = 1024 * KIB;

export type Cell = string | number;

export function printTable(title: string, head: readonly string[], rows: readonly (readonly Cell[])[]): void {
  const rule = head.map((name) => '-'.repeat(name.length));
  const lines = columns([head, rule, ...rows.map((row) => row.map(String))]);
  process.stdout.write(`\n${title}\n\n${lines}\n`);
}

export function whole(value: number): string {
  return Number.isFinite(value) ? Math.round(value).toLocaleString('en-US') : '-';
}

export function oneDecimal(value: number): string {
  return Number.isFinite(value) ? value.toFixed(1) : '-';
}

export function twoDecimals(value: number): string {
  return Number.isFinite(value) ? value.toFixed(2) : '-';
}

/** Of milliseconds, as many digits as mean something. */
export function milliseconds(value: number): string {
  return value < 10 ? twoDecimals(value) : value < 100 ? oneDecimal(value) : whole(value);
}

export function sizeName(bytes: number): string {
  return bytes >= 1_000_000 ? `${bytes / 1_000_000} MB` : `${bytes / 1_000} KB`;
}
