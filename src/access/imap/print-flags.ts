/** A message's flags as a parenthesised list. */
import { flagNames } from '../../mail/flags.ts';
import { list } from './wire/print.ts';

export function printFlags(row: { flags: number; keywords: readonly string[] }, recent: boolean): string {
  const names = flagNames(row.flags);
  if (recent) names.push('\\Recent');
  return list(row.keywords.length === 0 ? names : [...names, ...row.keywords]);
}
