/**
 * A log of which nothing can be used from its beginning on. Its database is good, and where that stands the log of the
 * active copy goes on: so the whole log is put aside, file by file and oldest first, and the copy begins a new one from
 * there, as a copy does that was seeded. Until it holds everything again, a note on its disk keeps it from leading.
 */
import { encodeNote } from '../base/checked-note.ts';
import { type Disk, joinName } from '../log/disk.ts';
import { listLogFiles } from '../log/folder.ts';
import { noteLack } from './lack-note.ts';
import { freshQuarantine, logFileNames } from './seed-place.ts';
import { SEEDED_FILE } from './seeded-note.ts';

const LOG = 'log';

/** No `TransactionLog` is open. Returns the folder where the files are now. */
export async function putLogAside(disk: Disk, reason: string): Promise<string> {
  await noteLack(disk, 0, reason);
  const names = (await logFileNames(disk)).sort();
  const signature = (await listLogFiles(disk, LOG)).find(({ header }) => header !== undefined)?.header?.signature;
  if (signature !== undefined) {
    const seeded = { lsn: 0, signature: signature.toString('hex') };
    await disk.writeAtomically(SEEDED_FILE, encodeNote(seeded));
  }
  const aside = await freshQuarantine(disk, 'damaged-log');
  await disk.makeFolder(aside);
  for (const name of names) {
    await disk.rename(joinName(LOG, name), joinName(aside, name));
    await disk.syncFolder(aside);
    await disk.syncFolder(LOG);
  }
  return aside;
}
