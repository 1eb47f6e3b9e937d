/**
 * A backup of a simulated copy, and what `holdfast restore` makes of it: the log, the packs and a database that the log
 * brings up to date, with the note that keeps the copy from leading by itself. The epoch, notes and quarantine are of the disk that
 * was lost, and no part of it.
 */
import type { Disk } from '../log/disk.ts';
import { noteRestored } from '../replication/lack-note.ts';
import type { SimulatedDisk } from './simulated-disk.ts';
import type { DatabaseImages } from './simulated-storage.ts';

export interface CopyBackup {
  /** By their names on the disk. */
  readonly files: ReadonlyMap<string, Buffer>;
  readonly database: Uint8Array | undefined;
  readonly lsn: number;
}

/** `lsn`: where the log ends. */
export function takeBackup(disk: SimulatedDisk, folder: string, images: DatabaseImages, lsn: number): CopyBackup {
  const log = disk
    .list(`${folder}/log`)
    .filter((name) => /^E00([0-9a-f]{8})?\.log$/.test(name))
    .map((name) => `${folder}/log/${name}`);
  const packs = disk.list(`${folder}/packs`).map((name) => `${folder}/packs/${name}`);
  const files = [...log, ...packs].map((name) => [name, disk.read(name, 0, disk.size(name) ?? 0)] as const);
  return { files: new Map(files), database: images.committed, lsn };
}

/** Onto an empty disk, durably; nobody uses it yet. */
export function putBack(disk: SimulatedDisk, folder: string, images: DatabaseImages, backup: CopyBackup): void {
  for (const [name, bytes] of backup.files) disk.putDurably(name, bytes);
  images.committed = backup.database;
  images.checkpointed = backup.database;
  const target: Pick<Disk, 'writeAtomically'> = {
    writeAtomically: (name, bytes) => Promise.resolve(disk.putDurably(`${folder}/${name}`, Buffer.from(bytes))),
  };
  void noteRestored(target, backup.lsn);
}
