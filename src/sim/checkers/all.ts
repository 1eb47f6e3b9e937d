/** Every checker, one for each invariant. */
import type { Checker, SimulatedCluster } from '../simulated-cluster.ts';
import { AcknowledgedIsThere } from './acknowledged-is-there.ts';
import { CommittedInSet } from './committed-in-set.ts';
import { EpochsGrow } from './epochs-grow.ts';
import { LeaseCounts } from './lease-counts.ts';
import { OneActive } from './one-active.ts';
import { SameHistory } from './same-history.ts';

export function allCheckers(cluster: SimulatedCluster): readonly Checker[] {
  return [
    new OneActive(),
    new LeaseCounts(cluster),
    new EpochsGrow(cluster),
    new CommittedInSet(cluster),
    new AcknowledgedIsThere(cluster),
    new SameHistory(cluster),
  ];
}
