/**
 * From a folder of backups to a copy's folder as it was at some point: the full backup's database and packs, the log of
 * everything behind it cut at the point, and the log replayed. Every file is held against its checksum before it is
 * used, every record against its chain. The folder appears under its name only when it is finished.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { silentLogger } from '../../base/logger.ts';
import { Problem } from '../../base/problem.ts';
import { CopyFolder } from '../../host/copy-folder.ts';
import { FileSystemDisk } from '../../host/disk.ts';
import { machineClock, machineRandom, yieldTurn } from '../../host/machine.ts';
import {
  closedGeneration,
  closedName,
  decodeHeader,
  emptyLogFile,
  follows,
  type LogFile,
  OPEN_NAME,
} from '../../log/log-file.ts';
import { formatLsn } from '../../log/lsn.ts';
import { scanRecords } from '../../log/scan.ts';
import { type BackupManifest, planRestore } from '../../replication/backup-manifest.ts';
import { CopyFiles } from '../../replication/copy-files.ts';
import { noteRestored } from '../../replication/lack-note.ts';
import { openReader } from '../../store/database.ts';
import { digestOf } from '../../store/digest.ts';
import { takeSnapshot } from '../../store/snapshot.ts';
import { openBackupFolder } from '../backup-folder.ts';
import { isBehind, type RestorePoint } from './restore-point.ts';

export interface AssembleOptions {
  /** The folder with the backups of one storage group. */
  readonly from: string;
  /** The copy's folder to be made: it is not there, or empty. */
  readonly to: string;
  readonly until?: RestorePoint | undefined;
  readonly onProgress: (line: string) => void;
}

export interface AssembledCopy {
  readonly storageGroup: string;
  readonly signature: string;
  readonly lsn: number;
  /** digestOf the database. */
  readonly digest: string;
  readonly backups: readonly string[];
}

/** Problem('BackupMissing' | 'BackupDamaged' | 'FolderNotEmpty' | …): nothing was changed. */
export async function assembleCopy(options: AssembleOptions): Promise<AssembledCopy> {
  const { from, until, onProgress } = options;
  const target = freshFolder(options.to);
  const chain = await chooseBackups(from, until);
  const [full] = chain;
  const last = chain.at(-1);
  if (full === undefined || last === undefined) throw new Problem('BackupMissing', `Cannot restore: ${from} is empty.`);
  const folder = openBackupFolder(resolve(from), machineClock);
  for (const backup of chain) {
    onProgress(`checking ${backup.id}`);
    for (const file of backup.files) await folder.check(backup.id, file);
  }
  mkdirSync(join(target.temporary, 'packs'), { recursive: true, mode: 0o700 });
  onProgress(`restoring the database of ${full.id}`);
  for (const { name } of full.files) {
    if (!name.startsWith('log/')) copyFileSync(join(from, full.id, name), join(target.temporary, name));
  }
  await writeLog(options, chain, target.temporary);
  onProgress('replaying the log');
  const { lsn, digest } = await replay(target.temporary);
  await noteRestored(new FileSystemDisk(target.temporary), lsn);
  target.finish();
  return {
    storageGroup: full.storageGroup,
    signature: full.signature,
    lsn,
    digest,
    backups: chain.map(({ id }) => id),
  };
}

export interface FreshFolder {
  /** To be filled. */
  readonly temporary: string;
  /** Gives it its name. */
  finish(): void;
}

/** Problem('FolderNotEmpty') */
export function freshFolder(path: string): FreshFolder {
  const target = resolve(path);
  if (existsSync(target) && readdirSync(target).length > 0) {
    throw new Problem('FolderNotEmpty', `Cannot restore to ${target}: there is something in it. Move it away first.`);
  }
  const temporary = `${target}.unfinished`;
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true, mode: 0o700 });
  return {
    temporary,
    finish: () => {
      if (existsSync(target)) rmdirSync(target);
      renameSync(temporary, target);
    },
  };
}

