/**
 * What lies in a log's folder, and the first steps of every start: a cut that was begun is finished (divergence.ts), a
 * rotation that was interrupted between its two renames is finished, and the files that stood ready are dropped: they may
 * hold a header, or an older life's records, that must never be taken for news.
 */
import type { Disk } from './disk.ts';
import { joinName } from './disk.ts';
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

/** Closed files by generation, then the open one if it is there. */
export async function listLogFiles(disk: Disk, folder: string): Promise<FolderFile[]> {
  const names = await disk.list(folder);
  const closed: FolderFile[] = [];
  for (const name of names) {
    const generation = closedGeneration(name);
    if (generation !== undefined) closed.push({ name, generation, header: await readHeader(disk, folder, name) });
  }
  closed.sort((one, other) => (one.generation ?? 0) - (other.generation ?? 0));
  if (!names.includes(OPEN_NAME)) return closed;
  const header = await readHeader(disk, folder, OPEN_NAME);
  return [...closed, { name: OPEN_NAME, generation: header?.generation, header }];
}

export async function readHeader(disk: Disk, folder: string, name: string): Promise<LogFileHeader | undefined> {
  return decodeHeader(await disk.read(joinName(folder, name), 0, LOG_HEADER_BYTES));
}

export interface SettledRotation {
  /** The prepared file became the open one: the machine stopped between the two renames. */
  finishedRename: boolean;
  /** Header of a file that was about to be put in place when everything before it was durable already. */
  announced: LogFileHeader | undefined;
}

/** Finishes or undoes a rotation that a crash interrupted. Durable when it resolves and the folder is synced. */
export async function settleRotation(disk: Disk, folder: string): Promise<SettledRotation> {
  const names = await disk.list(folder);
  const next = await findNext(disk, folder, names);
  if (next === undefined) return { finishedRename: false, announced: undefined };
  if (names.includes(OPEN_NAME)) return { finishedRename: false, announced: next.header };
  await disk.rename(joinName(folder, next.name), joinName(folder, OPEN_NAME));
  return { finishedRename: true, announced: undefined };
}

/** What the open file is called while it has not got its name back after a loss of power; `undefined` if there is no such file. */
export async function nameWithoutOpenName(disk: Disk, folder: string): Promise<string | undefined> {
  const names = await disk.list(folder);
  return names.includes(OPEN_NAME) ? undefined : (await findNext(disk, folder, names))?.name;
}

/** Of the files that stand ready, the one whose header says that it goes behind the last one. */
async function findNext(
  disk: Disk,
  folder: string,
  names: string[],
): Promise<{ name: string; header: LogFileHeader } | undefined> {
  const prepared = names.filter(isPreparedName);
  const last = prepared.length === 0 ? undefined : await lastHeader(disk, folder, names);
  if (last === undefined) return undefined;
  for (const name of prepared) {
    const header = await readHeader(disk, folder, name);
    if (header !== undefined && isNext(header, last)) return { name, header };
  }
  return undefined;
}

/** Of the open file, or of the newest closed one where there is no open one. */
async function lastHeader(disk: Disk, folder: string, names: string[]): Promise<LogFileHeader | undefined> {
  if (names.includes(OPEN_NAME)) return readHeader(disk, folder, OPEN_NAME);
  const newest = Math.max(...names.map((name) => closedGeneration(name) ?? 0));
  return newest > 0 ? readHeader(disk, folder, closedName(newest)) : undefined;
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
