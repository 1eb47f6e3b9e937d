/**
 * Both ends of the rule that nothing is written which a member does not read (C11). The active copy refuses a change whose
 * record the cluster's level does not allow yet, before it is applied. A passive copy refuses a record whose kind it does
 * not know, before it is in its log: what it acknowledges counts as held by a copy that can lead, and this one could not.
 */
import { Problem } from '../base/problem.ts';
import { announcedBy, type FormatRange, reads } from '../cluster/format-level.ts';
import type { RecordFormats } from '../store/record-formats.ts';
import type { ReplicationHello } from './protocol.ts';

/** Whether a copy that says hello could read what is written at `level`. */
export function readsLevel(hello: ReplicationHello, level: number): boolean {
  return reads(hello.formats ?? announcedBy(undefined), level);
}

/** For a copy's process that was started from other files than its service. Problem('FormatLevelUnreadable') */
export function checkReads(range: FormatRange, level: number): void {
  if (reads(range, level)) return;
  throw new Problem(
    'FormatLevelUnreadable',
    `Cannot activate this copy: the cluster writes at format level ${level}, and this version reads ${range.lowest} to ${range.highest}. Restart this host's service with the version that is installed.`,
  );
}

/** Problem('FormatLevelTooLow') */
export function checkMayWrite(kinds: readonly number[], formats: RecordFormats, level: number): void {
  for (const kind of kinds) {
    const needed = formats.levelOf(kind);
    if (needed !== undefined && needed <= level) continue;
    throw new Problem(
      'FormatLevelTooLow',
      `Cannot accept a change: it needs format level ${needed ?? 'of a newer version'}, and the cluster writes at ${level}. When every host is updated, run Set-ClusterVersion.`,
      { temporary: true },
    );
  }
}

/** Problem('UnknownRecordKind') */
export function checkIsKnown(kind: number, formats: RecordFormats): void {
  if (formats.levelOf(kind) !== undefined) return;
  throw new Problem(
    'UnknownRecordKind',
    `Cannot take a record of kind ${kind} from the active copy: this version does not know it. Update this host.`,
  );
}
