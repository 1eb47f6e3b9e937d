/**
 * S2: the epoch that a copy has stored as in use never goes back, unless its disk was lost; and whoever serves under an
 * epoch has stored it so that a loss of power leaves it there.
 */
import { decodeNote } from '../../base/checked-note.ts';
import type { Serving } from '../../replication/copy.ts';
import { type Checker, type SimulatedCluster, Violation } from '../simulated-cluster.ts';
import type { SimulatedHost } from '../simulated-host.ts';
import { COPY_FOLDER } from './read-log.ts';

const EPOCH_FILE = `${COPY_FOLDER}/epoch.json`;

export class EpochsGrow implements Checker {
  readonly name = 'epochs grow';
  readonly #cluster: SimulatedCluster;
  readonly #stored = new Map<string, { inUse: number; disks: number }>();
  /** Of each host: the file that was looked at last. */
  readonly #stamps = new Map<string, number>();

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
  }

  serving({ name, disk }: SimulatedHost, serving: Serving | undefined): void {
    if (serving === undefined) return;
    const inUse = inUseOf(disk.durable(EPOCH_FILE));
    if (inUse !== undefined && inUse >= serving.epoch) return;
    throw new Violation('S2', `${name} serves under epoch ${serving.epoch}, and surely stored is ${inUse ?? 'none'}`);
  }

  sampled(): void {
    for (const { name, disk, disksLost } of this.#cluster.hosts) {
      const before = this.#stored.get(name);
      const stamp = disk.stampOf(EPOCH_FILE);
      if (before?.disks === disksLost && stamp === this.#stamps.get(name)) continue;
      this.#stamps.set(name, stamp);
      const size = disk.size(EPOCH_FILE);
      const inUse = size === undefined ? 0 : inUseOf(disk.read(EPOCH_FILE, 0, size));
      if (inUse === undefined) continue; // made and not yet written
      if (before?.disks === disksLost && inUse < before.inUse) {
        throw new Violation('S2', `${name} had stored epoch ${before.inUse} and has ${inUse} now`);
      }
      this.#stored.set(name, { inUse, disks: disksLost });
    }
  }
}

function inUseOf(bytes: Buffer | undefined): number | undefined {
  const inUse = bytes === undefined ? undefined : decodeNote(bytes)?.['inUse'];
  return typeof inUse === 'number' ? inUse : undefined;
}
