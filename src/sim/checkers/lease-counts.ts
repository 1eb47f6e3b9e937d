/**
 * S5, C7: whoever answers renewed its lease less than a lease ago. The renewal was sent before a majority had it, so the
 * time since then must not be longer than the lease, by the slowest clock that is allowed. And what the copy is told must
 * end by then, whether it answers or not. A pause short enough to go unnoticed is within the watchers' grace (checkTiming),
 * and not held against it.
 */
import { CLOCK_DRIFT } from '../../cluster/timing.ts';
import { type Checker, type SimulatedCluster, Violation } from '../simulated-cluster.ts';
import type { SimulatedHost } from '../simulated-host.ts';

export class LeaseCounts implements Checker {
  readonly name = 'lease counts';
  readonly #cluster: SimulatedCluster;

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
  }

  leased(host: SimulatedHost, forMs: number): void {
    const { register, time, timing } = this.#cluster;
    const renewedMs = register.renewedMs(host.name);
    // One that has ended already says nothing of how long it lasted in true time: its clock may have been slow for long.
    if (renewedMs === undefined || forMs <= 0) return;
    const lastsMs = time.nowMs - renewedMs + forMs;
    if (lastsMs <= this.#allowedMs(host, renewedMs)) return;
    throw new Violation(
      'S5',
      `${host.name} holds its lease until ${lastsMs.toFixed(0)} ms after its last renewal, on a lease of ${timing.leaseMs} ms`,
    );
  }

  answered(host: SimulatedHost, epoch: number): void {
    const { group, register, time, timing } = this.#cluster;
    const renewedMs = register.renewedMs(host.name);
    if (group?.epoch !== epoch || group.active !== host.name || renewedMs === undefined) return;
    const sinceMs = time.nowMs - renewedMs;
    if (sinceMs <= this.#allowedMs(host, renewedMs)) return;
    throw new Violation(
      'S5',
      `${host.name} answers ${sinceMs.toFixed(0)} ms after its last renewal, on a lease of ${timing.leaseMs} ms`,
    );
  }

  #allowedMs(host: SimulatedHost, renewedMs: number): number {
    const { leaseMs, clockJumpMs } = this.#cluster.timing;
    return leaseMs * (1 + CLOCK_DRIFT) + Math.min(host.clock.frozenMsSince(renewedMs), clockJumpMs);
  }
}
