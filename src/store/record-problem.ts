/**
 * A record that cannot be true of the database it meets: a folder that is not there, a UID already used. Either the
 * record or the database is damaged, or Holdfast is wrong about itself; the copy must stop applying and say so.
 */
import type { StatementResultingChanges } from 'node:sqlite';
import { Problem } from '../base/problem.ts';

export function impossible(reason: string): Problem {
  return new Problem('RecordImpossible', `Cannot apply the record: ${reason}. Verify this copy against another one.`);
}

export function expectRows(count: number, result: StatementResultingChanges, what: string): void {
  if (Number(result.changes) !== count) throw impossible(`${what} is not as the record says`);
}
