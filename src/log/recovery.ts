/**
 * From what lies in the folder after any stop to a log that can be trusted, or to a refusal that says exactly why.
 *
 * A record that should be there and is not has one of two reasons. It was being written when the machine stopped: a torn
 * tail, nobody was told of it, it is cut away. Or it was durable, perhaps answered, and the disk lost it: damage
 * (S15). The difference is evidence, and any of this is: a file that follows; a later record that names it as durable; a
 * file shorter than it was made; somebody else who knows better.
 *
 * The open file is written once more, whole, and synced. Bytes that a process wrote and never synced may be read back
 * from memory after a restart, and after a failed fsync even a new fsync says nothing about them; only a
 * rewrite does. The same write puts zeros over a torn tail.
 */
import type { Logger } from '../base/logger.ts';
import { Problem } from '../base/problem.ts';
import { LogDamaged } from './damage.ts';
import type { Disk, LogDevice } from './disk.ts';
import { joinName, readFile } from './disk.ts';
import { finishCut } from './divergence.ts';
import { dropPrepared, type FolderFile, listLogFiles, settleNames } from './folder.ts';
import {
  closedName,
  emptyLogFile,
  follows,
  LOG_HEADER_BYTES,
  type LogFile,
  type LogFileHeader,
  nextLsn,
  OPEN_NAME,
} from './log-file.ts';
import { knownByItsSuccessor, LogFiles } from './log-files.ts';
import { formatLsn } from './lsn.ts';
import { damageBehind, scanRecords, searchBehindGap } from './scan.ts';

export interface RecoveryOptions {
  disk: Disk;
  device: LogDevice;
  folder: string;
  logger: Logger;
  ifMissing: 'empty' | 'refuse';
  knownDurableLsn?: number;
  checkedUpToLsn?: number;
}

export interface RecoveryReport {
  state: 'empty' | 'recovered';
  endLsn: number;
  generation: number;
  /** Bytes behind the last whole record that were not zero and are now. 0: the log had ended cleanly. */
  tornBytes: number;
  finishedRename: boolean;
  finishedCut: boolean;
  /** Files whose records were all checked. */
  scannedFiles: number;
}

export async function recover(options: RecoveryOptions): Promise<{ files: LogFiles; report: RecoveryReport }> {
  const { disk, folder } = options;
  const finishedCut = await finishCut(disk, folder);
  const finishedRename = await settleNames(disk, folder);
  const found = withHeaders(await listLogFiles(disk, folder));
  if (found.length === 0) refuseIfMissing(options);
  else checkContinuity(found);
  const { files, scannedFiles } = await readClosedFiles(options, found);
  const last = found.at(-1);
  let tornBytes = 0;
  if (last !== undefined) {
    const open = await readOpenFile(options, last.header);
    await rewriteOpenFile(options, open.file, open.bytes);
    files.push(open.file);
    tornBytes = open.tornBytes;
  }
  if (finishedRename) await disk.syncFolder(folder);
  await dropPrepared(disk, folder);
  const report: RecoveryReport = {
    state: last === undefined ? 'empty' : 'recovered',
    endLsn: files.at(-1)?.lastLsn ?? 0,
    generation: last?.header.generation ?? 0,
    tornBytes,
    finishedRename,
    finishedCut,
    scannedFiles: scannedFiles + (last === undefined ? 0 : 1),
  };
  options.logger.info({ folder, ...report }, 'log recovered');
  return { files: new LogFiles(files), report };
}

interface FoundFile {
  name: string;
  header: LogFileHeader;
}

/** An empty folder is a new log only where the caller says so and nobody remembers records (N16). */
function refuseIfMissing(options: RecoveryOptions): void {
  if (options.ifMissing === 'empty' && (options.knownDurableLsn ?? 0) === 0) return;
  throw new Problem(
    'LogMissing',
    `Cannot open the log: ${options.folder} holds no log file. Look for the right folder, or seed this copy.`,
  );
}

/** A file is given its final header before it gets its name: one without a whole header was whole once. */
function withHeaders(found: FolderFile[]): FoundFile[] {
  return found.map(({ name, generation, header }, index) => {
    if (header !== undefined && (generation === undefined || header.generation === generation)) return { name, header };
    const before = found[index - 1]?.header;
    throw new LogDamaged('open the log', {
      file: name,
      generation,
      fromByte: 0,
      toByte: LOG_HEADER_BYTES,
      lastGoodLsn: before?.previousLsn ?? 0,
      firstLsn: (before?.previousLsn ?? 0) + 1,
      lastLsn: undefined,
      evidence: header === undefined ? 'its header is not whole' : `its header says generation ${header.generation}`,
    });
  });
}

