/**
 * S1, S5: an epoch has one owner, and at any moment at most one copy answers. Seen from outside: epochs are activated
 * once, and after an answer under one epoch nobody answers under a lower one.
 */
import type { Serving } from '../../replication/copy.ts';
import { type Checker, Violation } from '../simulated-cluster.ts';
import type { SimulatedHost } from '../simulated-host.ts';

export class OneActive implements Checker {
  readonly name = 'one active copy';
  readonly #owners = new Map<number, string>();
  #highest = 0;
  #highestBy = '';

  serving(host: SimulatedHost, serving: Serving | undefined): void {
    if (serving === undefined) return;
    const owner = this.#owners.get(serving.epoch);
    if (owner !== undefined) {
      throw new Violation('S1', `epoch ${serving.epoch} is activated on ${host.name}, and was before on ${owner}`);
    }
    this.#owners.set(serving.epoch, host.name);
  }

  answered(host: SimulatedHost, epoch: number): void {
    if (epoch < this.#highest) {
      throw new Violation(
        'S5',
        `${host.name} answers under epoch ${epoch} after ${this.#highestBy} answered under ${this.#highest}`,
      );
    }
    this.#highest = epoch;
    this.#highestBy = host.name;
  }
}
