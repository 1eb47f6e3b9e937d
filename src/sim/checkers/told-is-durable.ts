/** S13, S19: what a copy calls durable would be there after a loss of power at this moment, under its name and whole. */
import { decodeHeader, emptyLogFile, LOG_HEADER_BYTES, OPEN_NAME } from '../../log/log-file.ts';
import { formatLsn } from '../../log/lsn.ts';
import { scanRecords } from '../../log/scan.ts';
import { type Checker, type SimulatedCluster, Violation } from '../simulated-cluster.ts';
import type { SimulatedDisk } from '../simulated-disk.ts';
import { LOG_FOLDER } from './read-log.ts';

export class ToldIsDurable implements Checker {
  readonly name = 'what is told to be durable is';
  readonly #cluster: SimulatedCluster;

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
  }

  sampled(): void {
    for (const { name, disk, liveView } of this.#cluster.hosts) {
      const toldLsn = liveView?.durableLsn ?? 0;
      if (toldLsn === 0) continue;
      const durableLsn = durableEnd(disk);
      if (durableLsn >= toldLsn) continue;
      throw new Violation(
        'S13',
        `${name} calls ${formatLsn(toldLsn)} durable, and after a loss of power its log would end at ${formatLsn(durableLsn)}`,
      );
    }
  }
}

/** Of the open log file, or of the last closed one while none is open. */
function durableEnd(disk: SimulatedDisk): number {
  const closed = disk
    .list(LOG_FOLDER)
    .filter((name) => /^E00[0-9a-f]{8}\.log$/.test(name))
    .sort()
    .at(-1);
  for (const name of [OPEN_NAME, closed]) {
    const bytes = name === undefined ? undefined : disk.durable(`${LOG_FOLDER}/${name}`);
    const header = bytes && decodeHeader(bytes.subarray(0, LOG_HEADER_BYTES));
    if (bytes === undefined || header === undefined) continue;
    const file = emptyLogFile(header, name);
    scanRecords(bytes, file);
    return file.lastLsn;
  }
  return 0;
}
