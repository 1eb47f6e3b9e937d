/**
 * Up to where a restore goes: an LSN, or a time. Records carry no time of their own, but some say when something
 * happened, and every log file says when it was begun, all on the active copy's or the hub's clock. A restore to a time
 * ends before the first record that is known to be later. What stands between two such records cannot be told apart,
 * so a little more than asked for may be restored, never less.
 */
import { Problem } from '../../base/problem.ts';
import type { LogFileHeader } from '../../log/log-file.ts';
import { epochOf, MAX_EPOCH, makeLsn } from '../../log/lsn.ts';
import type { LogRecord } from '../../log/record.ts';
import { decodeFact } from '../../store/facts.ts';

export type RestorePoint = { readonly lsn: number } | { readonly timeMs: number };

/** `2:117` and `8589934709` are LSNs, everything else an ISO 8601 time. Problem('ArgumentInvalid') */
export function parseRestorePoint(text: string): RestorePoint {
  const pair = /^(\d{1,7}):(\d{1,10})$/.exec(text);
  if (pair !== null && Number(pair[1]) <= MAX_EPOCH && Number(pair[2]) < 2 ** 32) {
    return { lsn: makeLsn(Number(pair[1]), Number(pair[2])) };
  }
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text)) && epochOf(Number(text)) > 0)
    return { lsn: Number(text) };
  const timeMs = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(timeMs)) return { timeMs };
  throw new Problem(
    'ArgumentInvalid',
    'Cannot restore: --until is an LSN such as 2:117, or a time such as 2026-11-22T14:30:00Z.',
  );
}

/** Whether the file, or the record, is known to be later than `point`. */
export function isBehind(point: RestorePoint, place: LogFileHeader | LogRecord): boolean {
  if ('createdMs' in place) return 'timeMs' in point && place.createdMs > point.timeMs;
  return 'lsn' in point ? place.lsn > point.lsn : (statedTimeMs(place) ?? 0) > point.timeMs;
}

function statedTimeMs(record: LogRecord): number | undefined {
  const fact = decodeFact(record.kind, record.payload);
  if (fact.type === 'EpochStarted') return fact.timeMs;
  if (fact.type === 'MailboxCreated') return fact.createdMs;
  return fact.type === 'MessageDelivered' ? fact.acceptedMs : undefined;
}
