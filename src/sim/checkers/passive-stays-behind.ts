/**
 * C8, C9: a passive copy applies nothing, and no copy's database commits anything, that a member of the in-sync set does
 * not hold durably: what may have to be cut from a log never stands in a database. (Async promises less.)
 */
import { formatLsn } from '../../log/lsn.ts';
import { type Checker, type SimulatedCluster, Violation } from '../simulated-cluster.ts';

export class PassiveStaysBehind implements Checker {
  readonly name = 'databases stay behind the commit point';
  readonly #cluster: SimulatedCluster;

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
  }

  sampled(): void {
    const { group, hosts } = this.#cluster;
    // Who lost a disk, or a part of its log, has said more before than it can say now.
    const isWhole = hosts.every(({ disksLost, logsRotten }) => disksLost + logsRotten === 0);
    if (group === undefined || group.mode === 'async' || !isWhole) return;
    const commonLsn = Math.min(...group.inSync.map((name) => this.#cluster.host(name).durableLsn));
    for (const { name, liveView, database } of hosts) {
      if (liveView === undefined || database === undefined) continue;
      const isFollowing = liveView.state === 'passive' && name !== group.active;
      if (isFollowing && database.appliedLsn > commonLsn)
        throw ahead('C8', name, 'applied', database.appliedLsn, commonLsn);
      if (database.committedLsn > commonLsn) throw ahead('C9', name, 'committed', database.committedLsn, commonLsn);
    }
  }
}

function ahead(rule: string, host: string, what: string, lsn: number, commonLsn: number): Violation {
  return new Violation(
    rule,
    `the database of ${host} has ${what} ${formatLsn(lsn)}, the in-sync set holds ${formatLsn(commonLsn)} together`,
  );
}
