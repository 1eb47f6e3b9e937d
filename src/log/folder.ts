/**
 * What lies in a log's folder, and the first steps of every start: a cut that was begun is finished (divergence.ts), a
 * rotation that was interrupted between its two renames is finished, and a file that was being prepared is dropped.
 */
import type { Disk } from './disk.ts';
import { joinName } from './disk.ts';
import {
  closedGeneration,
  decodeHeader,
  LOG_HEADER_BYTES,
  type LogFileHeader,
  OPEN_NAME,
  PREPARED_NAME,
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

/** Finishes or undoes a rotation that a crash interrupted. Durable when it resolves. */
export async function settleRotation(disk: Disk, folder: string): Promise<SettledRotation> {
  const names = await disk.list(folder);
  if (!names.includes(PREPARED_NAME)) return { finishedRename: false, announced: undefined };
  const prepared = joinName(folder, PREPARED_NAME);
  const header = await readHeader(disk, folder, PREPARED_NAME);
  const hasClosed = names.some((name) => closedGeneration(name) !== undefined);
  const finishedRename = header !== undefined && hasClosed && !names.includes(OPEN_NAME);
  if (finishedRename) await disk.rename(prepared, joinName(folder, OPEN_NAME));
  return { finishedRename, announced: finishedRename ? undefined : header };
}

/** Drops the file that was being prepared, durably: a stale header in it must never be taken for news. */
export async function dropPrepared(disk: Disk, folder: string): Promise<void> {
  await disk.remove(joinName(folder, PREPARED_NAME));
  await disk.syncFolder(folder);
}
