/**
 * Deleting what nobody needs any more. Oldest first and each deletion durable before the next, so that at every moment
 * the files that are left are one unbroken run.
 */
import { type Disk, joinName } from './disk.ts';
import { closedName } from './log-file.ts';
import type { LogFiles } from './log-files.ts';

/** Deletes the closed files whose records all lie at or below `lsn`. Returns how many. */
export async function removeBelow(disk: Disk, folder: string, files: LogFiles, lsn: number): Promise<number> {
  let removed = 0;
  for (;;) {
    const [oldest, next] = files.all;
    // `next` has a name once it is in place: until then the oldest is all that a recovery would find.
    if (oldest === undefined || next?.name === undefined || oldest.lastLsn > lsn) return removed;
    files.dropFirst();
    await disk.remove(joinName(folder, closedName(oldest.header.generation)));
    await disk.syncFolder(folder);
    removed += 1;
  }
}
