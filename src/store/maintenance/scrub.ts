/**
 * One pass over everything a copy has on its disk: closed log files, bodies, the database's pages and rows, its notes. It
 * runs beside the serving, in a thread of its own, and `pace` keeps it slow.
 */
import type { DatabaseSync } from 'node:sqlite';
import { decodeNote } from '../../base/checked-note.ts';
import { isProblem } from '../../base/problem.ts';
import type { Disk } from '../../log/disk.ts';
import { checkBodies } from './check-bodies.ts';
import { checkPages, type DatabaseFile } from './check-database.ts';
import { checkLog } from './check-log.ts';
import { stepsOfSums } from './check-sums.ts';
import type { Finding, Pace } from './finding.ts';

export interface ScrubPass {
  readonly findings: readonly Finding[];
  readonly readBytes: number;
  readonly bodies: number;
  readonly logFiles: number;
}

/** What a copy keeps in such files (docs/formats.md); other names are not its own. */
export const NOTE = /^(epoch|backup|damaged|seeded)\.json$/;

const NO_BODIES = { findings: [], readBytes: 0, bodies: 0 } as const;

export async function scrubCopy(options: {
  readonly disk: Disk;
  readonly logFolder: string;
  readonly connection: DatabaseSync;
  readonly databaseName: string;
  readonly pace: Pace;
}): Promise<ScrubPass> {
  const { disk, connection, pace, databaseName } = options;
  const log = await checkLog(disk, options.logFolder, { pace });
  const sizeBytes = (await disk.size(databaseName)) ?? 0;
  const database = { connection, name: databaseName, sizeBytes };
  const pages = checkPages(database, true);
  await pace(sizeBytes);
  const rows = pages.length > 0 ? [] : await checkRowSums(database, pace);
  // Which bodies there are, only a database that is whole can say.
  const bodies = pages.length + rows.length > 0 ? NO_BODIES : await checkBodies(connection, disk, { pace });
  return {
    findings: [...log.findings, ...bodies.findings, ...pages, ...rows, ...(await checkNotes(disk))],
    readBytes: log.readBytes + bodies.readBytes + sizeBytes,
    bodies: bodies.bodies,
    logFiles: log.files,
  };
}

/** The small files in the copy's folder that tell themselves whether they are whole. */
async function checkNotes(disk: Disk): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const file of (await disk.list('')).filter((name) => NOTE.test(name))) {
    const toByte = (await disk.size(file)) ?? 0;
    const what = await faultOfNote(disk, file, toByte);
    if (what !== undefined) findings.push({ file, fromByte: 0, toByte, what });
  }
  return findings;
}

async function faultOfNote(disk: Disk, name: string, sizeBytes: number): Promise<string | undefined> {
  try {
    return decodeNote(await disk.read(name, 0, sizeBytes)) === undefined ? 'its checksum is wrong' : undefined;
  } catch (error) {
    if (isProblem(error, 'FileMissing')) return undefined; // what it noted is over
    if (isProblem(error, 'DiskFailed')) return error.message;
    throw error;
  }
}

/** About what a row has: the pace is told in bytes. */
const ROW_BYTES = 64;

async function checkRowSums(database: DatabaseFile, pace: Pace): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for (const { rows, findings } of stepsOfSums(database)) {
    found.push(...findings);
    await pace(rows * ROW_BYTES);
  }
  return found;
}
