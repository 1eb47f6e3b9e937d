/**
 * A damaged log made usable again. Records that the database holds already are not needed: files up to the damaged one
 * are put aside and the log begins behind them. Behind what the database holds, the log ends at the last record before
 * the damage. Where neither leaves a log that continues the database, the whole log is put aside, and the copy goes on
 * as one that was just seeded. Nothing is deleted: `quarantine/` keeps every file.
 */
import { encodeNote } from '../../base/checked-note.ts';
import { type Disk, joinName, readFile } from '../../log/disk.ts';
import { truncateAfter } from '../../log/divergence.ts';
import { type FolderFile, listLogFiles, settleNames } from '../../log/folder.ts';
import { emptyLogFile, LOG_HEADER_BYTES, OPEN_NAME } from '../../log/log-file.ts';
import { formatLsn } from '../../log/lsn.ts';
import { scanRecords } from '../../log/scan.ts';
import { checkLog } from './check-log.ts';
import type { Finding } from './finding.ts';

export interface LogRepairOptions {
  readonly disk: Disk;
  readonly folder: string;
  /** Where the repaired database stands, and of which stream, hex. */
  readonly appliedLsn: number;
  readonly signature: string;
  readonly nowMs: number;
}

export interface LogRepair {
  /** What was done, for people; empty when the log was whole. */
  readonly actions: readonly string[];
  readonly hasLog: boolean;
}

/** As CopyFiles reads it: from where the log of a copy goes on that has a database and no log. */
const SEEDED_FILE = 'seeded.json';
/** Each pass puts at least one file aside. */
const MAX_PASSES = 10_000;
const WHOLLY_ASIDE = 'all of it was put aside in';

export async function repairLog(options: LogRepairOptions): Promise<LogRepair> {
  const { disk, folder } = options;
  const actions: string[] = [];
  const quarantine = `quarantine/repair-${Math.floor(options.nowMs)}`;
  if (await settleNames(disk, folder)) await disk.syncFolder(folder);
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const check = await checkLog(disk, folder);
    const files = await listLogFiles(disk, folder);
    const [damage] = check.findings;
    if (damage === undefined) {
      if (check.files > 0 && (files[0]?.header?.previousLsn ?? 0) <= options.appliedLsn) {
        return { actions, hasLog: true };
      }
      if (check.files > 0) actions.push(`the log begins behind what the database holds: ${WHOLLY_ASIDE} ${quarantine}`);
      await beginAnew(options, files, quarantine);
      return { actions, hasLog: false };
    }
    const index = files.findIndex(({ name }) => joinName(folder, name) === damage.file);
    const next = files[index + 1]?.header;
    if (index >= 0 && next !== undefined && next.previousLsn <= options.appliedLsn) {
      actions.push(`${describe(damage)}; the database holds its records: the log begins behind it now`);
      await putAside(
        disk,
        folder,
        files.slice(0, index + 1).map(({ name }) => name),
        quarantine,
      );
      continue;
    }
    const lastGood = await lastGoodLsn(options, damage);
    if (lastGood !== undefined && lastGood >= options.appliedLsn) {
      actions.push(`${describe(damage)}; records behind ${formatLsn(lastGood)} were put aside in ${quarantine}`);
      await truncateAfter({ disk, folder, lsn: lastGood, quarantineFolder: `${quarantine}-${pass}`, reopens: true });
      continue;
    }
    actions.push(`${describe(damage)}; the log does not continue the database: ${WHOLLY_ASIDE} ${quarantine}`);
    await beginAnew(options, files, quarantine);
    return { actions, hasLog: false };
  }
  return { actions, hasLog: true };
}

/** The copy goes on as one that was just seeded. */
async function beginAnew(options: LogRepairOptions, files: readonly FolderFile[], quarantine: string): Promise<void> {
  const { disk, folder, appliedLsn, signature } = options;
  await disk.writeAtomically(SEEDED_FILE, encodeNote({ lsn: appliedLsn, signature }));
  const names = files.map(({ name }) => name);
  await putAside(disk, folder, names, quarantine);
}

/** The last record before the damage: in the damaged file itself, or in the one before it. */
async function lastGoodLsn({ disk, folder }: LogRepairOptions, damage: Finding): Promise<number | undefined> {
  const files = await listLogFiles(disk, folder);
  const isInside = damage.fromByte >= LOG_HEADER_BYTES;
  const file = files.findLast(({ name }) => {
    const path = joinName(folder, name);
    return path === damage.file
      ? isInside
      : name !== OPEN_NAME && (path < damage.file || damage.file.endsWith(OPEN_NAME));
  });
  if (file?.header === undefined) return undefined;
  const path = joinName(folder, file.name);
  const scanned = emptyLogFile(file.header, file.name);
  scanRecords(await readFile(disk, path), scanned);
  return scanned.lastLsn > 0 ? scanned.lastLsn : undefined;
}

/** Oldest first: at every moment the files that are left are one unbroken run. */
async function putAside(disk: Disk, folder: string, names: readonly string[], quarantine: string): Promise<void> {
  await disk.makeFolder(quarantine);
  for (const name of names) {
    await disk.rename(joinName(folder, name), joinName(quarantine, name));
    await disk.syncFolder(quarantine);
    await disk.syncFolder(folder);
  }
}

function describe({ file, fromByte, toByte }: Finding): string {
  return `${file} is damaged from byte ${fromByte} to ${toByte}`;
}
