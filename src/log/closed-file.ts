/**
 * Header and records of a closed log file are the same on every copy, and the open log knows of each one where it begins
 * and ends and what its last record chains to. So a file that was damaged on one disk can be taken from another one:
 * either it is the right one, or it is refused. What lies behind its end is nothing (a file that was written again).
 */
import { assert } from '../base/assert.ts';
import { type Disk, joinName } from './disk.ts';
import { inspect } from './inspection.ts';
import { closedName, type LogFile } from './log-file.ts';
import type { LogFiles } from './log-files.ts';

/** `open`: records still go to it, or it has not been given its number; `gone`: nobody needed it any more. */
export type ClosedFileState = 'closed' | 'open' | 'gone';

export function closedFileState(files: LogFiles, generation: number): ClosedFileState {
  const file = files.byGeneration(generation);
  if (file === undefined) return 'gone';
  return file.name === closedName(generation) ? 'closed' : 'open';
}

/** Whether `bytes` are the closed file `known`, whole. */
export function isFile(bytes: Buffer, known: LogFile): boolean {
  const inspection = inspect(bytes, closedName(known.header.generation));
  if (!inspection.healthy) return false;
  const { header, lastLsn, endChain } = inspection.file;
  return header.crc === known.header.crc && lastLsn === known.lastLsn && endChain === known.endChain;
}

/** Durable when it resolves. No file is deleted meanwhile: a file that comes back behind its deletion would be a gap. */
export async function replaceClosedFile(disk: Disk, folder: string, known: LogFile, bytes: Buffer): Promise<void> {
  assert(isFile(bytes, known), 'A log file is replaced by the same one');
  await disk.writeAtomically(joinName(folder, closedName(known.header.generation)), bytes);
}
