/**
 * A copy that lost the race has records behind the last common point that no other copy has. They are put aside, whole
 * files in `quarantine/`, and only then cut away, so that the log ends exactly at the common point and follows the new
 * history from there (S20).
 *
 * The cut touches several files and a machine may stop between any two steps. So it is written down first: once the note
 * `E00cut.note` is durable, the cut is decided, every step may be repeated, and each start of the log finishes it before it
 * looks at anything else. Before the note, nothing has changed.
 */
import { assert } from '../base/assert.ts';
import { crc32 } from '../base/checksum.ts';
import { Problem } from '../base/problem.ts';
import { type Disk, joinName, readFile } from './disk.ts';
import { dropPrepared, type FolderFile, listLogFiles, readHeader, settleNames } from './folder.ts';
import { closedName, emptyLogFile, type LogFile, OPEN_NAME } from './log-file.ts';
import { formatLsn } from './lsn.ts';
import { readU64, writeU64 } from './record.ts';
import { endsCleanly, scanRecords } from './scan.ts';

const NOTE_NAME = 'E00cut.note';
const NOTE_BYTES = 24;

export interface CutOptions {
  disk: Disk;
  /** The log's folder. No `TransactionLog` is open on it. */
  folder: string;
  /** The log will end with exactly this record. */
  lsn: number;
  /** Where the files with records behind `lsn` are copied to, under their own names: a folder that only this cut uses. */
  quarantineFolder: string;
  /** Writes the file that holds `lsn` anew as the open one, also when nothing stands behind it: the open one was lost. */
  reopens?: boolean;
}

export interface CutReport {
  /** Names in the quarantine folder, oldest first; empty if nothing stood behind `lsn`. */
  quarantined: string[];
  generation: number;
}

/**
 * Ends the log at `lsn`. Whatever lies behind may be damaged. Problem `LogCutImpossible` if no file here has the record
 * `lsn`: then nothing is changed, and the copy needs a seed.
 */
export async function truncateAfter(options: CutOptions): Promise<CutReport> {
  const { disk, folder } = options;
  await finishCut(disk, folder);
  if (await settleNames(disk, folder)) await disk.syncFolder(folder);
  const files = await listLogFiles(disk, folder);
  const { index, file, bytes } = await findCut(options, files);
  const hasTail = !endsCleanly(bytes, file);
  const quarantined = files.slice(hasTail ? index : index + 1).map(({ name }) => name);
  const { generation } = file.header;
  if (quarantined.length === 0 && options.reopens !== true) return { quarantined, generation };
  if (quarantined.length > 0) await copyAside(options, quarantined);
  await disk.writeAtomically(joinName(folder, NOTE_NAME), encodeNote({ generation, endBytes: file.endBytes }));
  await finishCut(disk, folder);
  return { quarantined, generation };
}

/** Of a log that holds no record, everything; a stop at any step leaves less of it. No `TransactionLog` is open on it. */
export async function removeEmptyLog(disk: Disk, folder: string): Promise<void> {
  await finishCut(disk, folder);
  const files = await listLogFiles(disk, folder);
  for (const { name, header } of files) {
    const bytes = await readFile(disk, joinName(folder, name));
    const file = header === undefined ? undefined : emptyLogFile(header, name);
    if (file !== undefined) scanRecords(bytes, file);
    assert(file === undefined || file.lastLsn === 0, 'A log that is removed holds no record');
  }
  for (const { name } of files.toReversed()) await disk.remove(joinName(folder, name));
  await dropPrepared(disk, folder);
  await disk.syncFolder(folder);
}

/** Finishes a cut that was decided; true if there was one. */
export async function finishCut(disk: Disk, folder: string): Promise<boolean> {
  const path = joinName(folder, NOTE_NAME);
  if ((await disk.size(path)) === undefined) return false;
  const note = decodeNote(await disk.read(path, 0, NOTE_BYTES));
  await dropPrepared(disk, folder);
  const files = await listLogFiles(disk, folder);
  const kept = closedName(note.generation);
  for (const file of files.toReversed()) {
    const isLater =
      file.name === OPEN_NAME ? file.generation !== note.generation : (file.generation ?? 0) > note.generation;
    if (!isLater) continue;
    await disk.remove(joinName(folder, file.name));
    await disk.syncFolder(folder);
  }
  const source = files.some(({ name }) => name === kept) ? kept : OPEN_NAME;
  await writeCutFile(disk, folder, source, note.endBytes);
  await disk.remove(joinName(folder, kept));
  await disk.syncFolder(folder);
  await disk.remove(path);
  await disk.syncFolder(folder);
  return true;
}

/** The file with the record `lsn`, its end moved behind it. Newest first: what is damaged behind the cut is not asked. */
async function findCut(
  options: CutOptions,
  files: FolderFile[],
): Promise<{ index: number; file: LogFile; bytes: Buffer }> {
  const { disk, folder, lsn } = options;
  const index = files.findLastIndex(({ header }) => header !== undefined && header.previousLsn < lsn);
  const found = files[index];
  if (found?.header !== undefined) {
    const file = emptyLogFile(found.header, found.name);
    const path = joinName(folder, found.name);
    const bytes = await readFile(disk, path);
    let end: LogFile | undefined;
    scanRecords(bytes, file, (record, position) => {
      if (record.lsn === lsn) {
        const endBytes = position + record.frame.length;
        end = { ...file, endBytes, durableBytes: endBytes, lastLsn: lsn, endChain: record.crc };
      }
    });
    if (end !== undefined) return { index, file: end, bytes };
  }
  throw new Problem(
    'LogCutImpossible',
    `Cannot end the log at ${formatLsn(lsn)}: no file in ${folder} holds that record. Make this copy anew with Update-StorageGroupCopy.`,
  );
}

async function copyAside({ disk, folder, quarantineFolder }: CutOptions, names: string[]): Promise<void> {
  await disk.makeFolder(quarantineFolder);
  for (const name of names) {
    const path = joinName(folder, name);
    const bytes = await readFile(disk, path);
    await disk.writeAtomically(joinName(quarantineFolder, name), bytes);
  }
}

/** The file becomes the open one at once, with its end and zeros behind: the same however often it is done. */
async function writeCutFile(disk: Disk, folder: string, source: string, endBytes: number): Promise<void> {
  const path = joinName(folder, source);
  const header = await readHeader(disk, folder, source);
  const bytes = Buffer.alloc(header?.sizeBytes ?? endBytes);
  (await disk.read(path, 0, endBytes)).copy(bytes);
  await disk.writeAtomically(joinName(folder, OPEN_NAME), bytes);
}

interface CutNote {
  generation: number;
  endBytes: number;
}

function encodeNote({ generation, endBytes }: CutNote): Buffer {
  const bytes = Buffer.alloc(NOTE_BYTES);
  writeU64(bytes, generation, 0);
  writeU64(bytes, endBytes, 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 16)), 16);
  return bytes;
}

function decodeNote(bytes: Buffer): CutNote {
  if (bytes.length !== NOTE_BYTES || bytes.readUInt32LE(16) !== crc32(bytes.subarray(0, 16))) {
    throw new Problem(
      'LogCutDamaged',
      `Cannot finish a cut of the log: ${NOTE_NAME} is damaged. The records to cut are in quarantine; seed this copy.`,
    );
  }
  return { generation: readU64(bytes, 0), endBytes: readU64(bytes, 8) };
}
