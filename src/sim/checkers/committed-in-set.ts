/**
 * C1, C3: what is answered under the register's epoch is durable on every copy that the register names in sync; in
 * sync-strict on every copy there is. The record that begins an epoch is nothing that anybody asked for: a look right
 * behind it shows what was committed before.
 */
import { formatLsn, numberOf } from '../../log/lsn.ts';
import { type Checker, type SimulatedCluster, Violation } from '../simulated-cluster.ts';
import type { SimulatedHost } from '../simulated-host.ts';

export class CommittedInSet implements Checker {
  readonly name = 'committed in the in-sync set';
  readonly #cluster: SimulatedCluster;

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
  }

  answered(host: SimulatedHost, epoch: number, lsn: number): void {
    const group = this.#cluster.group;
    if (group === undefined || group.mode === 'async' || group.epoch !== epoch) return;
    if (numberOf(lsn) === 1) return;
    const isStrict = group.mode === 'sync-strict';
    for (const name of isStrict ? group.copies : group.inSync) {
      const durableLsn = this.#cluster.host(name).durableLsn;
      if (durableLsn >= lsn) continue;
      throw new Violation(
        'C1',
        `${host.name} answers for ${formatLsn(lsn)}, ${isStrict ? `the mode asks for ${name}` : `the register names ${name} in sync`}, whose log is durable to ${formatLsn(durableLsn)}`,
      );
    }
  }
}
