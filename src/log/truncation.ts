/**
 * Deleting what nobody needs any more. Oldest first and each deletion durable before the next, so that at every moment
 * the files that are left are one unbroken run. Some of them are not deleted but kept to be written again.
 */
import { type Disk, joinName } from './disk.ts';
import { closedName, type LogFile } from './log-file.ts';
import type { LogFiles } from './log-files.ts';

export interface Truncation {
  disk: Disk;
  folder: string;
  files: LogFiles;
  /** A recovery finds this file without any file before it. */
  isSettled: (file: LogFile) => boolean;
  /** Takes a file for writing it again, durably: it has another name then. False: it has no use for it. */
  recycle: (name: string, sizeBytes: number) => Promise<boolean>;
}

/** Deletes the closed files whose records all lie at or below `lsn`. Returns how many. */
export async function removeBelow(
  { disk, folder, files, isSettled, recycle }: Truncation,
  lsn: number,
): Promise<number> {
  let removed = 0;
  for (;;) {
    const [oldest, next] = files.all;
    // Until `next` has its name the oldest is all that a recovery would find it by.
    if (oldest === undefined || next?.name === undefined || !isSettled(next) || oldest.lastLsn > lsn) return removed;
    files.dropFirst();
    const name = closedName(oldest.header.generation);
    if (!(await recycle(name, oldest.header.sizeBytes))) {
      await disk.remove(joinName(folder, name));
      await disk.syncFolder(folder);
    }
    removed += 1;
  }
}
