/**
 * One pass over everything a copy has on its disk: closed log files, bodies, the database's pages. It runs beside the
 * serving, in a thread of its own, and `pace` keeps it slow.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Disk } from '../../log/disk.ts';
import { checkBodies } from './check-bodies.ts';
import { checkPages } from './check-database.ts';
import { checkLog } from './check-log.ts';
import type { Finding, Pace } from './finding.ts';

export interface ScrubPass {
  readonly findings: readonly Finding[];
  readonly readBytes: number;
  readonly bodies: number;
  readonly logFiles: number;
}

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
  const pages = checkPages({ connection, name: databaseName, sizeBytes });
  await pace(sizeBytes);
  // Which bodies there are, only a database that is whole can say.
  const bodies = pages.length > 0 ? NO_BODIES : await checkBodies(connection, disk, { pace });
  return {
    findings: [...log.findings, ...bodies.findings, ...pages],
    readBytes: log.readBytes + bodies.readBytes + sizeBytes,
    bodies: bodies.bodies,
    logFiles: log.files,
  };
}
