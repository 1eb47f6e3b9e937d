/** eseutil's checks: /k (checksums of logs, packs and database; beside a running copy too) and /g (the whole database). */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { isProblem } from '../../base/problem.ts';
import { FileSystemDisk } from '../../host/disk.ts';
import { DATABASE_NAME } from '../../host/seed-files.ts';
import { readFile } from '../../log/disk.ts';
import { listLogFiles } from '../../log/folder.ts';
import { openReader } from '../../store/database.ts';
import { checkBodies } from '../../store/maintenance/check-bodies.ts';
import { checkPages, checkRows, type DatabaseFile } from '../../store/maintenance/check-database.ts';
import { checkLog, checkLogFile } from '../../store/maintenance/check-log.ts';
import { checkSums } from '../../store/maintenance/check-sums.ts';
import { describeDatabase, describePacks } from '../../store/maintenance/describe-copy.ts';
import type { Finding } from '../../store/maintenance/finding.ts';
import { packName, packNumber } from '../../store/maintenance/pack-name.ts';
import { walkPack } from '../../store/maintenance/walk-pack.ts';
import { type CopyPlace, locateCopy, wholeCopy } from './copy-place.ts';
import type { Print } from './dumps.ts';
import type { Progress } from './progress.ts';

interface Check {
  readonly place: CopyPlace;
  readonly disk: FileSystemDisk;
  readonly print: Print;
  readonly progress: Progress;
}

export async function verify(path: string, print: Print, progress: Progress): Promise<readonly Finding[]> {
  const place = locateCopy(path);
  const check: Check = { place, disk: new FileSystemDisk(place.root), print, progress };
  switch (place.part) {
    case 'log-file':
      return verifyLogFile(check);
    case 'log':
      return verifyLog(check, place.name);
    case 'database':
      return verifyDatabase(check);
    case 'packs':
    case 'pack':
      return verifyPacks(check);
    case 'copy':
      return verifyCopy(check);
  }
}

/** A database of another storage group is whole, and says nothing about these packs: they are not compared with it. */
async function verifyCopy(check: Check): Promise<readonly Finding[]> {
  const log = await verifyLog(check, 'log');
  const database = verifyDatabase(check);
  const stream = database.length > 0 ? [] : await verifyStream(check);
  return stream.length > 0 ? [...log, ...stream] : [...log, ...database, ...(await verifyPacks(check))];
}

async function verifyStream({ place, disk }: Check): Promise<readonly Finding[]> {
  const headers = (await listLogFiles(disk, 'log')).flatMap(({ header }) => header ?? []);
  return withDatabase(join(place.root, DATABASE_NAME), ({ connection, name, sizeBytes }) => {
    const { signature } = describeDatabase(connection);
    const isOurs = headers.length === 0 || headers.some((header) => header.signature.toString('hex') === signature);
    return isOurs ? [] : [{ file: name, fromByte: 0, toByte: sizeBytes, what: 'it belongs to another log stream' }];
  });
}

async function verifyLogFile({ place, disk, print }: Check): Promise<readonly Finding[]> {
  const bytes = await readFile(disk, place.name);
  print(`${place.name}: ${bytes.length} bytes checked`);
  return checkLogFile(bytes, place.name.split('/').at(-1) ?? '').map((finding) => ({ ...finding, file: place.name }));
}

async function verifyLog({ disk, print, progress }: Check, folder: string): Promise<readonly Finding[]> {
  const names = await disk.list(folder);
  const sizes = await Promise.all(names.map((name) => disk.size(`${folder}/${name}`)));
  const totalBytes = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  const check = await checkLog(disk, folder, { pace: progress.step('checking log files', totalBytes) });
  print(`log: ${check.files} files, ${check.readBytes} bytes checked, ${check.findings.length} damaged`);
  return check.findings;
}

function verifyDatabase({ place, print, progress }: Check): readonly Finding[] {
  const path = join(place.root, place.part === 'database' ? place.name : DATABASE_NAME);
  return withDatabase(path, (file) => {
    progress.say(`checking ${file.name}: ${file.sizeBytes} bytes`);
    const pages = checkPages(file);
    const findings = pages.length > 0 ? pages : checkSums(file);
    print(`${file.name}: ${file.sizeBytes} bytes checked, ${findings.length} damaged`);
    return findings;
  });
}

async function verifyPacks(check: Check): Promise<readonly Finding[]> {
  const path = join(check.place.root, DATABASE_NAME);
  let connection: DatabaseSync | undefined;
  try {
    connection = openReader(path);
    return await verifyReferred(check, connection);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    check.progress.say(`without the database (${error.message}): packs are checked entry by entry`);
    return await verifyEntries(check);
  } finally {
    connection?.close();
  }
}

async function verifyReferred(
  { place, disk, print, progress }: Check,
  connection: DatabaseSync,
): Promise<readonly Finding[]> {
  const pack = place.part === 'pack' ? packNumber(place.name.split('/').at(-1) ?? '') : undefined;
  const packs = (await describePacks(connection, disk)).filter((each) => pack === undefined || each.pack === pack);
  const totalBytes = packs.reduce((sum, { liveBytes }) => sum + liveBytes, 0);
  const pace = progress.step('checking packs', totalBytes);
  const result = await checkBodies(connection, disk, pack === undefined ? { pace } : { pace, pack });
  print(`packs: ${result.bodies} message bodies, ${result.readBytes} bytes checked, ${result.findings.length} damaged`);
  return result.findings;
}

async function verifyEntries({ place, disk, print, progress }: Check): Promise<readonly Finding[]> {
  const all = (await disk.list('packs')).flatMap((name) => packNumber(name) ?? []).map(packName);
  const findings: Finding[] = [];
  for (const name of place.part === 'pack' ? [place.name] : all.sort()) {
    const sizeBytes = (await disk.size(name)) ?? 0;
    const walk = await walkPack(disk, name, sizeBytes, progress.step(`checking ${name}`, sizeBytes));
    print(
      `${name}: ${walk.entries.length} message bodies, ${sizeBytes} bytes checked, ${walk.findings.length} damaged`,
    );
    findings.push(...walk.findings);
  }
  return findings;
}

export async function checkIntegrity(path: string, print: Print, progress: Progress): Promise<readonly Finding[]> {
  const databasePath = join(wholeCopy(path, '/g'), DATABASE_NAME);
  return withDatabase(databasePath, (file) => {
    progress.say(`checking pages, trees and indexes of ${file.name}: ${file.sizeBytes} bytes`);
    const pages = checkPages(file, true);
    if (pages.length > 0) return pages;
    progress.say('checking that the rows agree with their checksums and with each other');
    const sums = checkSums(file);
    const rows = sums.length > 0 ? sums : checkRows(file);
    if (rows.length === 0) print('Integrity check successful.');
    return rows;
  });
}

function withDatabase(path: string, use: (file: DatabaseFile) => readonly Finding[]): readonly Finding[] {
  const name = path.split('/').at(-1) ?? path;
  const sizeBytes = statSync(path).size;
  let connection: DatabaseSync | undefined;
  try {
    connection = openReader(path);
    return use({ connection, name, sizeBytes });
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return [{ file: name, fromByte: 0, toByte: sizeBytes, what: error.message }];
  } finally {
    connection?.close();
  }
}

function isUnreadable(error: unknown): error is Error {
  if (isProblem(error)) return error.code === 'DiskFailed' || error.code === 'DatabaseDamaged';
  return error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR';
}