async function chooseBackups(from: string, until: RestorePoint | undefined): Promise<readonly BackupManifest[]> {
  const all = await openBackupFolder(resolve(from), machineClock).manifests();
  // A storage group that was made anew begins another log; the newest one is meant.
  const ours = all.filter(({ signature }) => signature === all.at(-1)?.signature);
  if (until === undefined) return planRestore(ours);
  if ('lsn' in until) return planRestore(ours, until.lsn);
  const notLater = ours.filter(({ type, takenMs }) => type === 'Full' && takenMs <= until.timeMs);
  const full = notLater.at(-1);
  if (full === undefined) {
    throw new Problem('BackupMissing', 'Cannot restore: every full backup here is later than that time.');
  }
  const otherFulls = ours.filter((each) => each.type === 'Full' && each !== full).map(({ id }) => id);
  return planRestore(ours.filter(({ id }) => !otherFulls.includes(id)));
}

/** Each generation from the backup that has most of it: the latest. */
async function writeLog(options: AssembleOptions, chain: readonly BackupManifest[], target: string): Promise<void> {
  const paths = new Map<number, string>();
  for (const { id, files } of chain) {
    for (const { name } of files) {
      const generation = name.startsWith('log/') ? closedGeneration(name.slice('log/'.length)) : undefined;
      if (generation !== undefined) paths.set(generation, join(options.from, id, name));
    }
  }
  const disk = new FileSystemDisk(target);
  await disk.makeFolder('log');
  let before: LogFile | undefined;
  for (const generation of [...paths.keys()].sort((one, other) => one - other)) {
    const bytes = readFileSync(paths.get(generation) ?? '');
    const cut = cutFile(bytes, before, options.until);
    if (cut === undefined) break;
    await disk.writeAtomically(`log/${closedName(generation)}`, bytes);
    before = cut.file;
    if (cut.isLast) break;
  }
  if (before === undefined) throw damaged('there is no log in it');
  await disk.rename(`log/${closedName(before.header.generation)}`, `log/${OPEN_NAME}`);
  await disk.syncFolder('log');
}

/** Puts zeros over what is behind the point. Undefined when the whole file is. */
function cutFile(
  bytes: Buffer,
  before: LogFile | undefined,
  until: RestorePoint | undefined,
): { file: LogFile; isLast: boolean } | undefined {
  const header = decodeHeader(bytes);
  if (header === undefined) throw damaged('the header of a log file is not whole');
  if (before !== undefined && !follows(header, before)) throw damaged(`log file ${header.generation} does not follow`);
  if (before !== undefined && until !== undefined && isBehind(until, header)) return undefined;
  const file = emptyLogFile(header, undefined);
  let cutAt: number | undefined;
  const stop = scanRecords(bytes, file, (record, position) => {
    if (until !== undefined && cutAt === undefined && isBehind(until, record)) cutAt = position;
  });
  if (stop === 'bad') throw damaged(`log file ${header.generation} is damaged behind ${formatLsn(file.lastLsn)}`);
  if (cutAt === undefined) return { file, isLast: false };
  bytes.fill(0, cutAt);
  const shorter = emptyLogFile(header, undefined);
  scanRecords(bytes, shorter);
  return { file: shorter, isLast: true };
}

async function replay(root: string): Promise<{ lsn: number; digest: string }> {
  const storage = new CopyFolder(root, takeSnapshot);
  const files = new CopyFiles({
    circularLogging: false,
    storage,
    clock: machineClock,
    random: machineRandom,
    logger: silentLogger,
    yieldTurn,
    committedLsn: () => 0,
  });
  try {
    await files.open();
    await files.applyAll();
    await files.commitDatabase();
    await storage.checkpointDatabase();
  } finally {
    await files.close();
    await storage.close();
  }
  const reader = openReader(storage.databasePath);
  try {
    const result = reader.prepare('PRAGMA quick_check').get();
    if (result?.['quick_check'] !== 'ok') throw damaged(`the database is damaged: ${String(result?.['quick_check'])}`);
    const { lsn, sha256 } = digestOf(reader);
    return { lsn, digest: sha256 };
  } finally {
    reader.close();
  }
}

function damaged(why: string): Problem {
  return new Problem('BackupDamaged', `Cannot restore this backup: ${why}. Use another one.`);
}
