/**
 * C1, C3: what is answered under the register's epoch is durable on every copy that the register names in sync. In
 * sync-strict a change is durable on every copy there is; but reading goes on without the others, and what an epoch
 * began with, its own first record at the end, is what a copy that is alone has to show: by C4 the in-sync set held it.
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
    const isStrict = group.mode === 'sync-strict' && numberOf(lsn) > 1;
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
