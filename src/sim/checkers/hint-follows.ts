/** S11: the register knows how far the log has come, soon after it was promised; without it nobody sees a log that is short. */
import { formatLsn } from '../../log/lsn.ts';
import { type Checker, type SimulatedCluster, Violation } from '../simulated-cluster.ts';
import type { SimulatedHost } from '../simulated-host.ts';

/** A commit of the database, which is due every second, and a renewal of the lease behind it, several times over. */
const HINT_LIMIT_RENEWALS = 12;

export class HintFollows implements Checker {
  readonly name = 'the hint follows the log';
  readonly #cluster: SimulatedCluster;
  #promisedLsn = 0;

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
  }

  answered(_host: SimulatedHost, _epoch: number, lsn: number): void {
    this.#promisedLsn = lsn;
  }

  async ended(): Promise<void> {
    const hintLsn = (): number => this.#cluster.group?.hint.lsn ?? 0;
    const lsn = this.#promisedLsn;
    const limitMs = HINT_LIMIT_RENEWALS * this.#cluster.timing.renewalMs;
    if (await this.#cluster.until(() => hintLsn() >= lsn, limitMs)) return;
    throw new Violation(
      'S11',
      `${formatLsn(lsn)} was promised ${limitMs} ms ago, the register's hint is ${formatLsn(hintLsn())}`,
    );
  }
}
