/**
 * Deleting what nobody needs any more, oldest first. The files are not deleted but put among those that stand ready
 * (file-supply.ts), many with one sync of the folder. A stop in between may leave some under their numbers and others not,
 * with holes between them; a recovery finds those too, by their headers, and the run is unbroken again (folder.ts). None
 * is written again or deleted before all of them are durably gone.
 */
import { MAX_RETIRED_AT_ONCE } from './limits.ts';
import { closedName, type LogFile } from './log-file.ts';
import type { LogFiles } from './log-files.ts';

export interface Truncation {
  files: LogFiles;
  /** A recovery finds this file without any file before it. */
  isSettled: (file: LogFile) => boolean;
  /** Takes files for writing them again, or deletes them: durably, they have other names then. */
  retire: (files: readonly RetiredFile[]) => Promise<void>;
}

export interface RetiredFile {
  readonly name: string;
  readonly sizeBytes: number;
}

/** Deletes the closed files whose records all lie at or below `lsn`. Returns how many. Not twice at a time. */
export async function removeBelow({ files, isSettled, retire }: Truncation, lsn: number): Promise<number> {
  let removed = 0;
  for (;;) {
    const retired: RetiredFile[] = [];
    while (retired.length < MAX_RETIRED_AT_ONCE) {
      const [oldest, next] = files.all;
      // Until `next` has its name the oldest is all that a recovery would find it by.
      if (oldest === undefined || next?.name === undefined || !isSettled(next) || oldest.lastLsn > lsn) break;
      files.dropFirst();
      retired.push({ name: closedName(oldest.header.generation), sizeBytes: oldest.header.sizeBytes });
    }
    if (retired.length === 0) return removed;
    await retire(retired);
    removed += retired.length;
  }
}
