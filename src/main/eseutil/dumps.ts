/** eseutil's dumps: /mh (the database's header), /ml (a log, or one file of it), /ms (who uses the space). */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FileSystemDisk } from '../../host/disk.ts';
import { DATABASE_NAME } from '../../host/seed-files.ts';
import { decodeHeader, type LogFileHeader } from '../../log/log-file.ts';
import { formatLsn } from '../../log/lsn.ts';
import { openReader } from '../../store/database.ts';
import { checkLog, checkLogFile } from '../../store/maintenance/check-log.ts';
import {
  describeDatabase,
  describeLogFiles,
  describePacks,
  describeRecords,
  describeTables,
  type LogFileFacts,
} from '../../store/maintenance/describe-copy.ts';
import type { Finding } from '../../store/maintenance/finding.ts';
import { type CopyPlace, locateCopy, wholeCopy } from './copy-place.ts';
import type { Progress } from './progress.ts';

export type Print = (line: string) => void;

/** SQLite's file header, offset 24: the change counter. */
const CHANGE_COUNTER_AT = 24;

export async function dumpHeader(path: string, print: Print): Promise<readonly Finding[]> {
  const root = wholeCopy(path, '/mh');
  const databasePath = join(root, DATABASE_NAME);
  const connection = openReader(databasePath);
  try {
    const header = describeDatabase(connection);
    const { tally } = header;
    const files = await describeLogFiles(new FileSystemDisk(root), 'log');
    const { lastLsn, required, committed } = logNeeds(files, tally.appliedLsn, join(root, 'log'));
    const isClean = lastLsn === tally.appliedLsn && sizeOf(`${databasePath}-wal`) === 0;
    list(print, [
      ['Database', databasePath],
      ['State', isClean ? 'Clean Shutdown' : 'Dirty Shutdown (the log goes on behind it, or it is in use)'],
      ['Log Signature', header.signature],
      ['Schema Version', header.schemaVersion],
      ['Position', formatLsn(tally.appliedLsn)],
      ['Log End', formatLsn(lastLsn)],
      ['Log Required', required],
      ['Log Committed', committed],
      ['Page Size', header.pageBytes],
      ['Pages', `${header.pages}, ${header.freePages} of them free`],
      ['Change Counter', changeCounter(databasePath)],
      ['Write-Ahead File', `${sizeOf(`${databasePath}-wal`)} bytes`],
      ['Packs', `${tally.pack}, the last one up to byte ${tally.packEnd}`],
      ['Next Message Body', tally.nextBodyId],
    ]);
    return [];
  } finally {
    connection.close();
  }
}

/** Generations as in the reference: those that are needed to bring the database to the log's end. */
function logNeeds(
  files: readonly LogFileFacts[],
  appliedLsn: number,
  folder: string,
): { lastLsn: number; required: string; committed: string } {
  const whole = files.flatMap(({ name, header }) => (header === undefined ? [] : [{ name, header }]));
  const open = whole.at(-1);
  if (open === undefined) return { lastLsn: 0, required: 'there is no log', committed: 'there is no log' };
  const { lastLsn } = describeRecords(readWhole(join(folder, open.name)), open.header);
  // The successor of the first file whose records the database does not hold begins behind the database's position.
  const first = whole.find((_, index) => (whole[index + 1]?.header.previousLsn ?? lastLsn) > appliedLsn);
  const range = (from: LogFileHeader): string => `${hex(from.generation)}-${hex(open.header.generation)}`;
  return {
    lastLsn,
    required: first === undefined ? 'none' : range(first.header),
    committed: range(whole[0]?.header ?? open.header),
  };
}

export async function dumpLog(path: string, print: Print, progress: Progress): Promise<readonly Finding[]> {
  const place = locateCopy(path);
  return place.part === 'log-file' ? dumpLogFile(place, print) : dumpLogFolder(place, print, progress);
}

