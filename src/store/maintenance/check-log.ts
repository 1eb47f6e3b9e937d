/**
 * Are the files of a log whole, each in itself and all of them as one unbroken run? It works beside a log that is being
 * written: closed files never change, and the end of the open one is judged as a recovery would judge it after a stop
 * right now (damage only where a later record calls the missing one durable).
 */
import { isProblem } from '../../base/problem.ts';
import type { Damage } from '../../log/damage.ts';
import { type Disk, joinName } from '../../log/disk.ts';
import { type FolderFile, listLogFiles } from '../../log/folder.ts';
import { inspect } from '../../log/inspection.ts';
import {
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
import { MAX_LISTINGS } from './limits.ts';

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
    const files = await listLogFiles(disk, folder);
    const isDone = await check.closedFiles(files.filter(({ name }) => name !== OPEN_NAME));
    if (isDone && (await check.openFile())) break;
  }
  return check.result();
}

/** One file by itself. */
export function checkLogFile(bytes: Buffer, name: string): readonly Finding[] {
  if (name === OPEN_NAME) return openFindings(bytes, name);
  const inspection = inspect(bytes, name);
  return inspection.healthy ? [] : [findingOf(inspection.damage, name)];
}

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

  /** Those behind what was checked already. True when there was nothing new. */
  async closedFiles(files: readonly FolderFile[]): Promise<boolean> {
    let isDone = true;
    for (const { name, generation = 0 } of files) {
      if (generation <= this.#generation) continue;
      const bytes = await this.#read(name);
      if (bytes === undefined) continue; // truncated meanwhile
      isDone = false;
      this.#checkGap(generation);
      this.#checkClosed(bytes, name, generation);
      await this.#pace(bytes.length);
    }
    return isDone;
  }

  /**
   * False when it was closed since the folder was listed. Damage must be seen twice: a reader beside the writer may see
   * the bytes of a later write and, before them, not yet those of an earlier one.
   */
  async openFile(): Promise<boolean> {
    let bytes = await this.#read(OPEN_NAME);
    if (bytes !== undefined && openFindings(bytes, OPEN_NAME).length > 0) bytes = await this.#read(OPEN_NAME);
    if (bytes === undefined) {
      if (this.#files > 0) this.#add(OPEN_NAME, 0, 0, 'the file is missing');
      return true;
    }
    const header = decodeHeader(bytes);
    if (header !== undefined && this.#generation > 0 && header.generation !== this.#generation + 1) return false;
    this.#findings.push(...openFindings(bytes, this.#path(OPEN_NAME)));
    if (header !== undefined) {
      const file = emptyLogFile(header, OPEN_NAME);
      this.#checkChain(file);
      scanRecords(bytes, file);
      this.#note(file);
    }
    await this.#pace(bytes.length);
    return true;
  }

  #checkGap(generation: number): void {
    if (this.#firstGeneration === 0) this.#firstGeneration = generation;
    else if (generation !== this.#generation + 1) {
      this.#add(closedName(this.#generation + 1), 0, 0, `generations up to ${generation - 1} are missing`);
      this.#last = undefined;
    }
  }

  #checkClosed(bytes: Buffer, name: string, generation: number): void {
    const inspection = inspect(bytes, name);
    this.#generation = generation;
    if (!inspection.healthy) {
      this.#findings.push(findingOf(inspection.damage, this.#path(name)));
      this.#last = undefined;
      return;
    }
    if (inspection.file.header.generation !== generation) {
      this.#add(name, 0, LOG_HEADER_BYTES, `its header says generation ${inspection.file.header.generation}`);
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

  async #read(name: string): Promise<Buffer | undefined> {
    try {
      const path = joinName(this.#folder, name);
      const bytes = await this.#disk.read(path, 0, (await this.#disk.size(path)) ?? 0);
      this.#files += 1;
      this.#readBytes += bytes.length;
      return bytes;
    } catch (error) {
      if (isProblem(error, 'FileMissing')) return undefined;
      throw error;
    }
  }

  #path(name: string): string {
    return joinName(this.#folder, name);
  }

  #add(name: string, fromByte: number, toByte: number, what: string): void {
    this.#findings.push({ file: this.#path(name), fromByte, toByte, what });
  }
}

function openFindings(bytes: Buffer, file: string): readonly Finding[] {
  const header = decodeHeader(bytes);
  if (header === undefined) {
    return [{ file, fromByte: 0, toByte: LOG_HEADER_BYTES, what: 'its header is not whole' }];
  }
  const open = emptyLogFile(header, OPEN_NAME);
  const stop = scanRecords(bytes, open);
  const finding = (why: string): readonly Finding[] => [findingOf(damageBehind(bytes, open, why), file)];
  if (bytes.length < header.sizeBytes) return finding(`it has ${bytes.length} bytes, not ${header.sizeBytes}`);
  const { durableUpTo } = searchBehindGap(bytes, open);
  if (stop === 'bad' && durableUpTo >= nextLsn(open)) return finding('a later record calls it durable');
  return [];
}

function findingOf(damage: Damage, file: string): Finding {
  return { file, fromByte: damage.fromByte, toByte: damage.toByte, what: damage.evidence };
}
