/** eseutil's work on a copy that nobody uses: /r (soft recovery), /p (repair), /d (defragmentation). */
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { silentLogger } from '../../base/logger.ts';
import { CopyFolder } from '../../host/copy-folder.ts';
import { machineClock, machineRandom } from '../../host/machine.ts';
import { FilePackDevice } from '../../host/pack-device.ts';
import { RebuiltFolder } from '../../host/rebuilt-files.ts';
import { formatLsn } from '../../log/lsn.ts';
import { TransactionLog } from '../../log/transaction-log.ts';
import { finishSeed } from '../../replication/seed-place.ts';
import { Database } from '../../store/database.ts';
import { databaseProblem } from '../../store/database-problem.ts';
import { checkLog } from '../../store/maintenance/check-log.ts';
import { defragment } from '../../store/maintenance/defragment.ts';
import { describeDatabase, describeLogFiles, describePacks } from '../../store/maintenance/describe-copy.ts';
import type { Finding } from '../../store/maintenance/finding.ts';
import { repair } from '../../store/maintenance/repair.ts';
import { repairLog } from '../../store/maintenance/repair-log.ts';
import { forgetRescue, type Rescue, rescueRecords } from '../../store/maintenance/rescue-records.ts';
import { recoverSoftly } from '../../store/maintenance/soft-recovery.ts';
import { Packs } from '../../store/packs.ts';
import { takeSnapshot } from '../../store/snapshot.ts';
import { lockCopy, wholeCopy } from './copy-place.ts';
import type { Print } from './dumps.ts';
import type { Progress } from './progress.ts';

const LOG = 'log';
const BYTES_PER_COMMIT = 64 * 1024 * 1024;
/** Messages that could not be kept are all in the list file; so many are printed too. */
const MAX_PRINTED = 100;

interface Work {
  readonly root: string;
  readonly folder: CopyFolder;
  readonly print: Print;
  readonly progress: Progress;
}

/**
 * With the copy's lock, and after what an interrupted seed or rebuilding left was settled.
 * Problem('DiskFull' | 'DiskFailed' | ...)
 */
async function withCopy<T>(
  path: string,
  mode: string,
  out: { print: Print; progress: Progress },
  use: (work: Work) => Promise<T>,
): Promise<T> {
  const root = wholeCopy(path, mode);
  const lock = lockCopy(root, mode);
  try {
    const folder = new CopyFolder(root, takeSnapshot);
    await finishSeed(folder.disk);
    await folder.prepare();
    try {
      return await use({ root, folder, ...out });
    } catch (error) {
      throw databaseProblem(error, `run ${mode}`, folder.databasePath);
    } finally {
      await folder.close();
    }
  } finally {
    lock.release();
  }
}

export function softRecovery(
  path: string,
  options: { all: boolean },
  out: { print: Print; progress: Progress },
): Promise<readonly Finding[]> {
  return withCopy(path, '/r', out, async (work) => {
    await replayLog(work, options.all);
    return [];
  });
}

async function replayLog({ folder, print, progress }: Work, all: boolean): Promise<void> {
  const device = folder.openDevice();
  try {
    const options = { disk: folder.disk, device, folder: LOG, clock: machineClock, random: machineRandom };
    const { log } = await TransactionLog.open({ ...options, logger: silentLogger, ifMissing: 'refuse' });
    const database = new Database({ path: folder.databasePath, signature: log.signature ?? Buffer.alloc(0) });
    const packs = new Packs(folder.openPacks());
    try {
      const files = await describeLogFiles(folder.disk, LOG);
      const required = files.slice(
        Math.max(
          0,
          files.findLastIndex(({ header }) => (header?.previousLsn ?? 0) <= database.appliedLsn),
        ),
      );
      const pace = progress.step(
        'replaying',
        required.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      );
      const upTo = all ? 'end' : 'proven';
      const result = await recoverSoftly({ log, database, packs, upTo, pace, bytesPerCommit: BYTES_PER_COMMIT });
      print(
        `Replayed ${result.replayedRecords} records, ${result.replayedBytes} bytes: from ${formatLsn(result.fromLsn)} to ${formatLsn(result.appliedLsn)}.`,
      );
      if (result.appliedLsn < result.endLsn) {
        print(
          `Records up to ${formatLsn(result.endLsn)} stay in the log: nothing proves that they were answered, and another copy may go on without them. /r PATH /a replays them too.`,
        );
      }
    } finally {
      database.close();
      packs.close();
      await log.close();
    }
  } finally {
    await device.close();
  }
}

