/**
 * What a copy remembers of backups, in a small file of its folder: when they were taken, and up to which record one holds
 * the log. With circular logging off, log files go only below that. Whoever took a backup tells every copy of the
 * storage group; a copy that was away keeps its log until the next one, which costs space and nothing else.
 */
import { decodeNote, encodeNote } from '../base/checked-note.ts';
import type { Disk } from '../log/disk.ts';
import type { BackupType } from './backup-manifest.ts';

export const BACKUP_FILE = 'backup.json';

export interface BackupTimes {
  readonly latestFullMs: number | null;
  readonly latestIncrementalMs: number | null;
  /** The log up to here is in a backup. */
  readonly throughLsn: number;
}

export interface BackupTaken {
  readonly type: BackupType;
  readonly takenMs: number;
  readonly endLsn: number;
}

export class BackupNote {
  readonly #disk: Disk;
  #times: BackupTimes = { latestFullMs: null, latestIncrementalMs: null, throughLsn: 0 };
  /** LSNs behind which the log is being read. */
  readonly #held = new Map<symbol, number>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  get times(): BackupTimes {
    return this.#times;
  }

  /** A file that cannot be read means no backup: then the log is kept. */
  async load(): Promise<void> {
    const size = await this.#disk.size(BACKUP_FILE);
    if (size !== undefined) this.#times = parse(await this.#disk.read(BACKUP_FILE, 0, size));
  }

  async taken({ type, takenMs, endLsn }: BackupTaken): Promise<void> {
    const { latestFullMs, latestIncrementalMs } = this.#times;
    this.#times = {
      latestFullMs: type === 'Full' ? takenMs : latestFullMs,
      latestIncrementalMs: type === 'Incremental' ? takenMs : latestIncrementalMs,
      throughLsn: endLsn,
    };
    await this.rewrite();
  }

  /** Also when the file was damaged while this copy is open. */
  async rewrite(): Promise<void> {
    await this.#disk.writeAtomically(BACKUP_FILE, encodeNote({ ...this.#times }));
  }

  /** Keeps the log behind `lsn`; returns the undo. */
  hold(lsn: number): () => void {
    const hold = Symbol('held');
    this.#held.set(hold, lsn);
    return () => {
      this.#held.delete(hold);
    };
  }

  /** Up to where backups allow the log to be cut. */
  floor(circularLogging: boolean): number {
    return Math.min(circularLogging ? Number.MAX_SAFE_INTEGER : this.#times.throughLsn, ...this.#held.values());
  }
}

/** A note that is damaged says as much as none: that no backup was taken. */
function parse(bytes: Buffer): BackupTimes {
  const number = (value: unknown): number | null => (typeof value === 'number' && value >= 0 ? value : null);
  const { latestFullMs, latestIncrementalMs, throughLsn } = decodeNote(bytes) ?? {};
  return {
    latestFullMs: number(latestFullMs),
    latestIncrementalMs: number(latestIncrementalMs),
    throughLsn: number(throughLsn) ?? 0,
  };
}
