/**
 * Swizzle-clogging, as FoundationDB names it: some machines lose their network one after the other, and get it back one
 * after the other in another order. Whoever is still cut off when the next one comes back sees a cluster that nobody else
 * sees, and there is no moment at which all see the same.
 */
import type { Random } from '../base/random.ts';
import { bothWays, cut, type Fault } from './fault.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';

export const swizzle: Fault = (cluster, random) => {
  const { time, hosts, hub, timing } = cluster;
  const machines = [...hosts.map(({ name }) => name), 'share', hub.name];
  const chosen = inAnyOrder(
    random,
    machines.filter(() => random.below(2) === 0),
  );
  const back = inAnyOrder(random, chosen);
  const stepMs = 1 + random.below(timing.graceMs / 2);
  const clogged = new Set<string>();
  let isOver = false;
  const unclog = (machine: string): void => {
    if (clogged.delete(machine)) reconnect(cluster, machine, othersThan(machine, machines, clogged));
  };
  const steps = [
    ...chosen.map((machine) => (): void => {
      clogged.add(machine);
      cut(cluster, bothWays(machine, othersThan(machine, machines)));
    }),
    ...back.map((machine) => (): void => unclog(machine)),
  ];
  for (const [index, step] of steps.entries()) time.after(index * stepMs, () => isOver || step());
  return () => {
    isOver = true;
    for (const machine of back) unclog(machine);
  };
};

function othersThan(machine: string, machines: readonly string[], without: ReadonlySet<string> = new Set()): string[] {
  return machines.filter((other) => other !== machine && !without.has(other));
}

function reconnect(cluster: SimulatedCluster, machine: string, others: readonly string[]): void {
  cluster.story.tell('network', `${machine} is back, to ${others.join(', ')}`);
  for (const [from, to] of bothWays(machine, others)) cluster.network.heal(from, to);
}

function inAnyOrder(random: Random, items: readonly string[]): readonly string[] {
  const left = [...items];
  return items.flatMap(() => left.splice(random.below(left.length), 1));
}
