/** S13, S19: what a copy calls durable would be there after a loss of power at this moment, under its name and whole. */

import { MAX_UNNAMED_FILES } from '../../log/limits.ts';
import {
  closedGeneration,
  decodeHeader,
  emptyLogFile,
  follows,
  isPreparedName,
  LOG_HEADER_BYTES,
  type LogFile,
  OPEN_NAME,
} from '../../log/log-file.ts';
import { formatLsn } from '../../log/lsn.ts';
import { scanRecords } from '../../log/scan.ts';
import { type Checker, type SimulatedCluster, Violation } from '../simulated-cluster.ts';
import type { SimulatedDisk } from '../simulated-disk.ts';
import { LOG_FOLDER } from './read-log.ts';

export class ToldIsDurable implements Checker {
  readonly name = 'what is told to be durable is';
  readonly #cluster: SimulatedCluster;
  /** Of each host: its log's files as they were last read. */
  readonly #files = new Map<string, Map<string, ReadFile>>();
  /** Of each host: where its log would end, and after how many changes of its folder. */
  readonly #ends = new Map<string, { readonly changes: number; readonly lsn: number }>();

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
  }

  sampled(): void {
    for (const { name, disk, liveView } of this.#cluster.hosts) {
      const toldLsn = liveView?.durableLsn ?? 0;
      if (toldLsn === 0) continue;
      const durableLsn = this.#durableEnd(disk, name);
      if (durableLsn >= toldLsn) continue;
      throw new Violation(
        'S13',
        `${name} calls ${formatLsn(toldLsn)} durable, and after a loss of power its log would end at ${formatLsn(durableLsn)}`,
      );
    }
  }

  /** Of these files, only one that is another than it was is read again. */
  #durableEnd(disk: SimulatedDisk, host: string): number {
    const changes = disk.changesOf(LOG_FOLDER);
    const end = this.#ends.get(host);
    if (end?.changes === changes) return end.lsn;
    const lsn = this.#readEnd(disk, host);
    this.#ends.set(host, { changes, lsn });
    return lsn;
  }

  #readEnd(disk: SimulatedDisk, host: string): number {
    const known = this.#files.get(host);
    const read = new Map(endNames(disk).map((name) => [name, readFile(disk, name, known?.get(name))]));
    this.#files.set(host, read);
    return durableEnd([...read.values()].flatMap(({ file }) => file ?? []));
  }
}

/** What would be left of a log file, and of which state of its bytes that was read. */
interface ReadFile {
  readonly stamp: number;
  readonly file: LogFile | undefined;
}

function readFile(disk: SimulatedDisk, name: string, known: ReadFile | undefined): ReadFile {
  const stamp = disk.durableStampOf(`${LOG_FOLDER}/${name}`);
  return known?.stamp === stamp ? known : { stamp, file: durableFile(disk, name) };
}

/**
 * Of the open log file, or while none is open of the last closed one whose name is durable; or of the last one behind it, if
 * others follow that still have the names under which they stood ready.
 */
function durableEnd(files: readonly LogFile[]): number {
  const last = files.find(({ name }) => name !== undefined && !isPreparedName(name));
  if (last === undefined) return 0;
  let end = last;
  for (let next = followerOf(end, files); next !== undefined; next = followerOf(end, files)) end = next;
  return end.lastLsn;
}

function followerOf(file: LogFile, files: readonly LogFile[]): LogFile | undefined {
  return files.find(({ header }) => follows(header, file));
}

function durableFile(disk: SimulatedDisk, name: string): LogFile | undefined {
  const bytes = disk.durable(`${LOG_FOLDER}/${name}`);
  const header = bytes && decodeHeader(bytes.subarray(0, LOG_HEADER_BYTES));
  if (bytes === undefined || header === undefined) return undefined;
  const file = emptyLogFile(header, name);
  scanRecords(bytes, file);
  return file;
}

function endNames(disk: SimulatedDisk): readonly string[] {
  const closed = disk.list(LOG_FOLDER).filter((name) => closedGeneration(name) !== undefined);
  // Many at a time are given their names, and until the folder is synced none of them has it durably.
  return [
    OPEN_NAME,
    ...closed
      .sort()
      .slice(-(MAX_UNNAMED_FILES + 2))
      .reverse(),
    // What stands ready. One that is gone for the machine may be there after a loss of power.
    ...disk.durableList(LOG_FOLDER).filter(isPreparedName),
  ];
}
