/** S13, S19: what a copy calls durable would be there after a loss of power at this moment, under its name and whole. */

import { MAX_RECYCLED_FILES } from '../../log/limits.ts';
import {
  closedGeneration,
  decodeHeader,
  emptyLogFile,
  follows,
  isPreparedName,
  LOG_HEADER_BYTES,
  type LogFile,
  OPEN_NAME,
  preparedName,
} from '../../log/log-file.ts';
import { formatLsn } from '../../log/lsn.ts';
import { scanRecords } from '../../log/scan.ts';
import { type Checker, type SimulatedCluster, Violation } from '../simulated-cluster.ts';
import type { SimulatedDisk } from '../simulated-disk.ts';
import { LOG_FOLDER } from './read-log.ts';

/** What stands ready has one of these names. One that is gone for the machine may be there after a loss of power. */
const READY_NAMES = Array.from({ length: 2 * MAX_RECYCLED_FILES }, (_, index) => preparedName(index + 1));

export class ToldIsDurable implements Checker {
  readonly name = 'what is told to be durable is';
  readonly #cluster: SimulatedCluster;
  readonly #ends = new Map<string, DurableEnd>();

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

  /** Read again only when one of the files is another than it was. */
  #durableEnd(disk: SimulatedDisk, host: string): number {
    const names = endNames(disk);
    const stamps = names.map((name) => `${name}:${disk.durableStampOf(`${LOG_FOLDER}/${name}`)}`).join();
    const known = this.#ends.get(host);
    if (known?.stamps === stamps) return known.lsn;
    const lsn = durableEnd(disk, names);
    this.#ends.set(host, { stamps, lsn });
    return lsn;
  }
}

/** What would be left of the end of a log, and of which state of its files that was read. */
interface DurableEnd {
  readonly stamps: string;
  readonly lsn: number;
}

/**
 * Of the open log file, or while none is open of the last closed one whose name is durable; or of the one behind it that
 * still has the name under which it stood ready.
 */
function durableEnd(disk: SimulatedDisk, names: readonly string[]): number {
  const files = names.flatMap((name) => durableFile(disk, name) ?? []);
  const last = files.find(({ name }) => name !== undefined && !isPreparedName(name));
  if (last === undefined) return 0;
  return files.find(({ header }) => follows(header, last))?.lastLsn ?? last.lastLsn;
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
  return [OPEN_NAME, ...closed.sort().slice(-2).reverse(), ...READY_NAMES];
}
