/**
 * Are the files of a log whole, each in itself and all of them as one unbroken run? It works beside a log that is being
 * written: closed files never change, and the end of the open one is judged as a recovery would judge it after a stop
 * right now (damage only where a later record calls the missing one durable).
 */
import { isProblem } from '../../base/problem.ts';
import type { Damage } from '../../log/damage.ts';
import { type Disk, joinName } from '../../log/disk.ts';
import { type FolderFile, listLogFiles } from '../../log/folder.ts';
import { type Inspection, inspect } from '../../log/inspection.ts';
import {
  closedGeneration,
  closedName,
  decodeHeader,
  emptyLogFile,
  follows,
  LOG_HEADER_BYTES,
  type LogFile,
  nextLsn,
  OPEN_NAME,
} from '../../log/log-file.ts';
import { damageBehind, scanRecords, searchBehindGap } from '../../log/scan.ts';
import type { Finding, Pace } from './finding.ts';
import { MAX_LISTINGS, MAX_MISSING_FILES } from './limits.ts';

export interface LogCheck {
  readonly findings: readonly Finding[];
  readonly files: number;
  readonly readBytes: number;
  /** 0 in an empty log. */
  readonly firstGeneration: number;
  readonly generation: number;
  /** The last whole record. */
  readonly endLsn: number;
}

/** Findings name files with `folder` in front. */
export async function checkLog(disk: Disk, folder: string, options: { readonly pace?: Pace } = {}): Promise<LogCheck> {
  const check = new LogRun(disk, folder, options.pace ?? (() => undefined));
  for (let listing = 0; listing < MAX_LISTINGS; listing++) {
    const files = await listLogFiles(disk, folder, (name, problem) => check.unreadable(name, problem.message));
    const last = files.at(-1);
    const hasOpen = last !== undefined && closedGeneration(last.name) === undefined;
    const isDone = await check.closedFiles(hasOpen ? files.slice(0, -1) : files);
    if (isDone && (await check.openFile(hasOpen ? last.name : OPEN_NAME))) break;
  }
  return check.result();
}

/** One file by itself. */
export function checkLogFile(bytes: Buffer, name: string): readonly Finding[] {
  if (name === OPEN_NAME) return openFindings(bytes, name);
  const inspection = inspect(bytes, name);
  return inspection.healthy ? [] : [findingOf(inspection.damage, name, closedGeneration(name))];
}

/** The disk does not give its bytes. */
const UNREADABLE = 'unreadable';

class LogRun {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #pace: Pace;
  readonly #findings: Finding[] = [];
  #files = 0;
  #readBytes = 0;
  #firstGeneration = 0;
  #generation = 0;
  #endLsn = 0;
  #openIsMissed = false;
  readonly #unreadable = new Set<string>();
  /** The file before, when it was whole. */
  #last: LogFile | undefined;

  constructor(disk: Disk, folder: string, pace: Pace) {
    this.#disk = disk;
    this.#folder = folder;
    this.#pace = pace;
  }

  result(): LogCheck {
    return {
      findings: this.#findings,
      files: this.#files,
      readBytes: this.#readBytes,
      firstGeneration: this.#firstGeneration,
      generation: this.#generation,
      endLsn: this.#endLsn,
    };
  }

