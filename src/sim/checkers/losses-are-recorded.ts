/** S7, async: whoever takes over without everything that was promised says so in the register, and lacks no more than the dial. */
import { DIAL_LOG_FILES } from '../../cluster/estimate-loss.ts';
import { member, type RegisterDocument, serverOf } from '../../cluster/register-document.ts';
import { formatLsn } from '../../log/lsn.ts';
import { type Checker, type SimulatedCluster, STORAGE_GROUP, Violation } from '../simulated-cluster.ts';
import type { SimulatedHost } from '../simulated-host.ts';

export class LossesAreRecorded implements Checker {
  readonly name = 'losses are recorded';
  readonly #cluster: SimulatedCluster;
  #promisedLsn = 0;

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
  }

  answered(_host: SimulatedHost, _epoch: number, lsn: number): void {
    this.#promisedLsn = Math.max(this.#promisedLsn, lsn);
  }

  chosen(before: RegisterDocument | undefined, after: RegisterDocument): void {
    const was = before && member(before.storageGroups, STORAGE_GROUP);
    const group = member(after.storageGroups, STORAGE_GROUP);
    if (group?.mode !== 'async' || was === undefined || group.active === null || group.epoch === was.epoch) return;
    if (group.active === was.active) return;
    const taker = this.#cluster.host(group.active);
    if (taker.durableLsn < this.#promisedLsn && group.lossy?.epoch !== group.epoch) {
      throw new Violation(
        'S7',
        `${taker.name} takes over with a log up to ${formatLsn(taker.durableLsn)}, promised was ${formatLsn(this.#promisedLsn)}, and no loss is recorded`,
      );
    }
    // Beyond the dial only by an administrator's word, given now or for after so many hours; that is on record.
    if (group.lossy?.epoch === group.epoch && group.lossy.cause !== 'dial') return;
    const dial = serverOf(after, STORAGE_GROUP)?.record.autoDatabaseMountDial ?? 'Lossless';
    const missing = was.hint.generation - (taker.view?.generation ?? 0);
    if (missing <= DIAL_LOG_FILES[dial]) return;
    throw new Violation('S7', `${taker.name} takes over without ${missing} log files, more than ${dial} tolerates`);
  }
}
