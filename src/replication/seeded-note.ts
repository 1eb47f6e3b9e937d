/** The note of a copy that was just seeded: it has a database, and a log that has still to begin. */
import { decodeNote } from '../base/checked-note.ts';
import { Problem } from '../base/problem.ts';
import type { Disk } from '../log/disk.ts';

export const SEEDED_FILE = 'seeded.json';

/** Of the log that goes on behind the database; undefined without the note. Problem('SeedDamaged') */
export async function seededSignature(disk: Disk): Promise<Buffer | undefined> {
  const size = await disk.size(SEEDED_FILE);
  if (size === undefined) return undefined;
  const signature = decodeNote(await disk.read(SEEDED_FILE, 0, size))?.['signature'];
  if (typeof signature === 'string') return Buffer.from(signature, 'hex');
  throw new Problem(
    'SeedDamaged',
    `Cannot open this copy: ${SEEDED_FILE} is damaged. Make this copy anew with Update-StorageGroupCopy.`,
  );
}
