/**
 * What is done for a copy beside its replication: backups are taken of it, its content index is looked after, a
 * seed and the room on its disk are watched, and whoever defragments its database gets a turn.
 */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { Problem } from '../base/problem.ts';
import type { ContentIndexStatus } from '../store/content-index.ts';
import type { StorageGroup } from '../store/storage-group.ts';
import type { ActiveCopy } from './active-copy.ts';
import { type BackupPlace, takeBackup } from './backup.ts';
import type { BackupManifest, BackupType } from './backup-manifest.ts';
import type { BackupTaken, BackupTimes } from './backup-note.ts';
import type { CopyFiles, Store } from './copy-files.ts';
import type { CopyStorage } from './copy-storage.ts';
import type { QuarantineFacts } from './quarantine.ts';
import { type RoomFacts, RoomWatch } from './room-watch.ts';
import type { SeedReport } from './seed-progress.ts';

export interface UpkeepFacts {
  readonly backups: BackupTimes;
  /** Null where there is no index. */
  readonly contentIndex: ContentIndexStatus | null;
  /** Of the seed that this copy is receiving; null when there is none. */
  readonly seed: SeedReport | null;
  /** Of an active copy (ActiveCopy.exposedChanges); null on a passive one. */
  readonly exposedChanges: number | null;
  readonly quarantine: QuarantineFacts;
  readonly room: RoomFacts;
}

export interface CopyUpkeepOptions {
  readonly host: string;
  readonly storageGroup: string;
  readonly circularLogging: boolean;
  readonly clock: Pick<Clock, 'wallMs'>;
  readonly logger: Logger;
  readonly storage: CopyStorage;
  readonly files: CopyFiles;
  /** Undefined on a passive copy. */
  readonly active: () => Pick<ActiveCopy, 'committedLsn' | 'exposedChanges'> | undefined;
  /** Why nothing of the kind can be done now. */
  readonly obstacle: () => string | undefined;
  /** Of the active copy; undefined on a passive one. */
  readonly mounted: () => StorageGroup | undefined;
  readonly seed: () => SeedReport | null;
  readonly quarantine: () => QuarantineFacts;
}

export class CopyUpkeep {
  readonly #options: CopyUpkeepOptions;
  readonly room: RoomWatch;
  #isBackingUp = false;

  constructor(options: CopyUpkeepOptions) {
    this.#options = options;
    this.room = new RoomWatch(options);
  }

  /** A backup to `place`, while everything goes on. Problem('BackupNotPossible' | 'BackupSourceDamaged' | …) */
  async backUp(place: BackupPlace, type: BackupType, onProgress: (line: string) => void): Promise<BackupManifest> {
    const { storageGroup, clock, files } = this.#options;
    const obstacle = this.#isBackingUp ? 'a backup of it is running' : this.#options.obstacle();
    if (obstacle !== undefined) {
      throw new Problem('BackupNotPossible', `Cannot back up this copy of ${storageGroup}: ${obstacle}.`, {
        temporary: true,
      });
    }
    this.#isBackingUp = true;
    const release = files.backups.hold(0);
    try {
      const { reader, firstGeneration, firstReadableLsn } = files.log;
      return await takeBackup(
        {
          ...this.#options,
          circularLogging: this.#options.files.circularLogging,
          signature: files.signature,
          reader,
          firstGeneration,
          firstReadableLsn,
          committedLsn: () => this.#committedLsn(),
          takeSnapshot: () => files.takeSnapshot(),
          wallMs: () => clock.wallMs(),
          onProgress,
        },
        place,
        type,
      );
    } finally {
      release();
      this.#isBackingUp = false;
    }
  }

  /** Somebody took a backup of this storage group: the log may be cut below its end. */
  async noteBackup(taken: BackupTaken): Promise<void> {
    await this.#options.files.backups.taken(taken);
  }

  /**
   * Short work on the database that changes nothing of what it holds: in turn with the changes of an active copy, with
   * the records of a passive one. Problem('NotActive' | 'NotPassive' | 'CopyNotOpen'), all temporary
   */
  async inTurn<T>(work: (store: Store) => T): Promise<T> {
    const { files, mounted, obstacle, storageGroup } = this.#options;
    const reason = obstacle();
    if (reason !== undefined) {
      throw new Problem('CopyNotOpen', `Cannot work on this copy of ${storageGroup}: ${reason}.`, { temporary: true });
    }
    const store = mounted();
    return store === undefined ? files.inTurn(work) : store.inTurn(() => work(files.openStore));
  }

  rebuildContentIndex(): void {
    this.#options.storage.contentIndex?.rebuild();
  }

  facts(): UpkeepFacts {
    const { files, storage, seed, active, quarantine } = this.#options;
    return {
      backups: files.backups.times,
      contentIndex: storage.contentIndex?.status() ?? null,
      seed: seed(),
      exposedChanges: active()?.exposedChanges ?? null,
      quarantine: quarantine(),
      room: this.room.facts,
    };
  }

  /** Right after a takeover the commit point is not known yet, but the database never holds more than it. */
  #committedLsn(): number {
    const { files } = this.#options;
    const active = this.#options.active();
    return active === undefined ? files.appliedLsn : Math.max(active.committedLsn, files.committedLsn);
  }
}
