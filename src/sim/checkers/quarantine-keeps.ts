/** S20: a durable record that a copy's log does not have any more stands in its quarantine. */
import { epochOf, formatLsn } from '../../log/lsn.ts';
import { type Checker, type SimulatedCluster, Violation } from '../simulated-cluster.ts';
import type { SimulatedHost } from '../simulated-host.ts';
import { quarantineFolders, readLog } from './read-log.ts';

export class QuarantineKeeps implements Checker {
  readonly name = 'quarantine keeps what is cut';
  readonly #cluster: SimulatedCluster;
  /** The last durable record that each copy told of. */
  readonly #durable = new Map<string, number>();

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
  }

  sampled(): void {
    for (const host of this.#cluster.hosts) {
      const lsn = host.liveView?.durableLsn ?? 0;
      if (lsn === 0 || host.disksLost + host.logsRotten > 0) continue;
      const before = this.#durable.get(host.name) ?? 0;
      // A log loses records only where another epoch begins.
      if (before > 0 && (lsn < before || epochOf(lsn) > epochOf(before))) checkKept(host, before);
      this.#durable.set(host.name, lsn);
    }
  }
}

function checkKept({ name, disk }: SimulatedHost, lsn: number): void {
  const { records } = readLog(disk);
  const isThere = (kept: readonly { readonly lsn: number }[]): boolean => kept.some((record) => record.lsn === lsn);
  if (lsn < (records[0]?.lsn ?? 0) || isThere(records)) return;
  if (quarantineFolders(disk).some((folder) => isThere(readLog(disk, folder).records))) return;
  throw new Violation('S20', `${name} had ${formatLsn(lsn)} durably; it is neither in its log nor in its quarantine`);
}