  /** The disk does not give the bytes of this file: told once. */
  unreadable(name: string, what: string, sizeBytes = LOG_HEADER_BYTES): void {
    if (!this.#unreadable.has(name)) this.#add(name, 0, sizeBytes, what);
    this.#unreadable.add(name);
  }

  /** Those behind what was checked already. True when there was nothing new. */
  async closedFiles(files: readonly FolderFile[]): Promise<boolean> {
    let isDone = true;
    for (const { name, generation = this.#generation + 1 } of files) {
      if (generation <= this.#generation) continue;
      const inspection = await this.#inspect(name);
      if (inspection === undefined && this.#generation > 0) return false; // named meanwhile
      if (inspection === undefined) continue; // truncated meanwhile
      isDone = false;
      this.#checkGap(generation);
      if (inspection === UNREADABLE) this.#skip(generation);
      else this.#checkClosed(inspection, name, generation);
    }
    return isDone;
  }

  /**
   * False when it was closed since the folder was listed. Damage must be seen twice: a reader beside the writer may see
   * the bytes of a later write and, before them, not yet those of an earlier one.
   */
  async openFile(name: string): Promise<boolean> {
    let bytes = await this.#read(name);
    if (bytes instanceof Buffer && openFindings(bytes, name).length > 0) bytes = await this.#read(name);
    if (bytes === undefined) return this.#missOpenFile();
    if (bytes === UNREADABLE) return true;
    const header = decodeHeader(bytes);
    if (header !== undefined && this.#generation > 0 && header.generation !== this.#generation + 1) return false;
    this.#findings.push(...openFindings(bytes, this.#path(name)));
    if (header !== undefined) {
      const file = emptyLogFile(header, name);
      this.#checkChain(file);
      scanRecords(bytes, file);
      this.#note(file);
    }
    await this.#pace(bytes.length);
    return true;
  }

  /** It must be missed twice: a file that is written gets another name now and then. */
  #missOpenFile(): boolean {
    const isSure = this.#openIsMissed || this.#files === 0;
    if (isSure && this.#files > 0) this.#add(OPEN_NAME, 0, 0, 'the file is missing');
    this.#openIsMissed = true;
    return isSure;
  }

  #checkGap(generation: number): void {
    if (this.#firstGeneration === 0) {
      this.#firstGeneration = generation;
      return;
    }
    const missing = Math.min(generation - this.#generation - 1, MAX_MISSING_FILES);
    for (let number = 1; number <= missing; number++)
      this.#add(closedName(this.#generation + number), 0, 0, 'the file is missing');
    if (missing > 0) this.#last = undefined;
  }

  #skip(generation: number): void {
    this.#generation = generation;
    this.#last = undefined;
  }

  /** Damage must be seen twice: a file that nobody needs any more may be written again, under another name, while it is read. */
  async #inspect(name: string): Promise<Inspection | typeof UNREADABLE | undefined> {
    for (let isFirst = true; ; isFirst = false) {
      const bytes = await this.#read(name);
      if (bytes === undefined || bytes === UNREADABLE) return bytes;
      await this.#pace(bytes.length);
      const inspection = inspect(bytes, name);
      if (inspection.healthy || !isFirst) return inspection;
    }
  }

  #checkClosed(inspection: Inspection, name: string, generation: number): void {
    this.#generation = generation;
    if (!inspection.healthy) {
      this.#findings.push(findingOf(inspection.damage, this.#path(name), generation));
      this.#skip(generation);
      return;
    }
    if (inspection.file.header.generation !== generation) {
      this.#add(name, 0, LOG_HEADER_BYTES, `its header says generation ${inspection.file.header.generation}`);
      this.#skip(generation);
      return;
    }
    this.#checkChain(inspection.file);
    this.#note(inspection.file);
  }

  #checkChain({ header, name = OPEN_NAME }: LogFile): void {
    if (this.#last === undefined || follows(header, this.#last)) return;
    this.#add(name, 0, LOG_HEADER_BYTES, 'its header does not continue the file before it');
  }

  #note(file: LogFile): void {
    if (this.#firstGeneration === 0) this.#firstGeneration = file.header.generation;
    this.#generation = file.header.generation;
    this.#endLsn = file.lastLsn;
    this.#last = file;
  }

  async #read(name: string): Promise<Buffer | typeof UNREADABLE | undefined> {
    const path = joinName(this.#folder, name);
    const sizeBytes = (await this.#disk.size(path)) ?? 0;
    try {
      const bytes = await this.#disk.read(path, 0, sizeBytes);
      this.#files += 1;
      this.#readBytes += bytes.length;
      return bytes;
    } catch (error) {
      if (isProblem(error, 'FileMissing')) return undefined;
      if (!isProblem(error, 'DiskFailed')) throw error;
      this.unreadable(name, error.message, sizeBytes);
      return UNREADABLE;
    }
  }

  #path(name: string): string {
    return joinName(this.#folder, name);
  }

  #add(name: string, fromByte: number, toByte: number, what: string): void {
    const generation = closedGeneration(name) ?? this.#generation + 1;
    this.#findings.push({ file: this.#path(name), fromByte, toByte, what, generation });
  }
}

function openFindings(bytes: Buffer, file: string): readonly Finding[] {
  const header = decodeHeader(bytes);
  if (header === undefined) {
    return [{ file, fromByte: 0, toByte: LOG_HEADER_BYTES, what: 'its header is not whole' }];
  }
  const open = emptyLogFile(header, OPEN_NAME);
  const stop = scanRecords(bytes, open);
  const finding = (why: string): readonly Finding[] => [
    findingOf(damageBehind(bytes, open, why), file, header.generation),
  ];
  if (bytes.length < header.sizeBytes) return finding(`it has ${bytes.length} bytes, not ${header.sizeBytes}`);
  const { durableUpTo } = searchBehindGap(bytes, open);
  if (stop === 'bad' && durableUpTo >= nextLsn(open)) return finding('a later record calls it durable');
  return [];
}

function findingOf(damage: Damage, file: string, generation: number | undefined): Finding {
  const { fromByte, toByte, evidence: what } = damage;
  return generation === undefined ? { file, fromByte, toByte, what } : { file, fromByte, toByte, what, generation };
}