export function defragmentCopy(path: string, out: { print: Print; progress: Progress }): Promise<readonly Finding[]> {
  return withCopy(path, '/d', out, async ({ root, folder, print, progress }) => {
    const target = new RebuiltFolder(root, { packs: true });
    const connection = new DatabaseSync(folder.databasePath);
    const [sourcePacks, targetPacks] = [folder.openPacks(), new FilePackDevice(target.packsFolder)];
    try {
      const before = await occupied(connection, folder);
      const pace = progress.step('moving message bodies', before.liveBytes);
      const { bodies } = await defragment({
        connection,
        packs: sourcePacks,
        targetPath: target.databasePath,
        targetPacks,
        pace,
      });
      connection.close();
      sourcePacks.close();
      targetPacks.close();
      target.install();
      const after = new DatabaseSync(folder.databasePath, { readOnly: true });
      print(`Moved ${bodies} message bodies.`);
      print(`Before: ${before.bytes} bytes. After: ${(await occupied(after, folder)).bytes} bytes.`);
      after.close();
      return [];
    } finally {
      if (connection.isOpen) connection.close();
    }
  });
}

async function occupied(connection: DatabaseSync, folder: CopyFolder): Promise<{ bytes: number; liveBytes: number }> {
  const packs = await describePacks(connection, folder.disk);
  const { pages, pageBytes } = describeDatabase(connection);
  const packBytes = packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const liveBytes = packs.reduce((sum, each) => sum + each.liveBytes, 0);
  return { bytes: packBytes + pages * pageBytes, liveBytes };
}

export function repairCopy(path: string, out: { print: Print; progress: Progress }): Promise<readonly Finding[]> {
  return withCopy(path, '/p', out, async (work) => {
    const isWhole = await repairDatabase(work);
    const rescue = await rescueFromLog(work);
    const log = await repairLog({
      disk: work.folder.disk,
      folder: LOG,
      nowMs: machineClock.wallMs(),
      ...appliedOf(work.folder.databasePath),
    });
    for (const line of log.actions) work.print(line);
    if (log.hasLog) await replayLog(work, rescue !== undefined);
    settleRescue(work.folder.databasePath);
    const lostRecords = (rescue?.missing.length ?? 0) + (rescue?.leftOut.length ?? 0) > 0;
    if (isWhole && !lostRecords) work.print('Nothing was lost.');
    if (!isWhole || log.actions.length > 0) {
      work.print(
        'This copy may lack what others have: seed it from another copy with Update-StorageGroupCopy if there is one; otherwise seed the others from it.',
      );
    }
    return [];
  });
}

/** What the database does not have of a log that is damaged there or begins too late. Undefined: nothing is wrong there. */
async function rescueFromLog({ root, folder, print, progress }: Work): Promise<Rescue | undefined> {
  const { disk, databasePath } = folder;
  const { appliedLsn, signature } = appliedOf(databasePath);
  const files = await describeLogFiles(disk, LOG);
  const { findings } = await checkLog(disk, LOG);
  const isHarmless = findings.every(({ file }) => {
    const index = files.findIndex(({ name }) => file === `${LOG}/${name}`);
    return index >= 0 && (files[index + 1]?.header?.previousLsn ?? Infinity) <= appliedLsn;
  });
  if (isHarmless && (files[0]?.header?.previousLsn ?? 0) <= appliedLsn) return undefined;
  const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const stream = Buffer.from(signature, 'hex');
  const database = new Database({ path: databasePath, signature: stream });
  const packs = new Packs(folder.openPacks());
  try {
    const nowMs = machineClock.wallMs();
    const place = { disk, folder: LOG, signature: stream, database, packs, nowMs };
    const rescue = await rescueRecords({ ...place, pace: progress.step('reading the damaged log', bytes) });
    tellRescue(rescue, root, print);
    return rescue;
  } finally {
    database.close();
    packs.close();
  }
}

