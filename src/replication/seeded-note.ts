/** The note of a copy that was just seeded: it has a database, and a log that has still to begin. */
import type { Disk } from '../log/disk.ts';

export const SEEDED_FILE = 'seeded.json';

/** Of the log that goes on behind the database; undefined without the note. */
export async function seededSignature(disk: Disk): Promise<Buffer | undefined> {
  const size = await disk.size(SEEDED_FILE);
  if (size === undefined) return undefined;
  const value: unknown = JSON.parse((await disk.read(SEEDED_FILE, 0, size)).toString('utf8'));
  const signature = (value as { signature?: unknown } | null)?.signature;
  return typeof signature === 'string' ? Buffer.from(signature, 'hex') : undefined;
}
