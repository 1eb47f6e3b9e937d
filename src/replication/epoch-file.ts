/**
 * What a copy remembers of epochs (C2), durably and in one small file: the highest one that it has seen in use, and the
 * highest one that it has promised to a takeover. A promise is taken back when the takeover is known to have failed;
 * an epoch in use never is.
 */
import { decodeNote, encodeNote } from '../base/checked-note.ts';
import { isProblem, Problem } from '../base/problem.ts';
import type { Disk } from '../log/disk.ts';

export const EPOCH_FILE = 'epoch.json';

interface Epochs {
  readonly inUse: number;
  readonly promised: number;
}

export class EpochFile {
  readonly #disk: Disk;
  #epochs: Epochs = { inUse: 0, promised: 0 };
  /** Writes one after the other: the file holds what was decided last. */
  #lastWrite: Promise<void> = Promise.resolve();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** Problem('EpochDamaged') */
  async load(): Promise<void> {
    const size = await this.#disk.size(EPOCH_FILE);
    if (size === undefined) return;
    const epochs = parseEpochs(await this.#disk.read(EPOCH_FILE, 0, size));
    if (epochs === undefined) {
      throw new Problem(
        'EpochDamaged',
        `Cannot open this copy: ${EPOCH_FILE} is damaged. Seed this copy with Update-StorageGroupCopy.`,
      );
    }
    this.#epochs = epochs;
  }

  /**
   * Begins anew where the file is damaged (and goes on with what it knows where the disk does not give it), for a copy that is
   * made anew. A promise may be forgotten with it; what this copy acknowledges it has, so a takeover of its own that the
   * register granted after all misses nothing.
   */
  async resetIfDamaged(): Promise<void> {
    try {
      await this.load();
    } catch (error) {
      if (isProblem(error, 'DiskFailed')) return this.rewrite();
      if (!isProblem(error, 'EpochDamaged')) throw error;
      await this.#change({ inUse: 0, promised: 0 });
    }
  }

  /** Nothing of a lower epoch is accepted. */
  get floor(): number {
    return Math.max(this.#epochs.inUse, this.#epochs.promised);
  }

  /** Resolves when the promise is durable; it counts from the call on. */
  promise(epoch: number): Promise<void> {
    return this.#change({ ...this.#epochs, promised: Math.max(epoch, this.#epochs.promised) });
  }

  /** The takeover under `epoch` is known to have failed. */
  withdraw(epoch: number): Promise<void> {
    if (this.#epochs.promised !== epoch) return this.#lastWrite;
    return this.#change({ ...this.#epochs, promised: 0 });
  }

  /** Resolves when it is durable that `epoch` is in use. */
  use(epoch: number): Promise<void> {
    if (epoch <= this.#epochs.inUse) return this.#lastWrite;
    return this.#change({ ...this.#epochs, inUse: epoch });
  }

  /** The file is damaged while this copy is open: it gets what it had. */
  rewrite(): Promise<void> {
    return this.#change(this.#epochs);
  }

  #change(epochs: Epochs): Promise<void> {
    this.#epochs = epochs;
    const write = this.#lastWrite.then(() => this.#disk.writeAtomically(EPOCH_FILE, encodeNote({ ...this.#epochs })));
    this.#lastWrite = write.catch(() => undefined);
    return write;
  }
}

function parseEpochs(bytes: Buffer): Epochs | undefined {
  const { inUse, promised } = decodeNote(bytes) ?? {};
  return isEpoch(inUse) && isEpoch(promised) ? { inUse, promised } : undefined;
}

function isEpoch(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
