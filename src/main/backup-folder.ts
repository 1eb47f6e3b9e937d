/** Folders of backups on this host, by the paths that an administrator writes. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { Problem } from '../base/problem.ts';
import { HostBackupDisk } from '../host/backup-disk.ts';
import { diskProblem, errorCode } from '../host/disk-problem.ts';
import { BackupFolder } from '../replication/backup-folder.ts';

/** The backups in `path`, which need not be there. Problem('PathInvalid') */
export function openBackupFolder(path: string, clock: Pick<Clock, 'wallMs'>): BackupFolder {
  const { disk, folder } = HostBackupDisk.of(path);
  return new BackupFolder(disk, folder, clock);
}

/**
 * Where the backups of one storage group lie: `path` itself, or the one folder in it that has some, as when it is the
 * folder that Backup-StorageGroup was given. Problem('BackupAmbiguous') when there are several and none is the `wanted`
 * storage group's.
 */
export async function folderOfBackups(path: string, clock: Pick<Clock, 'wallMs'>, wanted?: string): Promise<string> {
  const hasBackups = async (folder: string): Promise<boolean> =>
    (await openBackupFolder(folder, clock).manifests()).length > 0;
  if (await hasBackups(path)) return path;
  const found: string[] = [];
  for (const name of await foldersIn(path)) if (await hasBackups(join(path, name))) found.push(name);
  if (wanted !== undefined && found.includes(wanted)) return join(path, wanted);
  if (found.length > 1) {
    throw new Problem(
      'BackupAmbiguous',
      `Cannot restore from ${path}: it has backups of ${found.join(', ')}. Name the folder of one of them.`,
    );
  }
  return join(path, found[0] ?? '');
}

async function foldersIn(path: string): Promise<string[]> {
  const names = await namesIn(path);
  const facts = await Promise.all(names.map((name) => stat(join(path, name))));
  return names.filter((_, index) => facts[index]?.isDirectory() === true);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw diskProblem(error, `list ${folder}`);
  }
}