function dumpLogFile({ root, name }: CopyPlace, print: Print): readonly Finding[] {
  const bytes = readWhole(join(root, name));
  const header = decodeHeader(bytes);
  if (header !== undefined) {
    const { lastLsn, kinds } = describeRecords(bytes, header);
    list(print, [
      ['File', join(root, name)],
      ['Log Signature', header.signature.toString('hex')],
      ['Generation', `${header.generation} (${hex(header.generation)})`],
      ['Epoch', header.epoch],
      ['Created', new Date(header.createdMs).toISOString()],
      [
        'Previous File Created',
        header.previousCreatedMs === 0 ? 'none' : new Date(header.previousCreatedMs).toISOString(),
      ],
      ['First Record', formatLsn(header.firstLsn)],
      ['Last Record', formatLsn(lastLsn)],
      ['Chain', `${header.previousChain.toString(16).padStart(8, '0')} of ${formatLsn(header.previousLsn)}`],
      ['Size', `${header.sizeBytes} bytes`],
      ...kinds.map(({ type, records, bytes: sum }): [string, string] => [
        `  ${type}`,
        `${records} records, ${sum} bytes`,
      ]),
    ]);
  }
  return checkLogFile(bytes, name);
}

async function dumpLogFolder({ root, name }: CopyPlace, print: Print, progress: Progress): Promise<readonly Finding[]> {
  const disk = new FileSystemDisk(root);
  const folder = name === '' ? 'log' : name;
  const files = await describeLogFiles(disk, folder);
  for (const { name: file, header } of files) {
    const created = header === undefined ? '' : new Date(header.createdMs).toISOString();
    const position = header === undefined ? 'its header is not whole' : `from ${formatLsn(header.firstLsn)}`;
    print(`  ${file}  ${created}  ${position}`);
  }
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const check = await checkLog(disk, folder, { pace: progress.step('checking log files', totalBytes) });
  if (check.findings.length === 0) {
    print(check.files === 0 ? 'There are no log files.' : 'No damaged log files were found.');
    list(print, [
      ['Log Files', check.files],
      ['Generations', `${hex(check.firstGeneration)}-${hex(check.generation)}`],
      ['Last Record', formatLsn(check.endLsn)],
    ]);
  }
  return check.findings;
}

export async function dumpSpace(path: string, print: Print): Promise<readonly Finding[]> {
  const root = wholeCopy(path, '/ms');
  const disk = new FileSystemDisk(root);
  const connection = openReader(join(root, DATABASE_NAME));
  try {
    print('Tables and indexes          Pages         Bytes        Unused');
    for (const { name, pages, bytes, unusedBytes } of describeTables(connection)) {
      print(`  ${name.padEnd(22)}${column(pages, 9)}${column(bytes, 14)}${column(unusedBytes, 14)}`);
    }
    const { freePages, pageBytes } = describeDatabase(connection);
    print(`  ${'(free pages)'.padEnd(22)}${column(freePages, 9)}${column(freePages * pageBytes, 14)}`);
    print('Packs                      Bodies         Bytes  Not referred to');
    for (const { pack, liveBodies, sizeBytes, liveBytes } of await describePacks(connection, disk)) {
      const name = `${String(pack).padStart(8, '0')}.pack`;
      print(`  ${name.padEnd(22)}${column(liveBodies, 9)}${column(sizeBytes, 14)}${column(sizeBytes - liveBytes, 17)}`);
    }
    const files = await describeLogFiles(disk, 'log');
    const logBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    print(`Log files                 ${column(files.length, 7)}${column(logBytes, 14)}`);
    return [];
  } finally {
    connection.close();
  }
}

function column(value: number, width: number): string {
  return String(value).padStart(width);
}

function list(print: Print, rows: readonly (readonly [string, string | number])[]): void {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  for (const [name, value] of rows) print(`${`${name}:`.padEnd(width)}${value}`);
}

function hex(generation: number): string {
  return `0x${generation.toString(16)}`;
}

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}

function changeCounter(path: string): number {
  return readPart(path, CHANGE_COUNTER_AT, 4).readUInt32BE(0);
}

function readWhole(path: string): Buffer {
  return readPart(path, 0, statSync(path).size);
}

function readPart(path: string, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const file = openSync(path, 'r');
  try {
    for (let filled = 0; filled < length; ) {
      const count = readSync(file, bytes, filled, length - filled, position + filled);
      if (count === 0) break;
      filled += count;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}
