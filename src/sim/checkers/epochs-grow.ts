/** S2: the epoch that a copy has stored never goes back, unless its disk was lost. */
import { type Checker, type SimulatedCluster, Violation } from '../simulated-cluster.ts';

const EPOCH_FILE = 'copy/epoch.json';

export class EpochsGrow implements Checker {
  readonly name = 'epochs grow';
  readonly #cluster: SimulatedCluster;
  readonly #stored = new Map<string, { epoch: number; disks: number }>();

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
  }

  sampled(): void {
    for (const { name, disk, disksLost } of this.#cluster.hosts) {
      const before = this.#stored.get(name);
      const size = disk.size(EPOCH_FILE);
      const text = size === undefined ? '{"epoch":0}' : disk.read(EPOCH_FILE, 0, size).toString('utf8');
      if (text === '') continue; // made and not yet written
      const { epoch } = JSON.parse(text) as { epoch: number };
      if (before?.disks === disksLost && epoch < before.epoch) {
        throw new Violation('S2', `${name} had stored epoch ${before.epoch} and has ${epoch} now`);
      }
      this.#stored.set(name, { epoch, disks: disksLost });
    }
  }
}
