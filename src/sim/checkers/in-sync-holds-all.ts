/**
 * S10, S11, C10: whoever the register names in sync, and says of itself that it could lead, has everything in its log that
 * was promised to anybody; and whoever is given an epoch reaches the hint.
 */
import { member, type RegisterDocument } from '../../cluster/register-document.ts';
import { formatLsn } from '../../log/lsn.ts';
import { type Checker, type SimulatedCluster, STORAGE_GROUP, Violation } from '../simulated-cluster.ts';
import type { SimulatedHost } from '../simulated-host.ts';

export class InSyncHoldsAll implements Checker {
  readonly name = 'who is in sync holds everything';
  readonly #cluster: SimulatedCluster;
  #promisedLsn = 0;

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
  }

  answered(_host: SimulatedHost, _epoch: number, lsn: number): void {
    this.#promisedLsn = Math.max(this.#promisedLsn, lsn);
  }

  sampled(): void {
    const group = this.#cluster.group;
    if (group === undefined || group.mode === 'async') return;
    for (const name of group.inSync) {
      const view = this.#cluster.host(name).liveView;
      // One that comes from a backup may lead by an administrator's word only.
      if (view?.mayTakeOver !== true || view.restored === true || view.durableLsn === 0) continue;
      if (view.durableLsn >= this.#promisedLsn) continue;
      throw new Violation(
        'C10',
        `${name} is in sync and could lead, with a log up to ${formatLsn(view.durableLsn)}; promised was ${formatLsn(this.#promisedLsn)}`,
      );
    }
  }

  chosen(before: RegisterDocument | undefined, after: RegisterDocument): void {
    const was = before && member(before.storageGroups, STORAGE_GROUP);
    const group = member(after.storageGroups, STORAGE_GROUP);
    if (group === undefined || was === undefined || group.active === null || group.epoch === was.epoch) return;
    const { durableLsn } = this.#cluster.host(group.active);
    if (durableLsn >= group.hint.lsn) return;
    throw new Violation(
      'S11',
      `${group.active} is given epoch ${group.epoch} with a log up to ${formatLsn(durableLsn)}; the hint is ${formatLsn(group.hint.lsn)}`,
    );
  }
}
