/**
 * The note of a copy that lacks records: they were damaged here, or it comes from a backup. As long as it lies beside the
 * log the copy must not lead by itself, whatever the register says: that may still name it in sync, from the time of
 * another disk, and its last hint may lie before what the backup does not have (C10).
 */
import { decodeNote, encodeNote } from '../base/checked-note.ts';
import type { Disk } from '../log/disk.ts';

export const LACK_FILE = 'damaged.json';

/** Durable, before anything is received: a part of the log must not pass for the whole. */
export async function noteLack(disk: Disk, lsn: number, reason: string): Promise<void> {
  await disk.writeAtomically(LACK_FILE, encodeNote({ lsn, reason }));
}

/** What is here is whole and ends at `lsn`; an administrator may let it lead all the same. */
export async function noteRestored(disk: Pick<Disk, 'writeAtomically'>, lsn: number): Promise<void> {
  await disk.writeAtomically(LACK_FILE, encodeNote({ lsn, reason: 'it comes from a backup', restored: true }));
}

export class LackNote {
  readonly #disk: Disk;
  #state: 'none' | 'damaged' | 'restored' = 'none';

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  get isThere(): boolean {
    return this.#state !== 'none';
  }

  get isRestored(): boolean {
    return this.#state === 'restored';
  }

  /** A note that is damaged itself says the worse of the two. */
  async load(): Promise<void> {
    const size = await this.#disk.size(LACK_FILE);
    if (size === undefined) return;
    const note = decodeNote(await this.#disk.read(LACK_FILE, 0, size));
    this.#state = note?.['restored'] === true ? 'restored' : 'damaged';
  }

  async write(lsn: number, reason: string): Promise<void> {
    await noteLack(this.#disk, lsn, reason);
    this.#state = 'damaged';
  }

  /** Again, from memory: what was on the disk is damaged. A copy that comes from a backup goes on saying so. */
  async rewrite(lsn: number): Promise<void> {
    if (this.isRestored) await noteRestored(this.#disk, lsn);
    else await noteLack(this.#disk, lsn, 'what its records were is not known');
  }

  /** Everything that was ever committed is here again, or an administrator accepted that it is not. */
  async remove(): Promise<void> {
    await this.#disk.remove(LACK_FILE);
    await this.#disk.syncFolder('');
    this.#state = 'none';
  }
}
