/**
 * The folders in `quarantine/` that hold the tail of a log which lost against another one. Each has a note that says behind
 * which record the tail begins: whole files are put aside, and what they hold before that record is in the new history
 * too. The note is written before the first file is moved or cut, so a folder without one holds something else: a
 * database, or a log of which nobody can say what it shares with today's.
 */
import { decodeNote, encodeNote } from '../base/checked-note.ts';
import { type Disk, joinName, readFile } from '../log/disk.ts';
import { listLogFiles } from '../log/folder.ts';
import { emptyLogFile } from '../log/log-file.ts';
import type { LogRecord } from '../log/record.ts';
import { scanRecords } from '../log/scan.ts';
import type { TailRecord } from '../store/divergent-tail.ts';
import { factIfKnown } from '../store/facts.ts';

export const QUARANTINE = 'quarantine';
const TAIL_NOTE = 'tail.json';
const SETTLED_NOTE = 'settled.json';

/** What became of a tail, once nothing more is to be done for it. */
export interface TailCounts {
  readonly messages: number;
  /** Of them, those that did not come back: their id may have been forgotten. */
  readonly tooOld: number;
  /** Records that added no message. */
  readonly changes: number;
}

export interface TailNote {
  /** The last record that the new history has too. */
  readonly behindLsn: number;
  /** Cut off because of damage before it: the new history may have its records too. */
  readonly isDamaged: boolean;
  /** Its mail goes back. Of a tail that a seed put aside only by an administrator's order: the copy was made anew by one. */
  readonly returns: boolean;
}

export interface Tail extends TailNote {
  /** In the copy's folder. */
  readonly folder: string;
  readonly settled: TailCounts | undefined;
}

/** Before anything is put into `folder`, while the copy's log is closed: nobody takes a part of the tail for the whole. */
export async function noteTail(disk: Disk, folder: string, { behindLsn, isDamaged, returns }: TailNote): Promise<void> {
  await disk.makeFolder(folder);
  await disk.remove(joinName(folder, SETTLED_NOTE));
  await disk.writeAtomically(joinName(folder, TAIL_NOTE), encodeNote({ behindLsn, isDamaged, returns }));
}

export async function noteSettled(disk: Disk, { folder }: Tail, counts: TailCounts): Promise<void> {
  await disk.writeAtomically(joinName(folder, SETTLED_NOTE), encodeNote({ ...counts }));
}

/** Oldest name first. A folder whose note is damaged is left out: its files are for people. */
export async function listTails(disk: Disk): Promise<readonly Tail[]> {
  const tails: Tail[] = [];
  for (const name of (await disk.list(QUARANTINE)).sort()) {
    const folder = joinName(QUARANTINE, name);
    const { behindLsn, isDamaged, returns } = (await readNote(disk, joinName(folder, TAIL_NOTE))) ?? {};
    if (typeof behindLsn !== 'number' || typeof isDamaged !== 'boolean' || typeof returns !== 'boolean') continue;
    tails.push({
      folder,
      behindLsn,
      isDamaged,
      returns,
      settled: countsOf(await readNote(disk, joinName(folder, SETTLED_NOTE))),
    });
  }
  return tails;
}

/** A note that is damaged counts for none: then the tail is looked at again, which changes nothing. */
function countsOf(note: Readonly<Record<string, unknown>> | undefined): TailCounts | undefined {
  const { messages, tooOld, changes } = note ?? {};
  if (typeof messages !== 'number' || typeof tooOld !== 'number' || typeof changes !== 'number') return undefined;
  return { messages, tooOld, changes };
}

async function readNote(disk: Disk, path: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const size = await disk.size(path);
  return size === undefined ? undefined : decodeNote(await disk.read(path, 0, size));
}

/**
 * The whole records behind `behindLsn`, file by file. What is damaged ends its file's part and no other.
 */
export async function* readTail(disk: Disk, { folder, behindLsn }: Tail): AsyncGenerator<TailRecord> {
  for (const { name, header } of await listLogFiles(disk, folder)) {
    if (header === undefined) continue;
    const records: LogRecord[] = [];
    scanRecords(await readFile(disk, joinName(folder, name)), emptyLogFile(header, name), (record) => {
      if (record.lsn > behindLsn) records.push(record);
    });
    const { signature, createdMs: fileCreatedMs } = header;
    for (const record of records) yield { lsn: record.lsn, fact: factIfKnown(record), signature, fileCreatedMs };
  }
}
