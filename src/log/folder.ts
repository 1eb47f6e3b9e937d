/**
 * What lies in a log's folder, and the first steps of every start: a cut that was begun is finished (divergence.ts), files
 * that were stopped before they had their names get them, and the files that stood ready are dropped: they may hold an
 * older life's records, that must never be taken for news.
 *
 * A file is used before it is named (file-names.ts). So after a stop the end of a log may lie in files that still have the
 * names under which they stood ready, or in one that is called `E00.log` while others follow it. Their headers tell: each
 * names the one before it.
 */
import { isProblem, type Problem } from '../base/problem.ts';
import { type Disk, joinName } from './disk.ts';
import {
  closedGeneration,
  closedName,
  decodeHeader,
  isPreparedName,
  LOG_HEADER_BYTES,
  type LogFileHeader,
  OPEN_NAME,
} from './log-file.ts';

export interface FolderFile {
  name: string;
  /** What a closed file's name says; of the open file, what its header says. */
  generation: number | undefined;
  /** `undefined`: not whole. */
  header: LogFileHeader | undefined;
}

/**
 * The files of the log, oldest first, whatever they are called. `E00.log` is the last one, unless others follow it.
 * Files that go while they are looked at are left out. Problem `DiskFailed`; or `onUnreadable` is told of each header that
 * the disk does not give, and its file has none.
 */
export async function listLogFiles(
  disk: Disk,
  folder: string,
  onUnreadable?: (name: string, problem: Problem) => void,
): Promise<FolderFile[]> {
  const names = await disk.list(folder);
  const files: FolderFile[] = [];
  const read = async (name: string, generation: number | undefined): Promise<FolderFile | undefined> => {
    try {
      const header = await readHeader(disk, folder, name);
      return { name, generation: generation ?? header?.generation, header };
    } catch (error) {
      if (isProblem(error, 'FileMissing')) return undefined;
      if (onUnreadable === undefined || !isProblem(error, 'DiskFailed')) throw error;
      onUnreadable(name, error);
      return { name, generation, header: undefined };
    }
  };
  for (const name of names) {
    const generation = closedGeneration(name);
    const file = generation === undefined ? undefined : await read(name, generation);
    if (file !== undefined) files.push(file);
  }
  files.sort((one, other) => (one.generation ?? 0) - (other.generation ?? 0));
  const open = names.includes(OPEN_NAME) ? await read(OPEN_NAME, undefined) : undefined;
  const ready: FolderFile[] = [];
  for (const name of names.filter(isPreparedName)) {
    const file = await read(name, undefined);
    if (file?.header !== undefined) ready.push(file);
  }
  return inOrder(files, open, ready);
}

/** `closed` by generation. Of the files that stand ready, those that the log goes on in. */
function inOrder(closed: FolderFile[], open: FolderFile | undefined, ready: FolderFile[]): FolderFile[] {
  const files: FolderFile[] = [];
  let openIsIn = false;
  const candidates = open === undefined ? ready : [open, ...ready];
  const goOn = (): void => {
    for (let next = followerOf(files.at(-1), candidates); next !== undefined; next = followerOf(next, candidates)) {
      files.push(next);
      openIsIn ||= next === open;
    }
  };
  for (const file of closed) {
    if (file.generation !== (files.at(-1)?.generation ?? 0) + 1) goOn();
    files.push(file);
  }
  goOn();
  if (open === undefined || openIsIn) return files;
  files.push(open);
  goOn();
  return files;
}

function followerOf(file: FolderFile | undefined, candidates: readonly FolderFile[]): FolderFile | undefined {
  const last = file?.header;
  if (last === undefined) return undefined;
  return candidates.find(({ header }) => header !== undefined && isNext(header, last));
}

export async function readHeader(disk: Disk, folder: string, name: string): Promise<LogFileHeader | undefined> {
  return decodeHeader(await disk.read(joinName(folder, name), 0, LOG_HEADER_BYTES));
}

/**
 * Gives every file of the log its name, as whoever wrote it would have done. The last one is durably named when it
 * resolves and the folder is synced. True: some had not got theirs.
 */
export async function settleNames(disk: Disk, folder: string): Promise<boolean> {
  const files = await listLogFiles(disk, folder);
  // Damage, which is told by the file's name.
  if (files.some(({ name, header }) => name === OPEN_NAME && header === undefined)) return false;
  const last = files.at(-1);
  let hasRenamed = false;
  for (const { name, generation } of files.slice(0, -1)) {
    if (closedGeneration(name) !== undefined || generation === undefined) continue;
    await disk.rename(joinName(folder, name), joinName(folder, closedName(generation)));
    hasRenamed = true;
  }
  if (hasRenamed) await disk.syncFolder(folder);
  if (last === undefined || !isPreparedName(last.name)) return hasRenamed;
  await disk.rename(joinName(folder, last.name), joinName(folder, OPEN_NAME));
  return true;
}

/** A file that is written again has its old header until it gets the new one. */
function isNext(header: LogFileHeader, last: LogFileHeader): boolean {
  return (
    header.generation === last.generation + 1 &&
    header.signature.equals(last.signature) &&
    header.previousCreatedMs === last.createdMs
  );
}

/** Drops the files that stood ready, durably. */
export async function dropPrepared(disk: Disk, folder: string): Promise<void> {
  const prepared = (await disk.list(folder)).filter(isPreparedName);
  for (const name of prepared) await disk.remove(joinName(folder, name));
  if (prepared.length > 0) await disk.syncFolder(folder);
}
