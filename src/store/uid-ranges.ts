/**
 * UIDs in records: ascending runs `first..last`. A run may span UIDs that no longer exist (whoever made the record
 * looked, and nothing lies between), so that a change of a whole old folder is one run and not thousands.
 */
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { Problem } from '../base/problem.ts';
import { MAX_UID } from '../mail/limits.ts';
import type { UidRange } from '../mail/uid-set.ts';

/** Gap to the run before, then length less one: a run of any place and size is two or three bytes most of the time. */
export function writeUidRanges(writer: ByteWriter, ranges: readonly UidRange[]): void {
  writer.varint(ranges.length);
  let before = 0;
  for (const range of ranges) {
    writer.varint(range.first - before - 1).varint(range.last - range.first);
    before = range.last;
  }
}

export function readUidRanges(reader: ByteReader): UidRange[] {
  const ranges: UidRange[] = [];
  let before = 0;
  for (let left = reader.count(); left > 0; left--) {
    const first = before + reader.varint() + 1;
    const last = first + reader.varint();
    if (last > MAX_UID) throw new Problem('Malformed', 'Cannot read UIDs: one is above 2^32-1');
    ranges.push({ first, last });
    before = last;
  }
  return ranges;
}

/** Ascending UIDs as runs without gaps. */
export function runsOf(uids: readonly number[]): UidRange[] {
  const runs: { first: number; last: number }[] = [];
  let run: { first: number; last: number } | undefined;
  for (const uid of uids) {
    if (run !== undefined && uid === run.last + 1) run.last = uid;
    else {
      run = { first: uid, last: uid };
      runs.push(run);
    }
  }
  return runs;
}