function tellRescue(rescue: Rescue, root: string, print: Print): void {
  const { applied, appliedBehindHole, missing, leftOut } = rescue;
  print(`Records of the damaged log: ${applied} follow the database, ${appliedBehindHole} behind lost ones were kept.`);
  if (missing.length + leftOut.length > 0) writeList(root, 'repair-log', { missing, leftOut }, print);
  for (const { firstLsn, lastLsn } of missing.slice(0, MAX_PRINTED))
    print(`not readable: records ${formatLsn(firstLsn)} to ${formatLsn(lastLsn)}`);
  for (const { lsn, messages, why } of leftOut.slice(0, MAX_PRINTED))
    print(`not kept: the record ${formatLsn(lsn)} with ${messages} messages: ${why}`);
}

function writeList(root: string, name: string, list: unknown, print: Print): void {
  const path = join(root, `${name}-${machineClock.wallMs()}.json`);
  writeFileSync(path, `${JSON.stringify(list, null, 2)}\n`, { mode: 0o600, flush: true });
  print(`What could not be kept is listed in ${path}.`);
}

function settleRescue(databasePath: string): void {
  const connection = new DatabaseSync(databasePath);
  forgetRescue(connection);
  connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  connection.close();
}

/** True when every message was kept. */
async function repairDatabase({ root, folder, print, progress }: Work): Promise<boolean> {
  const target = new RebuiltFolder(root, { packs: false });
  const connection = new DatabaseSync(folder.databasePath);
  const packs = folder.openPacks();
  try {
    const database = { connection, name: 'database.sqlite', sizeBytes: statSync(folder.databasePath).size };
    const pace = progress.step('checking packs', await occupiedPacks(folder));
    const result = await repair({
      database,
      disk: folder.disk,
      logFolder: LOG,
      packs,
      targetPath: target.databasePath,
      nowMs: machineClock.wallMs(),
      pace,
    });
    connection.close();
    packs.close();
    if (result.lostMessages.length + result.lostRows.length > 0) {
      writeList(root, 'repair', result, print);
    }
    target.install();
    print(
      `Kept ${result.keptMessages} messages. The database was ${result.wasSalvaged ? 'written anew, row by row' : 'whole'}.`,
    );
    print(
      `Message bodies restored from the log: ${result.bodiesFromLog}, found again in packs: ${result.bodiesFromPacks}.`,
    );
    if (result.rowsFromPages > 0)
      print(`Rows that no tree leads to any more, found page by page: ${result.rowsFromPages}.`);
    if (result.adoptedMessages > 0) {
      print(
        `Messages of which only the bytes are left, now in the mailbox of recovered ones: ${result.adoptedMessages}.`,
      );
    }
    for (const { table, firstKey, lastKey, what } of result.lostRows)
      print(`not readable: ${table}, keys ${firstKey} to ${lastKey}: ${what}`);
    for (const lost of result.lostMessages.slice(0, MAX_PRINTED)) {
      print(
        `not kept: ${lost.mailbox} ${lost.folder} UID ${lost.uid} (${lost.sizeBytes} bytes, ${new Date(lost.internalDateMs).toISOString()}): ${lost.why}`,
      );
    }
    return result.lostMessages.length + result.lostRows.length + result.adoptedMessages === 0;
  } finally {
    if (connection.isOpen) connection.close();
  }
}

async function occupiedPacks({ disk }: CopyFolder): Promise<number> {
  const sizes = await Promise.all((await disk.list('packs')).map((name) => disk.size(`packs/${name}`)));
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
}

function appliedOf(databasePath: string): { appliedLsn: number; signature: string } {
  const connection = new DatabaseSync(databasePath, { readOnly: true });
  try {
    const { tally, signature } = describeDatabase(connection);
    return { appliedLsn: tally.appliedLsn, signature };
  } finally {
    connection.close();
  }
}