function checkContinuity(found: FoundFile[]): void {
  for (const [index, { name, header }] of found.entries()) {
    const before = found[index - 1]?.header;
    if (before === undefined) continue;
    if (header.generation !== before.generation + 1)
      throw missingFile(closedName(before.generation + 1), before, header);
    const continues =
      header.signature.equals(before.signature) &&
      header.previousCreatedMs === before.createdMs &&
      header.epoch >= before.epoch &&
      header.previousLsn >= before.previousLsn;
    if (!continues) throw missingFile(name, before, header, 'its header does not continue the file before it');
  }
  const last = found.at(-1);
  if (last !== undefined && last.name !== OPEN_NAME) throw missingFile(OPEN_NAME, last.header, undefined);
}

function missingFile(
  file: string,
  before: LogFileHeader,
  after: LogFileHeader | undefined,
  evidence = 'the file is missing',
): LogDamaged {
  return new LogDamaged('open the log', {
    file,
    generation: before.generation + 1,
    fromByte: 0,
    toByte: 0,
    lastGoodLsn: before.previousLsn,
    firstLsn: before.previousLsn + 1,
    lastLsn: after?.previousLsn,
    evidence,
  });
}

async function readClosedFiles(
  options: RecoveryOptions,
  found: FoundFile[],
): Promise<{ files: LogFile[]; scannedFiles: number }> {
  const files: LogFile[] = [];
  let scannedFiles = 0;
  for (const [index, { name, header }] of found.entries()) {
    const successor = found[index + 1]?.header;
    if (successor === undefined) break;
    const file = emptyLogFile(header, name);
    if (successor.previousLsn <= (options.checkedUpToLsn ?? -1)) {
      const sizeBytes = await options.disk.size(joinName(options.folder, name));
      files.push(knownByItsSuccessor(file, successor, sizeBytes ?? 0));
    } else {
      scannedFiles += 1;
      files.push(checkClosedFile(await readWhole(options, name), file, successor));
    }
  }
  return { files, scannedFiles };
}

/** The successor's header says where a closed file ends, and the chain value proves that nothing before is missing. */
function checkClosedFile(bytes: Buffer, file: LogFile, successor: LogFileHeader): LogFile {
  scanRecords(bytes, file);
  if (follows(successor, file)) return file;
  throw damagedBehind(bytes, file, 'another file follows', successor.previousLsn);
}

async function readOpenFile(
  options: RecoveryOptions,
  header: LogFileHeader,
): Promise<{ file: LogFile; bytes: Buffer; tornBytes: number }> {
  const bytes = await readWhole(options, OPEN_NAME);
  const file = emptyLogFile(header, OPEN_NAME);
  const stop = scanRecords(bytes, file);
  refuseDurableGap(options, bytes, file);
  const tornBytes = stop === 'bad' ? usedLength(bytes) - file.endBytes : 0;
  if (tornBytes > 0) options.logger.warn({ file: OPEN_NAME, end: formatLsn(file.lastLsn), tornBytes }, 'log tail torn');
  return { file, bytes, tornBytes };
}

/** Throws `LogDamaged` if anything says that records behind the end of `file` were durable once. */
function refuseDurableGap(options: RecoveryOptions, bytes: Buffer, file: LogFile): void {
  if (bytes.length < file.header.sizeBytes) throw damagedBehind(bytes, file, 'the file is shorter than it was made');
  const missing = nextLsn(file);
  const behind = searchBehindGap(bytes, file);
  if (behind.durableUpTo >= missing) throw damagedBehind(bytes, file, 'a later record calls it durable');
  if (behind.gaveUp) throw damagedBehind(bytes, file, 'what stands behind it cannot be searched');
  const known = options.knownDurableLsn ?? 0;
  if (known > file.lastLsn) throw damagedBehind(bytes, file, `durable up to ${formatLsn(known)} as others know`, known);
}

/** `lastLsn`: where it is known from elsewhere; else up to the next whole record. */
function damagedBehind(bytes: Buffer, file: LogFile, evidence: string, lastLsn?: number): LogDamaged {
  return new LogDamaged('open the log', damageBehind(bytes, file, evidence, lastLsn));
}

/** Zeros over what is not a record, and one sync over all that is. */
async function rewriteOpenFile(options: RecoveryOptions, file: LogFile, bytes: Buffer): Promise<void> {
  bytes.fill(0, file.endBytes);
  await options.device.append(joinName(options.folder, OPEN_NAME), 0, [bytes]);
}

function readWhole({ disk, folder }: RecoveryOptions, name: string): Promise<Buffer> {
  return readFile(disk, joinName(folder, name));
}

function usedLength(bytes: Buffer): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return end;
}
