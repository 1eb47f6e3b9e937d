/**
 * The small parts of an open copy that can be mended while it goes on: closed log files, which another copy has
 * with the same records, and its notes, which it has in memory. What is to be mended is found elsewhere (the scrub, a read); here is what
 * the copy knows about it, and the turn in which a file may be replaced.
 */
import { encodeNote } from '../base/checked-note.ts';
import type { ClosedFileState } from '../log/closed-file.ts';
import type { Disk } from '../log/disk.ts';
import { BACKUP_FILE } from './backup-note.ts';
import type { CopyFiles } from './copy-files.ts';
import { EPOCH_FILE } from './epoch-file.ts';
import { LACK_FILE } from './lack-note.ts';
import { SEEDED_FILE } from './seeded-note.ts';

/** One step of the copy after the other: no log file is deleted beside it, and the files stay open. */
export type InOrder = <T>(step: () => Promise<T>) => Promise<T>;

export class CopyParts {
  readonly #files: CopyFiles;
  readonly #disk: Disk;
  readonly #inOrder: InOrder;

  constructor(files: CopyFiles, disk: Disk, inOrder: InOrder) {
    this.#files = files;
    this.#disk = disk;
    this.#inOrder = inOrder;
  }

  /** `gone` also while the copy is not open. */
  logFileState(generation: number): ClosedFileState {
    const files = this.#files;
    return files.isOpen ? files.log.fileState(generation) : 'gone';
  }

  isLogFile(generation: number, bytes: Buffer): boolean {
    const files = this.#files;
    return files.isOpen && files.log.isClosedFile(generation, bytes);
  }

  /** The closed log file as another copy has it. False, and nothing is changed, when it is not ours or not here any more. */
  replaceLogFile(generation: number, bytes: Buffer): Promise<boolean> {
    return this.#inOrder(async () => {
      if (!this.isLogFile(generation, bytes)) return false;
      await this.#files.log.replaceClosedFile(generation, bytes);
      return true;
    });
  }

  /** Writes the note again, from what the open copy knows. False when it knows nothing of such a note. */
  rewriteNote(name: string): Promise<boolean> {
    return this.#inOrder(async () => {
      const files = this.#files;
      const disk = this.#disk;
      if (!files.isOpen) return false;
      if (name === EPOCH_FILE) await files.epochs.rewrite();
      else if (name === BACKUP_FILE) await files.backups.rewrite();
      else if (name === LACK_FILE && files.lacksRecords) await files.rewriteLackNote();
      else if (name === SEEDED_FILE && files.signature !== '')
        await disk.writeAtomically(SEEDED_FILE, encodeNote({ lsn: files.appliedLsn, signature: files.signature }));
      else return false;
      return true;
    });
  }
}
