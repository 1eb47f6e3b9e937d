/** Where a copy lives, as a port: a folder of a real disk, or of a simulated one. */
import type { Disk, LogDevice } from '../log/disk.ts';
import type { ContentIndex } from '../store/content-index.ts';
import type { Database } from '../store/database.ts';
import type { PackDevice } from '../store/packs.ts';
import type { SeedSnapshot } from './seed-manifest.ts';

export interface PackLengths {
  list(): readonly { readonly pack: number; readonly length: number }[];
}

export interface CopyStorage {
  /** Called before anything is opened, and behind the exchange of files that a seed has decided. */
  prepare(): Promise<void>;
  /** The database as last committed, with its packs; it stays as it is until it is released. */
  takeSnapshot(packs: PackLengths, signature: string): Promise<SeedSnapshot>;
  /** Its root is the copy's folder. */
  readonly disk: Disk;
  /** A fresh log writer; the one before is closed. */
  openDevice(): LogDevice;
  /** The database, which is closed, goes to quarantine; a new one begins when it is opened. */
  putDatabaseAside(): Promise<void>;
  openPacks(): PackDevice;
  /** Path for SQLite. */
  readonly databasePath: string;
  /** Instead of SQLite's own files: the database as it was last committed, a new one where there is none. */
  openDatabase?(signature: Uint8Array): Database;
  /**
   * Carries what the database has committed over into its main file, durably, off the serving thread. True when
   * everything committed before the call is there: then a loss of power does not take the database back behind it.
   */
  checkpointDatabase(): Promise<boolean>;
  /** Room on the disk, for a copy's owner. */
  freeBytes?(): Promise<number>;
  /** The full-text index of this copy, built beside the database; a simulated disk has none. */
  readonly contentIndex?: ContentIndex;
}
